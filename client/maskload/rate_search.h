// The search for the highest rate that meets the objectives.
#ifndef MASKD_CLIENT_MASKLOAD_RATE_SEARCH_H_
#define MASKD_CLIENT_MASKLOAD_RATE_SEARCH_H_

#include <optional>

namespace maskd::maskload {

enum class SearchWay {
  // Twice the rate until one fails, then halves the gap until it is small.
  kStep,
  // A little more each time until one fails.
  kRamp,
};

// A rate that fails is tried once more, for the noise of a shared machine. Not
// thread-safe.
class RateSearch {
 public:
  struct Options {
    SearchWay way = SearchWay::kStep;
    double from = 100;      // calls a second, the first rate
    double to = 1'000'000;  // none above it
    // How near the result is to a rate that failed, as a share; by which a ramp goes up.
    double precision = 0.05;
  };

  explicit RateSearch(const Options& options) : options_(options), rate_(options.from) {}

  // The rate to try now; nothing when the search is over.
  std::optional<double> rate() const { return rate_; }

  // Whether the objectives were met at rate().
  void Tell(bool met);

  // The highest rate that met them, if any did.
  std::optional<double> best() const { return best_; }

 private:
  std::optional<double> Above(double met) const;
  std::optional<double> Below(double failed) const;

  const Options options_;
  std::optional<double> rate_;
  std::optional<double> best_ = {};
  std::optional<double> failed_ = {};  // the lowest that did
  bool tried_again_ = false;
};

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_RATE_SEARCH_H_
