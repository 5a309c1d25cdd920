#include "server/options.h"

#include <CLI/CLI.hpp>
#include <climits>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "proto/pem_option.h"
#include "server/environment.h"
#include "server/listen_address.h"
#include "server/metrics_listener.h"
#include "server/version.h"

namespace maskd {
namespace {

// Lets every flag be set by its variable too; returns the variables.
std::vector<std::string> NameVariables(CLI::App& app) {
  std::vector<std::string> variables;
  for (CLI::Option* const option : app.get_options()) {
    if (option == app.get_help_ptr() || option == app.get_version_ptr()) continue;
    variables.push_back(VariableOfFlag(option->get_lnames().front()));
    option->envname(variables.back());
  }
  return variables;
}

}  // namespace

std::variant<ServerOptions, ExitNow> ParseServerOptions(int argc, char** argv) {
  ServerOptions options;
  std::int64_t drain_seconds = options.drain.count();
  std::int64_t idle_seconds = options.limits.max_idle.count();
  double slow_call_seconds = 0;
  CLI::App app(
      "maskd: random masking for masked autoencoders, as a gRPC service. A flag may also come as the\n"
      "environment variable that is named beside it; the flag itself wins, and an empty variable is none.\n\n"
      "Example: maskd --listen=0.0.0.0:50051 --listen=unix:/run/maskd.sock --device=auto",
      "maskd");
  app.set_version_flag("--version", kVersion);
  app.add_option(
         "--listen", options.listen,
         "host:port (port 0 picks a free one) or unix:PATH; several are separated by commas or given one\n"
         "by one. Every address is printed to stdout as \"listening on ADDRESS\" once calls are served")
      ->check([](const std::string& address) { return std::string(CheckListenAddress(address).message()); })
      ->delimiter(',')
      ->take_all()
      ->capture_default_str();
  app.add_option(
         "--device", options.device,
         "auto (CUDA where it works, else the CPU), cpu, cuda, cuda:N (a card), cuda:all (calls are spread\n"
         "over all cards), or reference (slow, for tests). A card that fails is taken out, and the others\n"
         "or the CPU answer in its place: maskctl health says so. Tensor operations run on the CPU, or on\n"
         "a card if it is asked for by name (of cuda:all the first). Example: --device=cuda:all")
      ->capture_default_str();
  app.add_option(
         "--gather", options.gather,
         "where kept tokens are gathered: host (from where they were received, by the order that the\n"
         "device drew), device (they are copied to pinned memory, of which a card reads the kept rows),\n"
         "or auto, which is host: docs/performance.md has the reason. Example: --device=cuda --gather=device")
      ->check(CLI::IsMember({"auto", "host", "device"}))
      ->capture_default_str();
  app.add_option("--threads", options.threads,
                 "threads that the CPU backend shares a call over; 0 takes one for each core that it may use")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option(
         "--poll_threads", options.poll_threads,
         "threads that read and write sockets and answer small calls, each those of the connections\n"
         "that are given to it in turn; 0 takes one for each core that it may use, at least 4 and at most 16")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--bulk_threads", options.bulk_threads,
                 "threads that mask batches, so that small calls do not wait for them; 0 takes two a card,\n"
                 "and two without one")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option(
         "--max_connections", options.max_connections,
         "connections that may be open; one more is closed at once. An idle one takes 30 KB. The files\n"
         "that the process may open (ulimit -n) bound them too")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--max_inflight_bytes", options.limits.max_inflight_bytes,
                 "bound of the bytes of requests and responses that all calls hold together; a call that\n"
                 "finds no room is told when to come back, before its tokens are read")
      ->check(CLI::Range(std::int64_t{1} << 20, std::int64_t{1} << 50))
      ->capture_default_str();
  app.add_option("--max_message_bytes", options.limits.max_message_bytes,
                 "bound of one request and of one response of a unary call; streams have none")
      ->check(CLI::Range(std::int64_t{4096}, std::int64_t{INT_MAX}))
      ->capture_default_str();
  app.add_option("--max_batch_tokens", options.limits.max_batch_tokens,
                 "bound of batch size * sequence length of a unary call")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{INT_MAX}))
      ->capture_default_str();
  app.add_option("--idle_seconds", idle_seconds,
                 "a call that makes the server wait this long for its next message, or to be rid of one,\n"
                 "is cancelled")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  auto* const tls_cert =
      AddPemOption(app, "--tls_cert", options.tls_cert,
                   "certificate chain in PEM: host:port addresses speak TLS; needs --tls_key");
  auto* const tls_key =
      AddPemOption(app, "--tls_key", options.tls_key, "private key in PEM")->needs(tls_cert);
  tls_cert->needs(tls_key);
  AddPemOption(app, "--tls_client_ca", options.tls_client_ca,
               "certificates in PEM: only callers with a certificate signed by these are served")
      ->needs(tls_cert);
  app.add_option("--drain_seconds", drain_seconds,
                 "on SIGTERM or SIGINT new calls get UNAVAILABLE, and running ones this long to finish; "
                 "a\nsecond signal ends the process at once")
      ->check(CLI::Range(0, 3600))
      ->capture_default_str();
  app.add_flag("--reflection", options.reflection, "serve gRPC reflection, for tools such as grpcurl");
  app.add_option("--log_level", options.log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.add_option("--log_format", options.log_format,
                 "text, or json: each line of the log is an object. docs/logs.md has the fields")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--slow_call_seconds", slow_call_seconds,
                 "a call, or batch of a stream, that takes longer is logged with the time of each of its\n"
                 "stages; 0: none is. Calls that fail are logged anyway. Example: --slow_call_seconds=0.5")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option(
         "--metrics_listen", options.metrics_listen,
         "serve metrics for Prometheus at http://ADDRESS/metrics: a port on 127.0.0.1, or host:port.\n"
         "Port 0 picks a free one; \"metrics on ADDRESS\" is printed to stdout. Off unless given.\n"
         "docs/metrics.md lists them. Example: --metrics_listen=9464")
      ->check([](const std::string& address) { return std::string(CheckMetricsAddress(address).message()); });
  const std::vector<std::string> variables = NameVariables(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return ExitNow{app.exit(success)};
  } catch (const CLI::ParseError& error) {
    std::cerr << "maskd: " << error.what() << "; see maskd --help\n";
    return ExitNow{2};
  }
  if (const absl::Status status = CheckEnvironment(ProcessEnvironment(), variables); !status.ok()) {
    std::cerr << "maskd: " << status.message() << "; see maskd --help\n";
    return ExitNow{2};
  }
  options.drain = std::chrono::seconds(drain_seconds);
  options.slow_call = std::chrono::nanoseconds(static_cast<std::int64_t>(slow_call_seconds * 1e9));
  options.limits.max_idle = std::chrono::seconds(idle_seconds);
  return options;
}

}  // namespace maskd
