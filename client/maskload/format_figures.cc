#include "client/maskload/format_figures.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace maskd::maskload {

std::string FormatTime(double seconds) {
  if (std::isinf(seconds)) return "never";
  if (seconds == 0) return "0 us";
  if (seconds < 0.9995e-3) return FormatNumber(seconds * 1e6) + " us";
  if (seconds < 0.9995) return FormatNumber(seconds * 1e3) + " ms";
  return FormatNumber(seconds) + " s";
}

std::string FormatBytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  return absl::StrCat(FormatNumber(bytes), " ", kUnits[unit]);
}

std::string FormatNumber(double number) {
  const double size = std::abs(number);
  if (size == 0) return "0";
  if (size < 9.995) return absl::StrFormat("%.2f", number);
  if (size < 99.95) return absl::StrFormat("%.1f", number);
  return FormatCount(std::llround(number));
}

std::string FormatCount(std::int64_t count) {
  std::string digits = absl::StrCat(count);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > (count < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string FormatPercent(double share) { return FormatNumber(share * 100) + " %"; }

std::string FormatTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      absl::StrAppend(&line, i == 0 ? "" : "  ", i == 0 ? row[i] + space : space + row[i]);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

}  // namespace maskd::maskload
