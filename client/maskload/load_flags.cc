#include "client/maskload/load_flags.h"

#include <fstream>
#include <iterator>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/connection.h"
#include "client/flags/enum_option.h"
#include "client/maskload/format_figures.h"
#include "client/maskload/http_get.h"

namespace maskd::maskload {
namespace {

// The answer of a validator: empty if all is well.
std::string Complaint(const absl::Status& status) { return status.ok() ? "" : std::string(status.message()); }

const char* NameOf(Mode mode) {
  switch (mode) {
    case Mode::kUnary:
      return "unary";
    case Mode::kStream:
      return "stream";
    case Mode::kMask:
      return "masks alone";
    case Mode::kAuto:
      break;
  }
  return "stream from 16 MiB on, else unary";
}

const char* NameOf(Verification verification) {
  switch (verification) {
    case Verification::kAll:
      return "all";
    case Verification::kNone:
      return "none";
    case Verification::kSample:
      break;
  }
  return "one in 16";
}

}  // namespace

void LoadFlags::AddTo(CLI::App& command) {
  command.add_option("--address", addresses, "a server, as host:port or unix:path; several: in turn")
      ->check([](const std::string& address) { return Complaint(CheckAddress(address)); })
      ->delimiter(',')
      ->capture_default_str();
  auto* const mix_option =
      command.add_option("--mix", mix, "batches and how often each: NxLxD:type=weight,...; D 0: masks alone")
          ->check([](const std::string& text) { return Complaint(ShapeMix::Parse(text).status()); })
          ->capture_default_str();
  command.add_option("--mix_file", mix_file, "the same from a file, an entry a line")
      ->check(CLI::ExistingFile)
      ->excludes(mix_option);
  AddEnumOption<Mode>(
      command, "--mode", mode,
      {{"auto", Mode::kAuto}, {"unary", Mode::kUnary}, {"stream", Mode::kStream}, {"mask", Mode::kMask}},
      "how batches travel; mask: not at all");
  command.add_option("--concurrency", concurrency, "calls in flight, at most; 1, or 64 with a rate")
      ->check(CLI::Range(1, 4096));
  command.add_option("--connections", connections, "connections to each address")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  AddTimeOption(command, "--duration", duration, false,
                "of a run, or a step of a search, such as 500ms or 2m; 10s, 5s a step")
      ->default_str("");
  AddTimeOption(command, "--warm_up", warm_up, true, "of calls that do not count, before a run; 1s");
  AddTimeOption(command, "--timeout", timeout, false, "that a call may take; 60s");
  AddEnumOption<Verification>(
      command, "--verify", verification,
      {{"sample", Verification::kSample}, {"all", Verification::kAll}, {"none", Verification::kNone}},
      "whose results are checked, byte for byte; sample: one call in 16");
  command
      .add_option_function<std::vector<std::string>>(
          "--slo",
          [this](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              const absl::StatusOr<Slo> slo = ParseSlo(text);
              if (!slo.ok()) throw CLI::ValidationError("--slo", std::string(slo.status().message()));
              slos.push_back(*slo);
            }
          },
          "an objective, such as p99<20ms, max<1s or errors<0.1%; may be repeated")
      ->delimiter(',');
  command
      .add_option("--metrics", metrics,
                  "page of a server's metrics, http://host:port/metrics; may be repeated")
      ->check([](const std::string& url) {
        return IsHttpUrl(url) ? "" : absl::StrCat("\"", url, "\" is not http://host:port/path");
      });
  command
      .add_option("--server_cores", server_cores,
                  "cores of all servers together; else what their metrics say, or those of this machine if "
                  "they are on it")
      ->check(CLI::Range(1, 1 << 20));
  command.add_option("--link_gbps", link_gbps, "speed of the link in Gbit/s, for the report to judge")
      ->check(NumberIn(1e-3, 1e6));
  AddEnumOption<Format>(command, "--format", format,
                        {{"text", Format::kText}, {"json", Format::kJson}, {"csv", Format::kCsv}},
                        "of the results");
  command.add_option("--output", output, "file for the results; -: stdout")->capture_default_str();
  command.add_option("--report", report, "file for a page with charts, such as out.html");
  masking.AddTo(command);
  tls.AddTo(command);
}

absl::StatusOr<ShapeMix> LoadFlags::Mix() const {
  std::string text = mix;
  if (!mix_file.empty()) {
    std::ifstream file(mix_file);
    text.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  absl::StatusOr<ShapeMix> parsed = ShapeMix::Parse(text, /*masks_alone=*/mode == Mode::kMask);
  if (parsed.ok() || mix_file.empty()) return parsed;
  return absl::InvalidArgumentError(absl::StrCat(mix_file, ": ", std::string(parsed.status().message())));
}

MaskingClient::Options LoadFlags::ClientOptions() const {
  MaskingClient::Options options{
      .timeout = std::chrono::milliseconds(static_cast<std::int64_t>(timeout * 1000)),
      .max_message_bytes = std::numeric_limits<std::int32_t>::max(),
      .max_attempts = 1,
      .wait_for_room = false,
      .transparent_retries = false,
  };
  if (mode == Mode::kUnary) options.stream_from_bytes = std::numeric_limits<std::int64_t>::max();
  if (mode == Mode::kStream) options.stream_from_bytes = 0;
  tls.Apply(options);
  return options;
}

std::vector<Fact> LoadFlags::Describe() const {
  std::string objectives;
  for (const Slo& slo : slos) absl::StrAppend(&objectives, objectives.empty() ? "" : ", ", slo.text);
  std::vector<Fact> facts = {
      {"address", absl::StrJoin(addresses, ", ")},
      {"batches", mix_file.empty() ? mix : mix_file},
      {"mode", NameOf(mode)},
      {"connections", absl::StrCat(connections, addresses.size() > 1 ? " to each" : "")},
      {"warm-up", FormatTime(warm_up)},
      {"results checked", NameOf(verification)}};
  if (const std::string given = masking.Given(); !given.empty()) facts.push_back({"masks", given});
  if (timeout != LoadFlags().timeout) facts.push_back({"timeout", FormatTime(timeout)});
  if (!tls.ca.empty())
    facts.push_back({"TLS", tls.cert.empty() ? "yes" : "yes, with a certificate of the client"});
  if (!objectives.empty()) facts.push_back({"objectives", objectives});
  return facts;
}

std::function<std::string(const std::string&)> NumberIn(double least, double most) {
  return [least, most](const std::string& text) -> std::string {
    double number = 0;
    if (absl::SimpleAtod(text, &number) && number >= least && number <= most) return "";
    return absl::StrCat("\"", text, "\" is no number from ", least, " to ", most);
  };
}

}  // namespace maskd::maskload
