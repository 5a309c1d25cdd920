#include "server/refusal.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>

#include "absl/strings/cord.h"

namespace maskd {
namespace {

constexpr char kRefusalKey[] = "maskd/refusal";

}  // namespace

absl::Status Refused(Refusal reason, absl::Status status) {
  status.SetPayload(kRefusalKey, absl::Cord(std::string(kRefusalNames[static_cast<std::size_t>(reason)])));
  return status;
}

std::optional<Refusal> RefusalOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRefusalKey);
  if (payload.has_value()) {
    const auto* const found = std::ranges::find(kRefusalNames, std::string(*payload));
    return static_cast<Refusal>(std::distance(kRefusalNames.begin(), found));
  }
  if (absl::IsResourceExhausted(status)) return Refusal::kNoMemory;
  return std::nullopt;
}

}  // namespace maskd
