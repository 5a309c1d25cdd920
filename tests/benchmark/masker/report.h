// The tables and the JSON file.
#ifndef MASKD_TESTS_BENCHMARK_MASKER_REPORT_H_
#define MASKD_TESTS_BENCHMARK_MASKER_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "tests/benchmark/masker/batch_shape.h"
#include "tests/benchmark/masker/event_timer.h"

namespace maskd::bench {

// One line. main.cc explains the columns to its reader.
struct Row {
  std::string what;
  BatchShape shape;
  double bytes;
  Timing timing;
  double of_copy;    // rate over the copy bandwidth
  double over_copy;  // time over that of a copy of the same bytes
  int launches = 0;  // 0: not counted
  std::string note = {};
};

// Prints lines as they come, and keeps them for the file.
class Report {
 public:
  Report(const std::string& device, double copy_gb_per_s);

  // Lines that follow are of section `name`.
  void Begin(const std::string& name, const std::string& title);
  void Add(const Row& row);
  void Skip(const std::string& what, const BatchShape& shape, const std::string& reason);

  // Returns INTERNAL if the file cannot be written.
  absl::Status WriteJson(const std::string& path) const;

 private:
  nlohmann::ordered_json json_;
  std::string section_;
};

}  // namespace maskd::bench

#endif  // MASKD_TESTS_BENCHMARK_MASKER_REPORT_H_
