// Figures for people, in three digits.
#ifndef MASKD_CLIENT_MASKLOAD_FORMAT_FIGURES_H_
#define MASKD_CLIENT_MASKLOAD_FORMAT_FIGURES_H_

#include <cstdint>
#include <string>
#include <vector>

namespace maskd::maskload {

std::string FormatTime(double seconds);       // "812 us", "8.12 ms", "1.04 s", "never"
std::string FormatBytes(double bytes);        // "1.24 GB", in powers of 1000
std::string FormatNumber(double number);      // "0.81", "8.12", "81.2", "812", "8,120"
std::string FormatCount(std::int64_t count);  // "1,234,567"
std::string FormatPercent(double share);      // "1.24 %"

// Rows of equally many cells, the first flush left and the others flush right; a
// line each.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_FORMAT_FIGURES_H_
