// A report for programs.
#ifndef MASKD_CLIENT_MASKLOAD_REPORT_FILES_H_
#define MASKD_CLIENT_MASKLOAD_REPORT_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/maskload/load_report.h"

namespace maskd::maskload {

// Everything in the report, under the names of its fields, times in seconds. What
// is infinite is null.
std::string ToJson(const LoadReport& report);

// A line of names, and a line each for all calls, every address and every batch; of
// a search, for every step.
std::string ToCsv(const LoadReport& report);

// Whether a file can be written at `path`, which is left as it is.
//
// Returns UNAVAILABLE with path and reason if not.
absl::Status CheckWritable(const std::string& path);

// Replaces the file once all is written, by way of `path`.tmp, or writes to stdout if
// `path` is "-". What is no regular file is written in place.
//
// Returns UNAVAILABLE with path and reason if not every byte was written.
absl::Status WriteText(const std::string& path, absl::string_view text);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_REPORT_FILES_H_
