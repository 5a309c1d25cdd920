#include "client/maskctl/lettering.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

namespace maskd {
namespace {

// In multiples of the height of an x; y goes up from the line.
struct Point {
  double x;
  double y;
};
using Stroke = std::vector<Point>;

struct Glyph {
  double width;
  std::vector<Stroke> strokes;
};

constexpr double kPen = 0.09;  // half of its width
constexpr double kGap = 0.36;  // between letters
constexpr double kSpace = 0.25;
constexpr double kInk = 60;  // grey

// Of an ellipse, counterclockwise from angle `from` to `to` in degrees, or
// clockwise if `to` is less.
Stroke Arc(Point center, double x_radius, double y_radius, double from, double to) {
  constexpr int kPieces = 24;
  Stroke stroke;
  for (int i = 0; i <= kPieces; ++i) {
    const double angle = (from + (to - from) * i / kPieces) * std::numbers::pi / 180;
    stroke.push_back({center.x + x_radius * std::cos(angle), center.y + y_radius * std::sin(angle)});
  }
  return stroke;
}

Stroke Bowl() { return Arc({.5, .5}, .5, .5, 0, 360); }

// An arch from the stem at `left` to the line.
Stroke Arch(double left, double radius) {
  Stroke stroke = Arc({left + radius, 1 - radius}, radius, radius, 180, 0);
  stroke.push_back({left + 2 * radius, 0});
  return stroke;
}

Glyph GlyphOf(char letter) {
  switch (letter) {
    case 'a':
      return {1, {Bowl(), {{1, 0}, {1, 1}}}};
    case 'c':
      return {.88, {Arc({.5, .5}, .5, .5, 45, 315)}};
    case 'd':
      return {1, {Bowl(), {{1, 0}, {1, 1.5}}}};
    case 'e':
      return {1, {Arc({.5, .5}, .5, .5, 0, 315), {{0, .5}, {1, .5}}}};
    case 'g':
      return {1, {Bowl(), {{1, 1}, {1, 0}}, Arc({.5, 0}, .5, .48, 0, -145)}};
    case 'h':
      return {.84, {{{0, 0}, {0, 1.5}}, Arch(0, .42)}};
    case 'i':
      return {0, {{{0, 0}, {0, 1}}, {{0, 1.4}, {0, 1.42}}}};
    case 'k':
      return {.78, {{{0, 0}, {0, 1.5}}, {{.72, 1}, {0, .38}}, {{.26, .6}, {.78, 0}}}};
    case 'l':
      return {0, {{{0, 0}, {0, 1.5}}}};
    case 'm':
      return {1.44, {{{0, 0}, {0, 1}}, Arch(0, .36), Arch(.72, .36)}};
    case 'n':
      return {.84, {{{0, 0}, {0, 1}}, Arch(0, .42)}};
    case 'o':
      return {1, {Bowl()}};
    case 'p':
      return {1, {Bowl(), {{0, 1}, {0, -.5}}}};
    case 'r':
      return {.6, {{{0, 0}, {0, 1}}, Arc({.42, .58}, .42, .42, 180, 60)}};
    case 's':
      return {.74, {Arc({.36, .75}, .32, .25, 35, 270), Arc({.36, .25}, .36, .25, 90, -145)}};
    case 't':
      return {.68, {{{.28, 1.36}, {.28, .26}}, Arc({.54, .26}, .26, .26, 180, 295), {{0, 1}, {.64, 1}}}};
    default:
      return {kSpace, {}};
  }
}

double Distance(Point p, Point from, Point to) {
  const double x = to.x - from.x;
  const double y = to.y - from.y;
  const double length = x * x + y * y;
  const double along =
      length == 0 ? 0 : std::clamp(((p.x - from.x) * x + (p.y - from.y) * y) / length, 0.0, 1.0);
  return std::hypot(p.x - from.x - along * x, p.y - from.y - along * y);
}

double Distance(Point p, const Glyph& glyph) {
  double least = std::numeric_limits<double>::infinity();
  for (const Stroke& stroke : glyph.strokes) {
    for (std::size_t i = 1; i < stroke.size(); ++i)
      least = std::min(least, Distance(p, stroke[i - 1], stroke[i]));
  }
  return least;
}

// `covered`, in [0, 1], of a pixel with ink.
void Ink(double covered, std::int64_t x, std::int64_t y, Picture& picture) {
  for (std::int64_t c = 0; c < kRgbBytes; ++c) {
    std::byte& value = picture.pixels[static_cast<std::size_t>((y * picture.width + x) * kRgbBytes + c)];
    const double paper = std::to_integer<int>(value);
    value = static_cast<std::byte>(std::lround(paper + covered * (kInk - paper)));
  }
}

void DrawGlyph(const Glyph& glyph, double left, double baseline, double x_height, Picture& picture) {
  const auto from = [](double at) { return std::max(std::int64_t{0}, static_cast<std::int64_t>(at)); };
  const auto to = [](double at, std::int64_t size) { return std::min(size, static_cast<std::int64_t>(at)); };
  const std::int64_t right = to(left + (glyph.width + .2) * x_height + 2, picture.width);
  const std::int64_t bottom = to(baseline + .7 * x_height + 2, picture.height);
  for (std::int64_t y = from(baseline - 1.7 * x_height - 1); y < bottom; ++y) {
    for (std::int64_t x = from(left - .2 * x_height - 1); x < right; ++x) {
      const Point p = {(static_cast<double>(x) + .5 - left) / x_height,
                       (baseline - static_cast<double>(y) - .5) / x_height};
      const double covered = std::clamp((kPen - Distance(p, glyph)) * x_height + .5, 0.0, 1.0);
      if (covered > 0) Ink(covered, x, y, picture);
    }
  }
}

}  // namespace

double TextWidth(absl::string_view text, double x_height) {
  double width = 0;
  for (const char letter : text) width += GlyphOf(letter).width + kGap;
  return std::max(0.0, width - kGap) * x_height;
}

void DrawText(absl::string_view text, double center, double baseline, double x_height, Picture& picture) {
  double left = center - TextWidth(text, x_height) / 2;
  for (const char letter : text) {
    const Glyph glyph = GlyphOf(letter);
    DrawGlyph(glyph, left, baseline, x_height, picture);
    left += (glyph.width + kGap) * x_height;
  }
}

}  // namespace maskd
