// The subcommands of maskctl.
#ifndef MASKD_CLIENT_MASKCTL_COMMANDS_H_
#define MASKD_CLIENT_MASKCTL_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/flags/tls_flags.h"
#include "client/masking_client.h"
#include "client/tensor_client.h"

namespace maskd {

// Which server, and how long to wait for it. Flags of every subcommand.
struct ServerFlags {
  std::string address = "127.0.0.1:50051";
  double timeout_seconds = 60;
  int connections = 1;
  TlsFlags tls;

  void AddTo(CLI::App& command);
  absl::StatusOr<std::unique_ptr<MaskingClient>> Connect() const;
  absl::StatusOr<std::unique_ptr<TensorClient>> ConnectTensors() const;

 private:
  MaskingClient::Options ToOptions() const;
};

// What a subcommand does once its flags are parsed.
using Command = std::function<absl::Status()>;

// Each adds a subcommand to `app` and returns what runs it.
Command AddMaskCommand(CLI::App& app);
Command AddImageCommand(CLI::App& app);
Command AddReconstructCommand(CLI::App& app);
Command AddGatherCommand(CLI::App& app);
Command AddScatterCommand(CLI::App& app);
Command AddRestoreCommand(CLI::App& app);
Command AddSelectCommand(CLI::App& app);
Command AddPadCommand(CLI::App& app);
Command AddNllLossCommand(CLI::App& app);
Command AddReconstructionLossCommand(CLI::App& app);
Command AddInfoCommand(CLI::App& app);
Command AddHealthCommand(CLI::App& app);

}  // namespace maskd

#endif  // MASKD_CLIENT_MASKCTL_COMMANDS_H_
