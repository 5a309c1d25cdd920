// maskctl: maskd for people.
#include <grpc/grpc.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "absl/strings/match.h"
#include "client/maskctl/commands.h"
#include "kernels/host_memory.h"
#include "proto/left_out.h"

namespace {

// Exit status where the flags are wrong; a call that fails exits with 1.
constexpr int kUsageError = 2;

int Run(int argc, char** argv) {
  CLI::App app(
      "maskctl: mask arrays and pictures with a maskd server.\n\n"
      "Example: maskctl image photo.png --mask_ratio=0.75 --seed=1 --out=masked.png",
      "maskctl");
  app.require_subcommand(1);
  std::map<std::string, maskd::Command> commands;
  commands["mask"] = maskd::AddMaskCommand(app);
  commands["image"] = maskd::AddImageCommand(app);
  commands["reconstruct"] = maskd::AddReconstructCommand(app);
  commands["gather"] = maskd::AddGatherCommand(app);
  commands["scatter"] = maskd::AddScatterCommand(app);
  commands["restore"] = maskd::AddRestoreCommand(app);
  commands["select"] = maskd::AddSelectCommand(app);
  commands["pad"] = maskd::AddPadCommand(app);
  commands["nll_loss"] = maskd::AddNllLossCommand(app);
  commands["reconstruction_loss"] = maskd::AddReconstructionLossCommand(app);
  commands["info"] = maskd::AddInfoCommand(app);
  commands["health"] = maskd::AddHealthCommand(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::cerr << "maskctl: " << error.what() << "; see maskctl --help, or maskctl COMMAND --help\n";
    return kUsageError;
  }
  const absl::Status status = commands.at(app.get_subcommands().front()->get_name())();
  if (status.ok()) return EXIT_SUCCESS;
  std::cerr << "maskctl: " << status.message() << " [" << absl::StatusCodeToString(status.code()) << "]"
            << (absl::StartsWith(status.message(), "failed to connect") ? "; is maskd running at --address?"
                                                                        : "")
            << "\n";
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  maskd::KeepFreedMemory();
  maskd::LeaveOutLog();
  // Never shut down: gRPC would join a thread that may sleep for 10 s.
  grpc_init();
  return Run(argc, argv);
}
