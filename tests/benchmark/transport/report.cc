#include "tests/benchmark/transport/report.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/benchmark/transport/statistics.h"

namespace maskd::transport {
namespace {

std::string CellText(const Column& column, const Cell& cell) {
  if (cell.empty()) return "-";
  const std::string median = absl::StrFormat("%.*f", column.decimals, Median(cell));
  if (!column.with_range) return median;
  return absl::StrFormat("%s (%.*f..%.*f)", median, column.decimals, std::ranges::min(cell), column.decimals,
                         std::ranges::max(cell));
}

}  // namespace

void Table::AddRow(std::string label, std::vector<Cell> cells) {
  rows_.push_back({std::move(label), std::move(cells)});
}

std::string Table::ToText() const {
  std::vector<std::vector<std::string>> lines = {{title_}};
  for (const Column& column : columns_) lines.front().push_back(column.name);
  for (const Row& row : rows_) {
    std::vector<std::string>& line = lines.emplace_back(1, row.label);
    for (std::size_t i = 0; i < columns_.size(); ++i) line.push_back(CellText(columns_[i], row.cells[i]));
  }
  std::vector<std::size_t> widths(columns_.size() + 1);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const auto& line : lines) {
    absl::StrAppendFormat(&text, "%-*s", static_cast<int>(widths[0]), line[0]);
    for (std::size_t i = 1; i < line.size(); ++i) {
      absl::StrAppendFormat(&text, "  %*s", static_cast<int>(widths[i]), line[i]);
    }
    text += '\n';
  }
  return text;
}

nlohmann::ordered_json Table::ToJson() const {
  auto rows = nlohmann::ordered_json::array();
  for (const Row& row : rows_) {
    nlohmann::ordered_json entry = {{"name", row.label}};
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Cell& cell = row.cells[i];
      if (cell.empty()) continue;
      entry[columns_[i].name] = {{"median", Median(cell)},
                                 {"min", std::ranges::min(cell)},
                                 {"max", std::ranges::max(cell)},
                                 {"quartiles", {Quantile(cell, 0.25), Quantile(cell, 0.75)}},
                                 {"rounds", cell}};
    }
    rows.push_back(std::move(entry));
  }
  return {{"title", title_}, {"rows", std::move(rows)}};
}

void Report::AddFact(const std::string& name, const nlohmann::ordered_json& value) {
  std::printf("%s: %s\n", name.c_str(),
              value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
  std::fflush(stdout);
  json_[name] = value;
}

void Report::AddTable(const Table& table) {
  std::printf("\n%s", table.ToText().c_str());
  std::fflush(stdout);
  json_["tables"].push_back(table.ToJson());
}

absl::Status Report::WriteJson(const std::string& path) const {
  std::ofstream file(path);
  file << json_.dump(2) << '\n';
  file.close();
  if (file) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write ", path));
}

}  // namespace maskd::transport
