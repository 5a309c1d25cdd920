#include "server/environment.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace maskd {
namespace {

constexpr absl::string_view kPrefix = "MASKD_";

// Of this project's clients, builds and tests.
constexpr std::array kOfOthers = {"MASKD_BIN",           "MASKD_LIBRARY",   "MASKD_REQUIRE_GPU",
                                  "MASKD_REQUIRE_TORCH", "MASKD_TEST_DATA", "MASKD_TEST_SEED",
                                  "MASKD_WERROR"};

// Whether Kubernetes sets this variable in every pod beside a service, such as
// MASKD_SERVICE_HOST, MASKD_PORT=tcp://10.0.0.11:50051 or MASKD_PORT_50051_TCP_ADDR.
bool IsServiceLink(absl::string_view name, absl::string_view value) {
  return absl::EndsWith(name, "_SERVICE_HOST") || absl::StrContains(name, "_SERVICE_PORT") ||
         absl::StrContains(name, "_TCP_") ||
         (absl::StrContains(name, "_PORT") && absl::StrContains(value, "://"));
}

// How many characters must be put in, taken out or changed to make `b` of `a`.
std::size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::size_t> distances(b.size() + 1);  // of a's first i characters to each prefix of b
  std::iota(distances.begin(), distances.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = distances[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = distances[j + 1];
      distances[j + 1] = std::min({changed, diagonal + 1, distances[j] + 1});
    }
  }
  return distances.back();
}

}  // namespace

std::string VariableOfFlag(absl::string_view flag) {
  return absl::StrCat(kPrefix, absl::AsciiStrToUpper(flag));
}

absl::Status CheckEnvironment(const std::vector<std::string>& environment,
                              const std::vector<std::string>& known) {
  for (const absl::string_view entry : environment) {
    const std::size_t equals = entry.find('=');
    const absl::string_view name = entry.substr(0, equals);
    const absl::string_view value = equals == entry.npos ? "" : entry.substr(equals + 1);
    if (!absl::StartsWith(name, kPrefix) || IsServiceLink(name, value)) continue;
    if (std::ranges::find(kOfOthers, name) != kOfOthers.end()) continue;
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto nearest = std::ranges::min_element(
        known, {}, [&](const std::string& variable) { return EditDistance(name, variable); });
    return absl::InvalidArgumentError(
        absl::StrCat("the environment variable ", name, " stands for no flag",
                     nearest == known.end() ? "" : absl::StrCat("; the nearest is ", *nearest)));
  }
  return absl::OkStatus();
}

std::vector<std::string> ProcessEnvironment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return environment;
}

}  // namespace maskd
