#include "client/maskload/rate_search.h"

#include <algorithm>

namespace maskd::maskload {
namespace {

// Below this share of the first rate nothing is looked for.
constexpr double kLeastShare = 1.0 / 64;

}  // namespace

void RateSearch::Tell(bool met) {
  const double tried = *rate_;
  if (!met && !tried_again_) {
    tried_again_ = true;
    return;
  }
  tried_again_ = false;
  if (met) {
    best_ = tried;
    rate_ = Above(tried);
  } else {
    failed_ = tried;
    rate_ = Below(tried);
  }
}

std::optional<double> RateSearch::Above(double met) const {
  if (met >= options_.to) return std::nullopt;
  if (options_.way == SearchWay::kRamp) return std::min(options_.to, met * (1 + options_.precision));
  if (!failed_.has_value()) return std::min(options_.to, met * 2);
  if (*failed_ <= met * (1 + options_.precision)) return std::nullopt;
  return (met + *failed_) / 2;
}

std::optional<double> RateSearch::Below(double failed) const {
  if (options_.way == SearchWay::kRamp) return std::nullopt;
  if (best_.has_value()) return Above(*best_);
  if (failed / 2 < options_.from * kLeastShare) return std::nullopt;
  return failed / 2;
}

}  // namespace maskd::maskload
