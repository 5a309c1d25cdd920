// maskload compare.
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/maskload/commands.h"
#include "client/maskload/compare_reports.h"
#include "client/maskload/report_files.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

struct CompareFlags {
  std::string first;
  std::string second;
  double max_regression = 0.1;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

absl::StatusOr<ExitStatus> Compare(const CompareFlags& flags) {
  MASKD_ASSIGN_OR_RETURN(const Comparison comparison,
                         CompareReports(flags.first, ReadFile(flags.first), flags.second,
                                        ReadFile(flags.second), flags.max_regression));
  MASKD_RETURN_IF_ERROR(WriteText("-", comparison.table));
  return comparison.regressed ? ExitStatus::kNotMet : ExitStatus::kFine;
}

}  // namespace

Command AddCompareCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "compare",
      "Compare two results of --format=json. Exits with 3 if the second has a lower rate, a\n"
      "higher p50 or p99 by more than --max_regression, or 0.1 points more failed calls.\n\n"
      "Example: maskload compare before.json after.json --max_regression=10%\n");
  const auto flags = std::make_shared<CompareFlags>();
  command->add_option("first", flags->first, "results to compare with")->required()->check(CLI::ExistingFile);
  command->add_option("second", flags->second, "results to compare")->required()->check(CLI::ExistingFile);
  command
      ->add_option_function<std::string>(
          "--max_regression",
          [flags](const std::string& text) {
            absl::string_view number = text;
            double percent = 0;
            if (!absl::ConsumeSuffix(&number, "%") || !absl::SimpleAtod(number, &percent) ||
                !(percent >= 0) || percent > 1000)
              throw CLI::ValidationError("--max_regression",
                                         "\"" + text + "\" is no percentage, such as 10%");
            flags->max_regression = percent / 100;
          },
          "what is allowed, as a percentage; 10%")
      ->type_name("PERCENT");
  return [flags](const std::stop_token&) { return Compare(*flags); };
}

}  // namespace maskd::maskload
