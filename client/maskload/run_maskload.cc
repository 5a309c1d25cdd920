#include <iostream>
#include <map>
#include <new>
#include <string>

#include "client/maskload/commands.h"

namespace maskd::maskload {

ExitStatus RunMaskload(int argc, const char* const* argv, const std::stop_token& stop) {
  CLI::App app(
      "maskload: load tests of maskd servers, every result checked against what it has to be.\n\n"
      "Example: maskload run --address=localhost:50051 --mix=64x196x768:f32 --rate=50 --report=out.html",
      "maskload");
  app.require_subcommand(1);
  std::map<std::string, Command> commands;
  commands["run"] = AddRunCommand(app);
  commands["search"] = AddSearchCommand(app);
  commands["compare"] = AddCompareCommand(app);
  if (argc > 1 && argv[1][0] != '-' && !commands.contains(argv[1])) {
    std::cerr << "maskload: there is no command " << argv[1] << "; see maskload --help\n";
    return ExitStatus::kUsage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success);
    return ExitStatus::kFine;
  } catch (const CLI::ParseError& error) {
    std::cerr << "maskload: " << error.what() << "; see maskload --help, or maskload COMMAND --help\n";
    return ExitStatus::kUsage;
  }
  try {
    const absl::StatusOr<ExitStatus> exit = commands.at(app.get_subcommands().front()->get_name())(stop);
    if (exit.ok()) return *exit;
    std::cerr << "maskload: " << exit.status().message() << "\n";
    return absl::IsInvalidArgument(exit.status()) ? ExitStatus::kUsage : ExitStatus::kFailed;
  } catch (const std::bad_alloc&) {
    std::cerr << "maskload: not enough memory\n";
    return ExitStatus::kFailed;
  }
}

}  // namespace maskd::maskload
