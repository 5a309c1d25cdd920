// What can be set on the command line of maskd.
#ifndef MASKD_SERVER_OPTIONS_H_
#define MASKD_SERVER_OPTIONS_H_

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "server/limits.h"

namespace maskd {

struct ServerOptions {
  // "host:port" (port 0: any free one) or "unix:path".
  std::vector<std::string> listen = {"127.0.0.1:50051"};
  // See MakeMasker.
  std::string device = "auto";
  // Where tokens are gathered: auto, host or device.
  std::string gather = "auto";
  int threads = 0;
  // See MaskingServer::Options.
  int poll_threads = 0;  // as the flag has it
  int bulk_threads = 0;  // 0: two a card, at least two
  // In PEM, as the files have it; empty: no TLS.
  std::string tls_cert;
  std::string tls_key;
  std::string tls_client_ca;
  int max_connections = 4096;  // see ConnectionAcceptor
  Limits limits;
  // How long running calls may take to finish once the server drains.
  std::chrono::seconds drain{30};
  bool reflection = false;
  // Of spdlog: trace, debug, info, warn, error or off.
  std::string log_level = "info";
  std::string log_format = "text";  // or json
  // See CallReporting.
  std::chrono::nanoseconds slow_call{0};
  // See MetricsListener; empty: no metrics.
  std::string metrics_listen;
};

// The process ends here: help or version was printed (0), or a flag is wrong
// and one line on stderr says so (2).
struct ExitNow {
  int status;
};

std::variant<ServerOptions, ExitNow> ParseServerOptions(int argc, char** argv);

}  // namespace maskd

#endif  // MASKD_SERVER_OPTIONS_H_
