// Line charts as SVG, to be shown in a page with the style of html_style.h.
#ifndef MASKD_CLIENT_MASKLOAD_SVG_CHART_H_
#define MASKD_CLIENT_MASKLOAD_SVG_CHART_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace maskd::maskload {

struct Tick {
  double at;
  std::string label;
};

// What values of an axis become: a place along it, and words.
struct Axis {
  bool logarithmic = false;
  double least = 0;
  double most = 1;  // above `least`, which is above 0 if logarithmic
  std::vector<Tick> ticks = {};
};

struct Series {
  std::string label;
  // "a", "b", ... for the colours of the style; "bad" for what should not be.
  std::string colour;
  std::vector<std::pair<double, double>> points = {};
  bool line = true;      // from point to point
  bool markers = false;  // a dot for each
};

struct LineChart {
  std::string title;  // read aloud, not shown
  std::string x_label;
  Axis x;
  Axis y;
  std::vector<Series> series = {};
  // Words for a point, shown where the pointer is.
  std::function<std::string(const Series&, double x, double y)> describe = {};
  // Levels that are drawn across, such as the bound of an objective.
  std::vector<Tick> levels = {};
  int width = 1000;
  int height = 300;
};

std::string DrawLineChart(const LineChart& chart);

// From 0 to `most` or a little more, with about `count` ticks at round numbers.
// `most` <= 0 is taken as 1.
Axis LinearAxis(double most, int count, const std::function<std::string(double)>& format);

// From `least` to `most`, with ticks at 1, 2 and 5 times powers of ten, or at the
// powers alone where those are many. Values at or below 0 have no place on it.
Axis LogAxis(double least, double most, const std::function<std::string(double)>& format);

// Text that may stand in HTML.
std::string EscapeHtml(const std::string& text);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_SVG_CHART_H_
