#include "client/maskload/shape_mix.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

constexpr std::pair<absl::string_view, std::int64_t> kElementBytes[] = {
    {"f32", 4}, {"f64", 8}, {"f16", 2}, {"bf16", 2}, {"f8", 1},
    {"i64", 8}, {"i32", 4}, {"i16", 2}, {"i8", 1},   {"u8", 1}};

absl::StatusOr<BatchShape> ParseShape(absl::string_view entry) {
  const auto wrong = [entry](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("\"", entry, "\" is no batch: ", why,
                                                   "; write NxLxD:type=weight, such as 64x196x768:f32=9"));
  };
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(entry, absl::MaxSplits('=', 1));
  BatchShape shape;
  if (entry.find('=') != absl::string_view::npos) {
    if (!absl::SimpleAtod(parts.second, &shape.weight) || !std::isfinite(shape.weight) || shape.weight <= 0)
      return wrong("the weight must be a number above 0");
  }
  shape.label = std::string(parts.first);
  const std::pair<absl::string_view, absl::string_view> sizes_and_type =
      absl::StrSplit(parts.first, absl::MaxSplits(':', 1));
  const absl::string_view type =
      parts.first.find(':') == absl::string_view::npos ? "f32" : sizes_and_type.second;
  const auto* const found =
      std::ranges::find(kElementBytes, type, &std::pair<absl::string_view, std::int64_t>::first);
  if (found == std::end(kElementBytes)) return wrong("the type is unknown");
  shape.element_bytes = found->second;
  const std::vector<absl::string_view> sizes = absl::StrSplit(sizes_and_type.first, 'x');
  if (sizes.size() != 3 || !absl::SimpleAtoi(sizes[0], &shape.batch_size) ||
      !absl::SimpleAtoi(sizes[1], &shape.sequence_length) || !absl::SimpleAtoi(sizes[2], &shape.token_dim))
    return wrong("it has not three sizes");
  if (shape.batch_size < 1 || shape.sequence_length < 1 || shape.token_dim < 0)
    return wrong("N and L must be at least 1, and D at least 0");
  return shape;
}

// In [0, 1), by a hash of `number` (splitmix64).
double UniformOf(std::int64_t number) {
  std::uint64_t bits = (static_cast<std::uint64_t>(number) + 1) * 0x9E3779B97F4A7C15u;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
  return static_cast<double>((bits ^ (bits >> 31)) >> 11) * 0x1p-53;
}

}  // namespace

absl::StatusOr<ShapeMix> ShapeMix::Parse(absl::string_view text, bool masks_alone) {
  ShapeMix mix;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const absl::string_view read = line.substr(0, line.find('#'));
    for (const absl::string_view entry : absl::StrSplit(read, ',')) {
      const absl::string_view stripped = absl::StripAsciiWhitespace(entry);
      if (stripped.empty()) continue;
      MASKD_ASSIGN_OR_RETURN(BatchShape shape, ParseShape(stripped));
      if (masks_alone) shape.token_dim = 0;
      mix.shapes_.push_back(std::move(shape));
    }
  }
  if (mix.shapes_.empty()) return absl::InvalidArgumentError("the mix has no batch in it");
  double total = 0;
  for (const BatchShape& shape : mix.shapes_) total += shape.weight;
  double end = 0;
  for (const BatchShape& shape : mix.shapes_) mix.ends_.push_back(end += shape.weight / total);
  mix.ends_.back() = 1;
  return mix;
}

std::size_t ShapeMix::Pick(std::int64_t number) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(ends_, UniformOf(number)) - ends_.begin());
}

}  // namespace maskd::maskload
