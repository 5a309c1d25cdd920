// What the benchmark prints, and writes as JSON.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_REPORT_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_REPORT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace maskd::transport {

struct Column {
  std::string name;
  int decimals = 0;
  bool with_range = false;  // prints "median (min..max)" rather than the median
};

// One quantity: a value for each round. Empty: does not apply to the row.
using Cell = std::vector<double>;

class Table {
 public:
  Table(std::string title, std::vector<Column> columns)
      : title_(std::move(title)), columns_(std::move(columns)) {}

  // As many cells as columns.
  void AddRow(std::string label, std::vector<Cell> cells);

  std::string ToText() const;

  // {"title", "rows": [{"name", COLUMN: {"median", "min", "max", "quartiles", "rounds"}}]}
  nlohmann::ordered_json ToJson() const;

 private:
  struct Row {
    std::string label;
    std::vector<Cell> cells;
  };

  std::string title_;
  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

class Report {
 public:
  // A fact about the run, such as the machine.
  void AddFact(const std::string& name, const nlohmann::ordered_json& value);

  void AddTable(const Table& table);

  // All that was added and printed.
  absl::Status WriteJson(const std::string& path) const;

 private:
  nlohmann::ordered_json json_;
};

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_REPORT_H_
