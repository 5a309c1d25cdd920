#include "server/options.h"

#include <CLI/CLI.hpp>
#include <climits>
#include <cstdint>
#include <iostream>
#include <string>

#include "server/listen_address.h"
#include "server/version.h"

namespace maskd {
std::variant<ServerOptions, ExitNow> ParseServerOptions(int argc, char** argv) {
  ServerOptions options;
  std::int64_t drain_seconds = options.drain.count();
  CLI::App app(
      "maskd: random masking for masked autoencoders, as a gRPC service.\n\n"
      "Example: maskd --listen=0.0.0.0:50051 --listen=unix:/run/maskd.sock --device=auto",
      "maskd");
  app.set_version_flag("--version", kVersion);
  app.add_option(
         "--listen", options.listen,
         "host:port (port 0 picks a free one) or unix:PATH; may be given several times. Every address is\n"
         "printed to stdout as \"listening on ADDRESS\" once calls are served")
      ->check([](const std::string& address) { return std::string(CheckListenAddress(address).message()); })
      ->take_all()
      ->capture_default_str();
  app.add_option(
         "--device", options.device,
         "auto (CUDA where it works, else the CPU), cpu, cuda, cuda:N, or reference (slow, for tests)")
      ->capture_default_str();
  app.add_option("--threads", options.threads,
                 "threads that the CPU backend shares a call over; 0 takes one a core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--max_message_bytes", options.limits.max_message_bytes,
                 "bound of one request and of one response")
      ->check(CLI::Range(std::int64_t{4096}, std::int64_t{INT_MAX}))
      ->capture_default_str();
  app.add_option("--max_batch_tokens", options.limits.max_batch_tokens,
                 "bound of batch size * sequence length")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{INT_MAX}))
      ->capture_default_str();
  app.add_option("--drain_seconds", drain_seconds,
                 "on SIGTERM or SIGINT new calls get UNAVAILABLE, and running ones this long to finish; "
                 "a\nsecond signal ends the process at once")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  app.add_flag("--reflection", options.reflection, "serve gRPC reflection, for tools such as grpcurl");
  app.add_option("--log_level", options.log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return ExitNow{app.exit(success)};
  } catch (const CLI::ParseError& error) {
    std::cerr << "maskd: " << error.what() << "; see maskd --help\n";
    return ExitNow{2};
  }
  options.drain = std::chrono::seconds(drain_seconds);
  return options;
}

}  // namespace maskd
