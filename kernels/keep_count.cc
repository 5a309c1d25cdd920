#include "kernels/keep_count.h"

#include <algorithm>
#include <cmath>

namespace maskd {

std::int64_t CountKept(std::int64_t sequence_length, double mask_ratio, KeepCountRule rule) {
  const auto length = static_cast<double>(sequence_length);
  const auto truncated_keep = static_cast<std::int64_t>(length * (1.0 - mask_ratio));
  const double removed = mask_ratio * length;
  switch (rule) {
    case KeepCountRule::kKeepTrunc:
      return truncated_keep;
    case KeepCountRule::kMaskTrunc:
      return sequence_length - static_cast<std::int64_t>(removed);
    case KeepCountRule::kMaskCeil:
      return sequence_length - static_cast<std::int64_t>(std::ceil(removed));
    case KeepCountRule::kKeepTruncMin1:
      return std::max<std::int64_t>(1, truncated_keep);
  }
  return 0;
}

}  // namespace maskd
