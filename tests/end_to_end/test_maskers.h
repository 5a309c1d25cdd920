// Maskers that misbehave on purpose.
#ifndef MASKD_TESTS_END_TO_END_TEST_MASKERS_H_
#define MASKD_TESTS_END_TO_END_TEST_MASKERS_H_

#include <atomic>
#include <latch>
#include <memory>
#include <string>
#include <utility>

#include "kernels/masker.h"

namespace maskd {

// Where a BlockingMasker and its test meet.
struct Rendezvous {
  std::latch entered{1};  // the first call is inside the masker
  std::latch release{1};  // and may go on
};

// The reference, whose first call waits to be released.
class BlockingMasker final : public Masker {
 public:
  explicit BlockingMasker(Rendezvous* rendezvous) : rendezvous_(rendezvous) {}

  absl::Status Mask(const MaskingPlan& plan, const MaskingBuffers& buffers,
                    const IsCancelled& is_cancelled) override {
    if (!entered_.exchange(true)) {
      rendezvous_->entered.count_down();
      rendezvous_->release.wait();
    }
    return reference_->Mask(plan, buffers, is_cancelled);
  }
  std::string backend() const override { return "reference"; }
  std::string device_name() const override { return "a masker that blocks"; }

 private:
  Rendezvous* const rendezvous_;
  std::atomic<bool> entered_ = false;
  const std::unique_ptr<Masker> reference_ = MakeReferenceMasker();
};

// Works until the caller has gone.
class EndlessMasker final : public Masker {
 public:
  explicit EndlessMasker(Rendezvous* rendezvous) : rendezvous_(rendezvous) {}

  absl::Status Mask(const MaskingPlan&, const MaskingBuffers&, const IsCancelled& is_cancelled) override {
    rendezvous_->entered.count_down();
    while (!is_cancelled()) std::this_thread::yield();
    rendezvous_->release.count_down();
    return absl::CancelledError("the caller has gone");
  }
  std::string backend() const override { return "reference"; }
  std::string device_name() const override { return "a masker that never ends by itself"; }

 private:
  Rendezvous* const rendezvous_;
};

// Returns one error always.
class FailingMasker final : public Masker {
 public:
  explicit FailingMasker(absl::Status error) : error_(std::move(error)) {}

  absl::Status Mask(const MaskingPlan&, const MaskingBuffers&, const IsCancelled&) override { return error_; }
  std::string backend() const override { return "reference"; }
  std::string device_name() const override { return "a masker that fails"; }

 private:
  const absl::Status error_;
};

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_TEST_MASKERS_H_
