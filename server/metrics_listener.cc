#include "server/metrics_listener.h"

#include <prometheus/exposer.h>

#include <exception>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"
#include "server/listen_address.h"

namespace maskd {
namespace {

// host:port of `address`, which may be a port alone.
std::string WithHost(const std::string& address) {
  return address.find(':') == std::string::npos ? absl::StrCat("127.0.0.1:", address) : address;
}

}  // namespace

absl::Status CheckMetricsAddress(const std::string& address) {
  // To the HTTP server commas part addresses, and a plus asks for IPv6 beside IPv4.
  if (absl::StartsWith(address, "unix:") || address.find_first_of(",+") != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("address is \"", address, "\"; it must be host:port, or a port on 127.0.0.1"));
  }
  return CheckListenAddress(WithHost(address));
}

absl::StatusOr<std::unique_ptr<MetricsListener>> MetricsListener::Start(
    const std::string& address, std::shared_ptr<prometheus::Collectable> metrics) {
  MASKD_RETURN_IF_ERROR(CheckMetricsAddress(address));
  const std::string asked = WithHost(address);
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(
        std::vector<std::string>{"listening_ports", asked, "num_threads", "2", "request_timeout_ms", "5000"});
    exposer->RegisterCollectable(metrics);
    const std::string port = std::to_string(exposer->GetListeningPorts().front());
    return absl::WrapUnique(
        new MetricsListener(std::move(exposer), absl::StrCat(asked.substr(0, asked.rfind(':')), ":", port)));
  } catch (const std::exception&) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", asked,
                                               " for metrics; is the port taken, or the address not one of "
                                               "this machine?"));
  }
}

MetricsListener::MetricsListener(std::unique_ptr<prometheus::Exposer> exposer, std::string address)
    : exposer_(std::move(exposer)), address_(std::move(address)) {}

MetricsListener::~MetricsListener() = default;

}  // namespace maskd
