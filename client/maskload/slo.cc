#include "client/maskload/slo.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "kernels/status_macros.h"

namespace maskd::maskload {
namespace {

// "99.9" of "p99.9" as 0.999.
bool ParseQuantile(absl::string_view name, double& quantile) {
  if (name == "max") {
    quantile = 1;
    return true;
  }
  double percent = 0;
  if (!absl::ConsumePrefix(&name, "p") || !absl::SimpleAtod(name, &percent)) return false;
  quantile = percent / 100;
  return quantile > 0 && quantile <= 1;
}

}  // namespace

absl::StatusOr<Slo> ParseSlo(absl::string_view text) {
  const auto wrong = [text] {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is no objective; write p99<20ms, max<1s or errors<0.1%"));
  };
  const std::vector<absl::string_view> sides = absl::StrSplit(text, '<');
  if (sides.size() != 2) return wrong();
  Slo slo{.text = std::string(text)};
  absl::string_view bound = sides[1];
  if (sides[0] == "errors") {
    slo.of_errors = true;
    if (!absl::ConsumeSuffix(&bound, "%") || !absl::SimpleAtod(bound, &slo.bound)) return wrong();
    slo.bound /= 100;
    return slo.bound > 0 && slo.bound <= 1 ? absl::StatusOr<Slo>(slo) : wrong();
  }
  const absl::StatusOr<double> seconds = ParseSeconds(bound);
  if (!ParseQuantile(sides[0], slo.quantile) || !seconds.ok()) return wrong();
  slo.bound = *seconds;
  return slo;
}

SloVerdict Judge(const Slo& slo, const CallGroup& calls, std::int64_t backlog) {
  SloVerdict verdict{.slo = slo, .value = std::numeric_limits<double>::infinity()};
  const std::int64_t made = calls.latency.count() + calls.errors;
  if (slo.of_errors) {
    if (made > 0) verdict.value = static_cast<double>(calls.errors) / static_cast<double>(made);
  } else if (made + backlog > 0) {
    const std::int64_t rank = RankOf(slo.quantile, made + backlog);
    if (rank <= calls.latency.count()) verdict.value = Seconds(calls.latency.AtRank(rank));
  }
  verdict.met = calls.latency.count() > 0 && verdict.value < slo.bound;
  return verdict;
}

absl::StatusOr<double> ParseSeconds(absl::string_view text) {
  double seconds = 0;
  absl::Duration duration;
  if (!absl::SimpleAtod(text, &seconds)) {
    if (!absl::ParseDuration(text, &duration))
      return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is no time; write 250ms, 10s or 2m"));
    seconds = absl::ToDoubleSeconds(duration);
  }
  // A year, so that nanoseconds do not overflow.
  if (seconds > 0 && seconds <= 366 * 86400.0) return seconds;
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" must be above 0 and at most a year"));
}

}  // namespace maskd::maskload
