#include "client/batch_parts.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/decode_response.h"
#include "kernels/masking_parts.h"
#include "kernels/status_macros.h"

namespace maskd {

std::vector<std::int64_t> ShareOut(std::int64_t batch_size, std::int64_t least_samples,
                                   std::span<const double> speeds) {
  std::vector<double> weights(speeds.begin(), speeds.end());
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  // The slowest goes first; of equals the last.
  for (auto left = std::ranges::count_if(weights, [](double weight) { return weight > 0; }); left > 1;
       --left) {
    auto slowest = weights.end();
    for (auto at = weights.begin(); at != weights.end(); ++at) {
      if (*at > 0 && (slowest == weights.end() || *at <= *slowest)) slowest = at;
    }
    if (static_cast<double>(batch_size) * *slowest / total >= static_cast<double>(least_samples)) break;
    *slowest = 0;
    total = std::accumulate(weights.begin(), weights.end(), 0.0);
  }
  std::vector<std::int64_t> shares(weights.size());
  double sum = 0;
  std::int64_t first = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    const std::int64_t end = std::lround(static_cast<double>(batch_size) * (sum / total));
    shares[i] = end - first;
    first = end;
  }
  return shares;
}

absl::StatusOr<MaskingFacts> MaskParts(const MaskingSpec& spec, const MaskingPlan& plan,
                                       std::span<const std::byte> tokens, const MaskingBuffers& results,
                                       std::span<const std::int64_t> shares, const MaskPart& mask_part) {
  const auto sample_bytes = static_cast<std::size_t>(plan.tokens_bytes / plan.batch_size);
  std::vector<absl::StatusOr<MaskingFacts>> answers;
  std::vector<std::function<void()>> calls;
  answers.reserve(shares.size());
  std::int64_t first = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] == 0) continue;
    const bool whole = shares[i] == plan.batch_size;
    const MaskingSpec part_spec = whole ? spec : SpecOfSamples(spec, first, shares[i]);
    MASKD_ASSIGN_OR_RETURN(const MaskingPlan part_plan, MakeMaskingPlan(part_spec));
    const BatchPart part = {.spec = part_spec,
                            .plan = part_plan,
                            .tokens = tokens.subspan(static_cast<std::size_t>(first) * sample_bytes,
                                                     static_cast<std::size_t>(shares[i]) * sample_bytes),
                            .results = ResultsOfSamples(plan, results, first)};
    auto& answer = answers.emplace_back(absl::UnknownError("not called"));
    calls.emplace_back([&mask_part, &answer, i, part] { answer = mask_part(i, part); });
    first += shares[i];
  }
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < calls.size(); ++i) threads.emplace_back(calls[i]);
    calls.front()();
  }
  for (const auto& answer : answers) MASKD_RETURN_IF_ERROR(answer.status());
  return answers.front();
}

absl::Status CheckTokens(const MaskingPlan& plan, std::span<const std::byte> tokens) {
  if (tokens.size() == static_cast<std::uint64_t>(plan.tokens_bytes)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("tokens has ", tokens.size(), " bytes; the layout of the spec has ", plan.tokens_bytes));
}

}  // namespace maskd
