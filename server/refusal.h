// Why a call was not served that another server, or this one later, would serve.
#ifndef MASKD_SERVER_REFUSAL_H_
#define MASKD_SERVER_REFUSAL_H_

#include <array>
#include <optional>
#include <string_view>

#include "absl/status/status.h"

namespace maskd {

enum class Refusal {
  kDraining,  // the server shuts down
  kNoRoom,    // other calls have the bytes of the budget
  kTooLarge,  // the call is over a limit
  kNoMemory,  // the host or the device has none
};

// As metrics have them.
inline constexpr std::array<std::string_view, 4> kRefusalNames = {"draining", "no_room", "too_large",
                                                                  "no_memory"};

// `status`, an error, with the reason of it.
absl::Status Refused(Refusal reason, absl::Status status);

// The reason, if it was given; that of any other RESOURCE_EXHAUSTED is kNoMemory.
std::optional<Refusal> RefusalOf(const absl::Status& status);

}  // namespace maskd

#endif  // MASKD_SERVER_REFUSAL_H_
