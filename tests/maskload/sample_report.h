// A report with something in every field, the same each time.
#ifndef MASKD_TESTS_MASKLOAD_SAMPLE_REPORT_H_
#define MASKD_TESTS_MASKLOAD_SAMPLE_REPORT_H_

#include "client/maskload/load_report.h"

namespace maskd::maskload {

// Of an open loop against two servers, one of which went away.
LoadReport SampleReport();

// Of a closed loop against one.
LoadReport SampleClosedReport();

// Of a search.
LoadReport SampleSearchReport();

}  // namespace maskd::maskload

#endif  // MASKD_TESTS_MASKLOAD_SAMPLE_REPORT_H_
