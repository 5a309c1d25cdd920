// A masker that fails when it is told to.
#ifndef MASKD_TESTS_UNIT_SCRIPTED_MASKER_H_
#define MASKD_TESTS_UNIT_SCRIPTED_MASKER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/masker.h"

namespace maskd {

// The reference under the name of a card. A call that is to fail writes wrong
// results first.
class ScriptedMasker final : public Masker {
 public:
  // What call number `call`, from 0, returns: OK is masked.
  using Script = std::function<absl::Status(int call)>;

  ScriptedMasker(int ordinal, Script script) : ordinal_(ordinal), script_(std::move(script)) {}

  using Masker::Mask;

  absl::Status Mask(const MaskingPlan& plan, const MaskingBuffers& buffers,
                    const IsCancelled& is_cancelled) override {
    absl::Status status = script_(calls_++);
    if (absl::Status masked = reference_->Mask(plan, buffers, is_cancelled); !masked.ok()) return masked;
    if (!status.ok() && plan.selection.ids_restore) buffers.ids_restore[0] ^= std::byte{0xff};
    return status;
  }
  std::string backend() const override { return "cuda"; }
  std::string device_name() const override { return "a card of a script"; }
  std::vector<DeviceState> devices() const override {
    return {{.id = "cuda:" + std::to_string(ordinal_), .backend = "cuda", .name = device_name()}};
  }

  int calls() const { return calls_; }

 private:
  const int ordinal_;
  const Script script_;
  std::atomic<int> calls_ = 0;
  const std::unique_ptr<Masker> reference_ = MakeReferenceMasker();
};

}  // namespace maskd

#endif  // MASKD_TESTS_UNIT_SCRIPTED_MASKER_H_
