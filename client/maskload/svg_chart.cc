#include "client/maskload/svg_chart.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace maskd::maskload {
namespace {

// Room for the labels of the axes.
constexpr double kLeft = 66;
constexpr double kRight = 24;
constexpr double kTop = 12;
constexpr double kBottom = 46;

// A value's place between the ends of its axis, 0 to 1.
double ShareOf(const Axis& axis, double value) {
  const double share =
      axis.logarithmic ? std::log(std::max(value, axis.least) / axis.least) / std::log(axis.most / axis.least)
                       : (value - axis.least) / (axis.most - axis.least);
  return std::clamp(share, 0.0, 1.0);
}

class Drawing {
 public:
  explicit Drawing(const LineChart& chart) : chart_(chart) {}

  std::string Draw() {
    absl::StrAppend(&svg_, "<svg viewBox=\"0 0 ", chart_.width, " ", chart_.height,
                    "\" role=\"img\" aria-label=\"", EscapeHtml(chart_.title), "\">\n");
    DrawAxes();
    for (const Series& series : chart_.series) DrawSeries(series);
    svg_ += "</svg>\n";
    return std::move(svg_);
  }

 private:
  double X(double value) const { return kLeft + ShareOf(chart_.x, value) * (chart_.width - kLeft - kRight); }
  double Y(double value) const {
    return chart_.height - kBottom - ShareOf(chart_.y, value) * (chart_.height - kBottom - kTop);
  }

  void Line(const char* style, double x1, double y1, double x2, double y2) {
    absl::StrAppendFormat(&svg_, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
                          style, x1, y1, x2, y2);
  }

  void Text(const char* style, double x, double y, const std::string& text) {
    absl::StrAppendFormat(&svg_, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", style, x, y,
                          EscapeHtml(text));
  }

  void DrawAxes() {
    const double right = chart_.width - kRight;
    const double bottom = chart_.height - kBottom;
    for (const Tick& tick : chart_.y.ticks) {
      Line("grid", kLeft, Y(tick.at), right, Y(tick.at));
      Text("tick end", kLeft - 8, Y(tick.at) + 4, tick.label);
    }
    for (const Tick& tick : chart_.x.ticks) {
      Line("axis", X(tick.at), bottom, X(tick.at), bottom + 4);
      Text("tick middle", X(tick.at), bottom + 18, tick.label);
    }
    Line("axis", kLeft, bottom, right, bottom);
    Text("tick middle", (kLeft + right) / 2, chart_.height - 6, chart_.x_label);
    for (const Tick& level : chart_.levels) {
      Line("level", kLeft, Y(level.at), right, Y(level.at));
      Text("tick end", right, Y(level.at) - 5, level.label);
    }
  }

  void DrawSeries(const Series& series) {
    std::string points;
    for (const auto& [x, y] : series.points) absl::StrAppendFormat(&points, "%.1f,%.1f ", X(x), Y(y));
    if (series.line)
      absl::StrAppend(&svg_, "<polyline class=\"line ", series.colour, "\" points=\"", points, "\"/>\n");
    for (const auto& [x, y] : series.points) {
      absl::StrAppendFormat(
          &svg_, "<circle class=\"%s %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"><title>%s</title></circle>\n",
          series.markers ? "dot" : "hit", series.colour, X(x), Y(y), series.markers ? 5 : 7,
          EscapeHtml(chart_.describe(series, x, y)));
    }
  }

  const LineChart& chart_;
  std::string svg_;
};

}  // namespace

std::string DrawLineChart(const LineChart& chart) { return Drawing(chart).Draw(); }

Axis LinearAxis(double most, int count, const std::function<std::string(double)>& format) {
  if (!(most > 0)) most = 1;
  const double rough = most / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double round : {5.0, 2.0, 1.0}) {
    if (round * power >= rough) step = round * power;
  }
  Axis axis{.most = std::ceil(most / step - 1e-9) * step};
  for (int i = 0; i * step <= axis.most * (1 + 1e-9); ++i) axis.ticks.push_back({i * step, format(i * step)});
  return axis;
}

Axis LogAxis(double least, double most, const std::function<std::string(double)>& format) {
  most = std::max(most, 1e-9);
  least = std::clamp(least, most * 1e-9, most / 2);
  Axis axis{.logarithmic = true, .least = least, .most = most};
  const bool many = most / least > 1e3;
  for (int exponent = static_cast<int>(std::floor(std::log10(least))); std::pow(10, exponent) <= most;
       ++exponent) {
    for (const double round : {1.0, 2.0, 5.0}) {
      const double at = round * std::pow(10, exponent);
      if (at < least || at > most || (many && round > 1)) continue;
      axis.ticks.push_back({at, format(at)});
    }
  }
  return axis;
}

std::string EscapeHtml(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

}  // namespace maskd::maskload
