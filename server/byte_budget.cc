#include "server/byte_budget.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/limits.h"
#include "server/refusal.h"
#include "server/retry_delay.h"

namespace maskd {

absl::Status ByteBudget::Resize(std::int64_t bytes, Reservation& reservation) {
  if (bytes > total_) {
    return TooLarge(absl::StrCat("the call needs ", bytes,
                                 " bytes of the server's memory, which gives calls ", total_,
                                 " in all (--max_inflight_bytes); send less at a time"));
  }
  const std::int64_t more = bytes - reservation.bytes_;
  if (more <= 0) {
    if (more == 0) return absl::OkStatus();
    reservation.bytes_ = bytes;
    Return(-more);
    return absl::OkStatus();
  }
  const std::lock_guard lock(mutex_);
  if (more > free_ || !line_.empty()) {
    return Refused(Refusal::kNoRoom,
                   WithRetryDelay(absl::ResourceExhaustedError(absl::StrCat(
                       "the call needs ", more, " bytes of the server's memory, and other calls have ",
                       reserved_bytes(), " of ", total_, "; retry after the delay given"))));
  }
  free_ -= more;
  reservation.budget_ = this;
  reservation.bytes_ = bytes;
  return absl::OkStatus();
}

void ByteBudget::Enter(std::int64_t bytes, Place& place) {
  place.turn.Reset();
  place.bytes_ = std::min(bytes, total_);
  std::unique_lock lock(mutex_);
  place.in_line_ = true;
  line_.push_back(&place);
  ++waiting_;
  Serve(std::move(lock));
}

void ByteBudget::Leave(Place& place) {
  {
    const std::lock_guard lock(mutex_);
    if (!place.in_line_) return;
    place.in_line_ = false;
    line_.remove(&place);
    --waiting_;
  }
  place.turn.Set(false);
}

void ByteBudget::Return(std::int64_t bytes) {
  std::unique_lock lock(mutex_);
  free_ += bytes;
  Serve(std::move(lock));
}

void ByteBudget::Serve(std::unique_lock<std::mutex> lock) {
  std::vector<Place*> served;
  while (!line_.empty() && line_.front()->bytes_ <= free_) {
    Place* const place = line_.front();
    line_.pop_front();
    --waiting_;
    place->in_line_ = false;
    free_ -= place->bytes_;
    place->reservation = Reservation(this, place->bytes_);
    served.push_back(place);
  }
  lock.unlock();
  for (Place* place : served) place->turn.Set(true);
}

}  // namespace maskd
