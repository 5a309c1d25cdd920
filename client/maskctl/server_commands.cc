// maskctl info and maskctl health, and the flags that name a server.
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/maskctl/commands.h"
#include "kernels/status_macros.h"

namespace maskd {
void ServerFlags::AddTo(CLI::App& command) {
  command.add_option("--address", address, "the server, as host:port or unix:path")->capture_default_str();
  command.add_option("--timeout", timeout_seconds, "seconds a call may take")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  command.add_option("--connections", connections, "connections that a large batch is split over")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  tls.AddTo(command);
}

MaskingClient::Options ServerFlags::ToOptions() const {
  MaskingClient::Options options{
      .timeout = std::chrono::milliseconds(static_cast<std::int64_t>(timeout_seconds * 1000)),
      .connections = connections};
  tls.Apply(options);
  return options;
}

absl::StatusOr<std::unique_ptr<MaskingClient>> ServerFlags::Connect() const {
  return MaskingClient::Connect(address, ToOptions());
}

absl::StatusOr<std::unique_ptr<TensorClient>> ServerFlags::ConnectTensors() const {
  return TensorClient::Connect(address, ToOptions());
}

namespace {

// "cuda:0 (NVIDIA H200)".
std::string NameOf(const DeviceState& device) {
  return device.name.empty() ? device.id : absl::StrCat(device.id, " (", device.name, ")");
}

// What follows the name of a device that does not work as it should.
std::string TroubleOf(const DeviceState& device) {
  if (!device.healthy) return absl::StrCat(" failed: ", device.error);
  return device.error.empty() ? "" : absl::StrCat(" refused a call: ", device.error);
}

bool IsDegraded(const ServerInfo& info) { return !std::ranges::all_of(info.devices, &DeviceState::healthy); }

}  // namespace

Command AddInfoCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("info",
                                               "Say what a server is and what it accepts.\n\n"
                                               "Example: maskctl info --address=localhost:50051\n");
  const auto server = std::make_shared<ServerFlags>();
  server->AddTo(*command);
  return [server]() -> absl::Status {
    MASKD_ASSIGN_OR_RETURN(const auto client, server->Connect());
    MASKD_ASSIGN_OR_RETURN(const ServerInfo info, client->GetServerInfo());
    std::cout << "version              " << info.version << "\n"
              << "backend              " << info.backend << "\n"
              << "device               " << info.device_name << "\n"
              << "algorithm version    " << info.algorithm_version << "\n"
              << "max message bytes    " << info.max_message_bytes << "\n"
              << "max sequence length  " << info.max_sequence_length << "\n"
              << "max batch tokens     " << info.max_batch_tokens << "\n"
              << "max element bytes    " << info.max_element_bytes << "\n"
              << "max inflight bytes   " << info.max_inflight_bytes << "\n";
    if (info.devices.size() <= 1) return absl::OkStatus();
    std::cout << "health               " << (IsDegraded(info) ? "degraded" : "all devices work") << "\n";
    for (const DeviceState& device : info.devices)
      std::cout << "  " << NameOf(device) << TroubleOf(device) << "\n";
    return absl::OkStatus();
  };
}

Command AddHealthCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("health",
                                               "Exit with 0 if a server is serving, and name the devices of\n"
                                               "it that have failed: the others answer in their place.\n\n"
                                               "Example: maskctl health --address=unix:/run/maskd.sock\n");
  const auto server = std::make_shared<ServerFlags>();
  server->timeout_seconds = 5;
  server->AddTo(*command);
  return [server]() -> absl::Status {
    MASKD_ASSIGN_OR_RETURN(const auto client, server->Connect());
    MASKD_RETURN_IF_ERROR(client->CheckHealth());
    // A server that drains just now has been serving all the same.
    const ServerInfo info = client->GetServerInfo().value_or(ServerInfo());
    std::cout << (IsDegraded(info) ? "serving, degraded\n" : "serving\n");
    for (const DeviceState& device : info.devices) {
      if (!device.healthy) std::cout << NameOf(device) << TroubleOf(device) << "\n";
    }
    return absl::OkStatus();
  };
}

}  // namespace maskd
