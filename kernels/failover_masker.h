// Several devices as one masker, with another behind them that does not fail.
#ifndef MASKD_KERNELS_FAILOVER_MASKER_H_
#define MASKD_KERNELS_FAILOVER_MASKER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "kernels/masker.h"

namespace maskd {

// Each call goes to the healthy card with the fewest calls under way, of equals
// to the next in turn. All backends write the same bytes, so a call that fails is
// made again elsewhere, and its caller sees nothing of it:
//
// * INTERNAL: the card takes no more calls until the process ends. The call goes
//   to one more card, then to the last resort: it may be the call that breaks
//   cards.
// * UNKNOWN: the card refuses this call, as the others would. It goes to the last
//   resort, and the card stays.
// * RESOURCE_EXHAUSTED: the call goes to one more card. What that says of memory
//   is returned, for the caller to send less: the last resort is many times
//   slower, and a card that is full stays full.
// * Any other status is returned.
//
// With no card left all calls go to the last resort.
class FailoverMasker final : public Masker {
 public:
  // `cards` may be empty. `lost_cards` failed before they could be made maskers.
  FailoverMasker(std::vector<std::unique_ptr<Masker>> cards, std::vector<DeviceState> lost_cards,
                 std::unique_ptr<Masker> last_resort, OnDeviceError on_error);

  using Masker::Mask;

  absl::Status Mask(const MaskingPlan& plan, const MaskingBuffers& buffers,
                    const IsCancelled& is_cancelled) override;

  // Of the cards while there are any, then of the last resort.
  bool waits() const override;
  std::string backend() const override;
  std::string device_name() const override;
  // Of one card, and read in place by all.
  HostBlock AllocateTokenMemory(std::size_t bytes) override;

  // The cards, then the last resort.
  std::vector<DeviceState> devices() const override;
  std::vector<DeviceMemoryUse> memory() const override;
  Fallbacks fallbacks() const override;

 private:
  struct Card {
    std::unique_ptr<Masker> masker;  // null if lost before it was made
    DeviceState state = {};          // guarded by mutex_
    int calls = 0;                   // under way; guarded by mutex_
  };
  class Turn;

  // The masker that answers for the whole.
  Masker& Foremost() const;
  // Remembers and reports `error`, INTERNAL or UNKNOWN, if it is news.
  void Note(Card& card, const absl::Status& error);

  const std::unique_ptr<Masker> last_resort_;
  const OnDeviceError on_error_;
  mutable std::mutex mutex_;
  std::vector<Card> cards_;  // as many as there were at the start
  std::size_t next_ = 0;     // whose turn it is among equals; guarded by mutex_
  std::atomic<std::int64_t> to_card_ = 0;
  std::atomic<std::int64_t> to_last_resort_ = 0;
};

}  // namespace maskd

#endif  // MASKD_KERNELS_FAILOVER_MASKER_H_
