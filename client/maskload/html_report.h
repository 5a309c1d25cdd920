// A report as a page for a browser.
#ifndef MASKD_CLIENT_MASKLOAD_HTML_REPORT_H_
#define MASKD_CLIENT_MASKLOAD_HTML_REPORT_H_

#include <string>

#include "client/maskload/load_report.h"

namespace maskd::maskload {

// One page with everything in it: it needs no other file, no script and no network.
std::string ToHtml(const LoadReport& report);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_HTML_REPORT_H_
