// A report for people. docs/maskload.md explains it column by column.
#ifndef MASKD_CLIENT_MASKLOAD_SUMMARY_TEXT_H_
#define MASKD_CLIENT_MASKLOAD_SUMMARY_TEXT_H_

#include <string>

#include "client/maskload/load_report.h"

namespace maskd::maskload {

std::string FormatSummary(const LoadReport& report);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_SUMMARY_TEXT_H_
