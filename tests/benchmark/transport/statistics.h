// Figures of several rounds.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_STATISTICS_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_STATISTICS_H_

#include <utility>
#include <vector>

namespace maskd::transport {

// The value below which the share `q` in [0, 1] of `values` lies, linear
// between neighbours. At least one value.
double Quantile(std::vector<double> values, double q);

inline double Median(std::vector<double> values) { return Quantile(std::move(values), 0.5); }

// numerators[i] / denominators[i], of the same round each.
std::vector<double> Ratios(const std::vector<double>& numerators, const std::vector<double>& denominators);

// What calls that were made one at a time took.
struct Latencies {
  std::vector<double> p50_us;  // one value a round
  std::vector<double> p99_us;

  void AddRound(const std::vector<double>& seconds) {
    p50_us.push_back(Quantile(seconds, 0.5) * 1e6);
    p99_us.push_back(Quantile(seconds, 0.99) * 1e6);
  }
};

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_STATISTICS_H_
