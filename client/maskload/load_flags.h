// The flags of `run` and `search` alike.
#ifndef MASKD_CLIENT_MASKLOAD_LOAD_FLAGS_H_
#define MASKD_CLIENT_MASKLOAD_LOAD_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/flags/masking_flags.h"
#include "client/flags/tls_flags.h"
#include "client/maskload/masking_target.h"
#include "client/maskload/resource_use.h"
#include "client/maskload/shape_mix.h"
#include "client/maskload/slo.h"

namespace maskd::maskload {

// How batches travel.
enum class Mode { kAuto, kUnary, kStream, kMask };

enum class Format { kText, kJson, kCsv };

struct LoadFlags {
  std::vector<std::string> addresses = {"127.0.0.1:50051"};
  std::string mix = "64x196x768:f32";
  std::string mix_file;  // path; empty: `mix`
  Mode mode = Mode::kAuto;
  MaskingFlags masking;
  TlsFlags tls;
  int concurrency = 0;  // 0: not given
  int connections = 1;
  std::optional<double> duration;  // seconds
  double warm_up = 1;              // seconds
  double timeout = 60;             // seconds
  Verification verification = Verification::kSample;
  std::vector<Slo> slos;
  std::vector<std::string> metrics;  // URLs
  int server_cores = 0;              // 0: not given
  double link_gbps = 0;              // 0: not given
  Format format = Format::kText;
  std::string output = "-";
  std::string report;  // path; empty: none

  void AddTo(CLI::App& command);

  // The mix, of --mix or --mix_file, masks alone in mode `mask`.
  absl::StatusOr<ShapeMix> Mix() const;
  MaskingClient::Options ClientOptions() const;
  // What a report says of these flags.
  std::vector<Fact> Describe() const;
};

// Adds a flag for a time as ParseSeconds reads it, and for 0 if `zero` is fine.
template <typename Seconds>
CLI::Option* AddTimeOption(CLI::App& command, const std::string& name, Seconds& seconds, bool zero,
                           const std::string& description) {
  return command
      .add_option_function<std::string>(
          name,
          [&seconds, zero, name](const std::string& text) {
            if (zero && (text == "0" || text == "0s")) {
              seconds = 0;
              return;
            }
            const absl::StatusOr<double> parsed = ParseSeconds(text);
            if (!parsed.ok()) throw CLI::ValidationError(name, std::string(parsed.status().message()));
            seconds = *parsed;
          },
          description)
      ->type_name("TIME");
}

// A number in [least, most], for CLI::Option::check; CLI::Range lets NaN pass.
std::function<std::string(const std::string&)> NumberIn(double least, double most);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_LOAD_FLAGS_H_
