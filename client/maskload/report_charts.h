// The charts of a report, each in a card of the page.
#ifndef MASKD_CLIENT_MASKLOAD_REPORT_CHARTS_H_
#define MASKD_CLIENT_MASKLOAD_REPORT_CHARTS_H_

#include <string>

#include "client/maskload/load_report.h"

namespace maskd::maskload {

// Each is empty if the report has nothing to draw.
std::string PercentileCard(const LoadReport& report);
std::string LatencyOverTimeCard(const LoadReport& report);
std::string ThroughputOverTimeCard(const LoadReport& report);
std::string StagesCard(const LoadReport& report);
std::string SearchCard(const LoadReport& report);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_REPORT_CHARTS_H_
