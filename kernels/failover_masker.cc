#include "kernels/failover_masker.h"

#include <utility>

namespace maskd {
namespace {

// Cards that one call is tried on.
constexpr int kMaxAttempts = 2;

}  // namespace

// A call's place on a card, given up at the end of its scope.
class FailoverMasker::Turn {
 public:
  // On the healthy card with the fewest calls but `avoided`; on none if there is
  // none.
  Turn(FailoverMasker& masker, const Card* avoided) : masker_(masker) {
    const std::lock_guard lock(masker_.mutex_);
    std::vector<Card>& cards = masker_.cards_;
    std::size_t place = 0;
    for (std::size_t i = 0; i < cards.size(); ++i) {
      const std::size_t candidate = (masker_.next_ + i) % cards.size();
      Card& card = cards[candidate];
      if (!card.state.healthy || &card == avoided || (card_ != nullptr && card.calls >= card_->calls))
        continue;
      card_ = &card;
      place = candidate;
    }
    if (card_ == nullptr) return;
    masker_.next_ = place + 1;
    ++card_->calls;
  }
  ~Turn() {
    if (card_ == nullptr) return;
    const std::lock_guard lock(masker_.mutex_);
    --card_->calls;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  Card* card() const { return card_; }

 private:
  FailoverMasker& masker_;
  Card* card_ = nullptr;
};

FailoverMasker::FailoverMasker(std::vector<std::unique_ptr<Masker>> cards,
                               std::vector<DeviceState> lost_cards, std::unique_ptr<Masker> last_resort,
                               OnDeviceError on_error)
    : last_resort_(std::move(last_resort)), on_error_(std::move(on_error)) {
  for (std::unique_ptr<Masker>& masker : cards) {
    DeviceState state = masker->devices().front();
    cards_.push_back({.masker = std::move(masker), .state = std::move(state)});
  }
  for (DeviceState& state : lost_cards) {
    state.healthy = false;
    cards_.push_back({.masker = nullptr, .state = std::move(state)});
  }
}

absl::Status FailoverMasker::Mask(const MaskingPlan& plan, const MaskingBuffers& buffers,
                                  const IsCancelled& is_cancelled) {
  absl::Status status;
  const Card* tried = nullptr;
  for (int attempt = 0; attempt < kMaxAttempts && !absl::IsUnknown(status); ++attempt) {
    const Turn turn(*this, tried);
    if (turn.card() == nullptr) break;
    if (tried != nullptr) ++to_card_;
    tried = turn.card();
    status = turn.card()->masker->Mask(plan, buffers, is_cancelled);
    if (absl::IsInternal(status) || absl::IsUnknown(status)) {
      Note(*turn.card(), status);
    } else if (!absl::IsResourceExhausted(status)) {
      return status;
    }
  }
  if (absl::IsResourceExhausted(status)) return status;
  if (!cards_.empty()) ++to_last_resort_;
  return last_resort_->Mask(plan, buffers, is_cancelled);
}

void FailoverMasker::Note(Card& card, const absl::Status& error) {
  const bool failed = absl::IsInternal(error);
  DeviceState state;
  {
    const std::lock_guard lock(mutex_);
    // The other calls that were on a card fail with it.
    if (!card.state.healthy || (!failed && !card.state.error.empty())) return;
    card.state.healthy = !failed;
    card.state.error = std::string(error.message());
    state = card.state;
  }
  if (on_error_) on_error_(state);
}

Masker& FailoverMasker::Foremost() const {
  const std::lock_guard lock(mutex_);
  for (const Card& card : cards_) {
    if (card.state.healthy) return *card.masker;
  }
  return *last_resort_;
}

bool FailoverMasker::waits() const { return Foremost().waits(); }
std::string FailoverMasker::backend() const { return Foremost().backend(); }
std::string FailoverMasker::device_name() const { return Foremost().device_name(); }

HostBlock FailoverMasker::AllocateTokenMemory(std::size_t bytes) {
  return Foremost().AllocateTokenMemory(bytes);
}

std::vector<DeviceState> FailoverMasker::devices() const {
  std::vector<DeviceState> devices;
  {
    const std::lock_guard lock(mutex_);
    for (const Card& card : cards_) devices.push_back(card.state);
  }
  for (DeviceState& device : last_resort_->devices()) devices.push_back(std::move(device));
  return devices;
}

std::vector<DeviceMemoryUse> FailoverMasker::memory() const {
  std::vector<const Masker*> healthy;
  {
    const std::lock_guard lock(mutex_);
    for (const Card& card : cards_) {
      if (card.state.healthy) healthy.push_back(card.masker.get());
    }
  }
  std::vector<DeviceMemoryUse> memory;
  for (const Masker* masker : healthy) {
    for (DeviceMemoryUse& use : masker->memory()) memory.push_back(std::move(use));
  }
  return memory;
}

Fallbacks FailoverMasker::fallbacks() const {
  return {.to_card = to_card_, .to_last_resort = to_last_resort_};
}

}  // namespace maskd
