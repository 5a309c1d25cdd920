#include "client/c_abi/client.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <new>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/c_abi/error.h"
#include "client/c_abi/structs.h"
#include "kernels/status_macros.h"

struct maskd_stop {
  std::stop_source source;
};

namespace maskd {
namespace {

// The first process to connect to a server; 0: none has. In a fork of it gRPC
// has locks and no threads.
std::atomic<pid_t> grpc_process = 0;

absl::Status CheckProcessForGrpc() {
  const pid_t process = getpid();
  pid_t first = 0;
  if (grpc_process.compare_exchange_strong(first, process) || first == process) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("this is process ", process, ", forked from ", first,
                   " after that had connected to a server; connect in processes that are started with spawn "
                   "or forkserver, or take \"inproc:\""));
}

absl::StatusOr<ShardedClient::Options> DecodeOptions(const maskd_client_options* options) {
  ShardedClient::Options decoded;
  if (options == nullptr) return decoded;
  MASKD_ASSIGN_OR_RETURN(const maskd_client_options given, ReadStruct("maskd_client_options", options));
  const auto take = [](auto value, const char* name, auto& option) -> absl::Status {
    if (value < 0)
      return absl::InvalidArgumentError(absl::StrCat(name, " is ", value, "; it must be at least 1"));
    if (value > 0) option = std::remove_reference_t<decltype(option)>(value);
    return absl::OkStatus();
  };
  MaskingClient::Options& server = decoded.server;
  MASKD_RETURN_IF_ERROR(take(given.timeout_milliseconds, "timeout_milliseconds", server.timeout));
  MASKD_RETURN_IF_ERROR(take(given.max_message_bytes, "max_message_bytes", server.max_message_bytes));
  MASKD_RETURN_IF_ERROR(take(given.stream_from_bytes, "stream_from_bytes", server.stream_from_bytes));
  MASKD_RETURN_IF_ERROR(take(given.connections, "connections", server.connections));
  MASKD_RETURN_IF_ERROR(take(given.max_attempts, "max_attempts", server.max_attempts));
  MASKD_RETURN_IF_ERROR(take(given.in_process_threads, "in_process_threads", decoded.in_process_threads));
  decoded.fallback_in_process = given.fallback_in_process != 0;
  const auto text = [](const char* value) { return value == nullptr ? "" : value; };
  server.tls_root_certificates = text(given.tls_root_certificates);
  server.tls_certificate_chain = text(given.tls_certificate_chain);
  server.tls_private_key = text(given.tls_private_key);
  if (given.log != nullptr) {
    decoded.log = [log = given.log, data = given.log_data](const std::string& line) {
      log(line.c_str(), data);
    };
  }
  return decoded;
}

}  // namespace

absl::Status CheckClient(const maskd_client* client) {
  if (client == nullptr)
    return absl::FailedPreconditionError("there is no client: maskd_connect returned none");
  const pid_t process = getpid();
  if (client->process == process) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "process ", client->process, " connected this client, and this is process ", process,
      ", forked from it; connect after the fork, in a process started with spawn or forkserver"));
}

absl::StatusOr<CallLimits> DecodeCallLimits(const maskd_call_limits* limits) {
  CallLimits decoded;
  if (limits == nullptr) return decoded;
  MASKD_ASSIGN_OR_RETURN(const maskd_call_limits given, ReadStruct("maskd_call_limits", limits));
  if (given.timeout_milliseconds != 0)
    decoded.timeout = std::chrono::milliseconds(given.timeout_milliseconds);
  if (given.stop != nullptr) decoded.stop = given.stop->source.get_token();
  return decoded;
}

}  // namespace maskd

using maskd::Guarded;

extern "C" {

int32_t maskd_abi_version(void) { return MASKD_ABI_VERSION; }

const char* maskd_version(void) { return MASKD_VERSION; }

maskd_error* maskd_connect(const char* const* addresses, size_t num_addresses,
                           const maskd_client_options* options, maskd_client** client) {
  return Guarded([&]() -> absl::Status {
    *client = nullptr;
    const std::vector<std::string> names(addresses, addresses + num_addresses);
    MASKD_ASSIGN_OR_RETURN(const maskd::ShardedClient::Options decoded, maskd::DecodeOptions(options));
    if (names != std::vector<std::string>{"inproc:"}) MASKD_RETURN_IF_ERROR(maskd::CheckProcessForGrpc());
    auto handle = std::make_unique<maskd_client>();
    MASKD_ASSIGN_OR_RETURN(handle->client, maskd::ShardedClient::Connect(names, decoded));
    handle->process = getpid();
    *client = handle.release();
    return absl::OkStatus();
  });
}

void maskd_client_free(maskd_client* client) {
  // In a forked child its threads do not exist, and it would wait for them.
  if (client != nullptr && client->process == getpid()) delete client;
}

maskd_error* maskd_check_health(maskd_client* client, const maskd_call_limits* limits) {
  return Guarded([&]() -> absl::Status {
    MASKD_RETURN_IF_ERROR(maskd::CheckClient(client));
    MASKD_ASSIGN_OR_RETURN(const maskd::CallLimits call_limits, maskd::DecodeCallLimits(limits));
    return client->client->CheckHealth(call_limits);
  });
}

maskd_stop* maskd_stop_new(void) {
  try {
    return new maskd_stop;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void maskd_stop_request(maskd_stop* stop) { stop->source.request_stop(); }

void maskd_stop_free(maskd_stop* stop) { delete stop; }

}  // extern "C"
