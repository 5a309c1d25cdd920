// The one thing that is asked over HTTP: a page of metrics.
#ifndef MASKD_CLIENT_MASKLOAD_HTTP_GET_H_
#define MASKD_CLIENT_MASKLOAD_HTTP_GET_H_

#include <chrono>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace maskd::maskload {

// Whether `url` is "http://host:port/path", which may lack the path.
bool IsHttpUrl(absl::string_view url);

// The body of a page, of up to 16 MiB. `timeout` bounds it all but the look-up of the
// host's name; a stop that is requested ends it.
//
// Returns INVALID_ARGUMENT if `url` is none, UNAVAILABLE if there is no such page.
absl::StatusOr<std::string> HttpGet(absl::string_view url, std::chrono::milliseconds timeout,
                                    const std::stop_token& stop = {});

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_HTTP_GET_H_
