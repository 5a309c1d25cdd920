// Cards that fail: who answers, with which bytes, and who is told.
#include "kernels/failover_masker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/scripted_masker.h"

namespace maskd {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

const absl::Status kLost = absl::InternalError("an illegal memory access was encountered");
const absl::Status kRefused = absl::UnknownError("invalid argument");
const absl::Status kFull = absl::ResourceExhaustedError("cudaMalloc: out of memory");

ScriptedMasker::Script Always(absl::Status status) {
  return [status = std::move(status)](int) { return status; };
}
ScriptedMasker::Script FailsAt(int call, absl::Status status) {
  return
      [call, status = std::move(status)](int number) { return number == call ? status : absl::OkStatus(); };
}

MaskingPlan PlanOf(std::uint64_t seed) {
  MaskingSpec spec;
  spec.batch_size = 3;
  spec.sequence_length = 50;
  spec.mask_ratio = 0.75;
  spec.seed = seed;
  spec.selection.ids_restore = true;
  return *MakeMaskingPlan(spec);
}

std::vector<std::byte> IdsOf(Masker& masker, const MaskingPlan& plan, absl::Status* status) {
  std::vector<std::byte> ids(static_cast<std::size_t>(plan.result_bytes.ids_restore));
  *status = masker.Mask(plan, {.ids_restore = ids.data()});
  return ids;
}

class FailoverTest : public ::testing::Test {
 protected:
  void Start(std::vector<ScriptedMasker::Script> scripts, std::vector<DeviceState> lost_cards = {}) {
    std::vector<std::unique_ptr<Masker>> maskers;
    for (ScriptedMasker::Script& script : scripts) {
      auto card = std::make_unique<ScriptedMasker>(static_cast<int>(cards_.size()), std::move(script));
      cards_.push_back(card.get());
      maskers.push_back(std::move(card));
    }
    masker_ = std::make_unique<FailoverMasker>(std::move(maskers), std::move(lost_cards), MakeCpuMasker(1),
                                               [this](const DeviceState& state) {
                                                 const std::lock_guard lock(mutex_);
                                                 reported_.push_back(state);
                                               });
  }

  // Masks with a seed of its own; what is masked must be what the CPU masks.
  absl::Status Mask() {
    const MaskingPlan plan = PlanOf(seed_++);
    absl::Status status;
    const std::vector<std::byte> ids = IdsOf(*masker_, plan, &status);
    if (!status.ok()) return status;
    EXPECT_EQ(ids, IdsOf(*MakeCpuMasker(1), plan, &status));
    return status;
  }

  std::vector<int> Calls() const {
    std::vector<int> calls;
    for (const ScriptedMasker* card : cards_) calls.push_back(card->calls());
    return calls;
  }

  std::vector<bool> Healthy() const {
    std::vector<bool> healthy;
    for (const DeviceState& device : masker_->devices()) healthy.push_back(device.healthy);
    return healthy;
  }

  std::vector<ScriptedMasker*> cards_;
  std::unique_ptr<FailoverMasker> masker_;
  std::mutex mutex_;
  std::vector<DeviceState> reported_;  // guarded by mutex_
  std::atomic<std::uint64_t> seed_ = 0;
};

TEST_F(FailoverTest, IdleCardsTakeTurns) {
  Start({Always(absl::OkStatus()), Always(absl::OkStatus()), Always(absl::OkStatus())});
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(Mask().ok());
  EXPECT_THAT(Calls(), ElementsAre(3, 3, 3));
  EXPECT_THAT(Healthy(), ElementsAre(true, true, true, true));
  EXPECT_THAT(reported_, IsEmpty());
}

TEST_F(FailoverTest, ABusyCardIsPassedOver) {
  std::latch entered(1);
  std::latch release(1);
  Start({[&](int call) {
           if (call == 0) {
             entered.count_down();
             release.wait();
           }
           return absl::OkStatus();
         },
         Always(absl::OkStatus())});
  std::jthread busy([this] { EXPECT_TRUE(Mask().ok()); });
  entered.wait();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Mask().ok());
  EXPECT_THAT(Calls(), ElementsAre(1, 4));
  release.count_down();
}

TEST_F(FailoverTest, AFailedCardIsTakenOutAndItsCallMadeOnAnother) {
  Start({FailsAt(1, kLost), Always(absl::OkStatus())});
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(Mask().ok());
  EXPECT_THAT(Calls(), ElementsAre(2, 5));
  EXPECT_THAT(Healthy(), ElementsAre(false, true, true));
  ASSERT_EQ(reported_.size(), 1u);
  EXPECT_EQ(reported_[0].id, "cuda:0");
  EXPECT_EQ(reported_[0].name, "a card of a script");
  EXPECT_EQ(reported_[0].error, kLost.message());
  EXPECT_EQ(masker_->devices()[0].error, kLost.message());
  EXPECT_EQ(masker_->backend(), "cuda");
}

TEST_F(FailoverTest, WithNoCardLeftTheCpuAnswers) {
  Start({Always(kLost), Always(kLost)});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Mask().ok());
  EXPECT_THAT(Calls(), ElementsAre(1, 1));
  EXPECT_THAT(Healthy(), ElementsAre(false, false, true));
  EXPECT_EQ(reported_.size(), 2u);
  EXPECT_EQ(masker_->backend(), "cpu");
  EXPECT_EQ(masker_->device_name(), MakeCpuMasker(1)->device_name());
  EXPECT_FALSE(masker_->waits());
}

TEST_F(FailoverTest, ACallThatBreaksCardsBreaksTwoAtMost) {
  Start({Always(kLost), Always(kLost), Always(kLost)});
  EXPECT_TRUE(Mask().ok());
  EXPECT_THAT(Calls(), ElementsAre(1, 1, 0));
  EXPECT_TRUE(Mask().ok());
  EXPECT_THAT(Calls(), ElementsAre(1, 1, 1));
}

TEST_F(FailoverTest, ARefusedCallGoesToTheCpuAndTheCardStays) {
  Start({Always(kRefused), Always(absl::OkStatus())});
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(Mask().ok());
  EXPECT_THAT(Calls(), ElementsAre(3, 3));
  EXPECT_THAT(Healthy(), ElementsAre(true, true, true));
  ASSERT_EQ(reported_.size(), 1u) << "told once, not at each call";
  EXPECT_TRUE(reported_[0].healthy);
  EXPECT_EQ(reported_[0].error, kRefused.message());
}

TEST_F(FailoverTest, ACardThatRefusedAndThenFailsIsReportedTwice) {
  Start({[](int call) { return call == 0 ? kRefused : kLost; }});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Mask().ok());
  ASSERT_EQ(reported_.size(), 2u);
  EXPECT_TRUE(reported_[0].healthy);
  EXPECT_FALSE(reported_[1].healthy);
  EXPECT_EQ(reported_[1].error, kLost.message());
}

TEST_F(FailoverTest, AFullCardStaysAndItsCallGoesToAnother) {
  Start({Always(kFull), Always(absl::OkStatus())});
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Mask().ok());
  EXPECT_THAT(Healthy(), ElementsAre(true, true, true));
  EXPECT_THAT(reported_, IsEmpty());
}

TEST_F(FailoverTest, WhereAllCardsAreFullTheCallerIsTold) {
  for (const std::size_t count : {1u, 2u, 3u}) {
    cards_.clear();
    Start(std::vector<ScriptedMasker::Script>(count, FailsAt(0, kFull)));
    EXPECT_EQ(Mask(), kFull) << count;
    EXPECT_TRUE(Mask().ok()) << "the next call works";
    EXPECT_THAT(Healthy(), Each(true));
  }
}

TEST_F(FailoverTest, AFullCardAndAFailedOne) {
  Start({Always(kFull), Always(kLost)});
  EXPECT_TRUE(Mask().ok()) << "full, then failed: the CPU";
  EXPECT_EQ(Mask(), kFull) << "no card left but the full one";
}

TEST_F(FailoverTest, OtherErrorsAreReturned) {
  for (const absl::Status& status : {absl::CancelledError("gone"), absl::InvalidArgumentError("bad")}) {
    cards_.clear();
    Start({Always(status), Always(absl::OkStatus())});
    EXPECT_EQ(Mask(), status);
    EXPECT_THAT(Calls(), ElementsAre(1, 0));
    EXPECT_THAT(Healthy(), Each(true));
  }
  EXPECT_THAT(reported_, IsEmpty());
}

TEST_F(FailoverTest, ACallerWhoHasGoneWhenTheCardFailsIsNotServed) {
  Start({Always(kLost)});
  int asked = 0;
  const MaskingPlan plan = PlanOf(0);
  std::vector<std::byte> ids(static_cast<std::size_t>(plan.result_bytes.ids_restore));
  const absl::Status status =
      masker_->Mask(plan, {.ids_restore = ids.data()}, [&asked, &plan] { return ++asked > plan.batch_size; });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_EQ(cards_[0]->calls(), 1);
}

TEST_F(FailoverTest, ACardLostAtTheStartIsListedAndNotCalled) {
  Start({Always(absl::OkStatus())},
        {{.id = "cuda:1", .backend = "cuda", .error = "uncorrectable ECC error"}});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Mask().ok());
  EXPECT_THAT(Healthy(), ElementsAre(true, false, true));
  EXPECT_THAT(masker_->devices()[1], AllOf(Field(&DeviceState::id, "cuda:1"),
                                           Field(&DeviceState::error, "uncorrectable ECC error")));
}

TEST_F(FailoverTest, CardsThatFailUnderManyCallers) {
  std::random_device device;
  const unsigned seed = device();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    cards_.clear();
    reported_.clear();
    std::vector<ScriptedMasker::Script> scripts;
    for (int card = 0; card < 4; ++card) {
      // From then on, as a card does that has failed.
      const int from = static_cast<int>(random() % 40);
      scripts.push_back([from](int call) { return call < from ? absl::OkStatus() : kLost; });
    }
    Start(std::move(scripts));
    {
      std::vector<std::jthread> callers;
      for (int caller = 0; caller < 8; ++caller) {
        callers.emplace_back([this] {
          for (int i = 0; i < 25; ++i) EXPECT_TRUE(Mask().ok());
        });
      }
    }
    EXPECT_THAT(Healthy(), ElementsAre(false, false, false, false, true));
    EXPECT_EQ(reported_.size(), 4u) << "each is reported once";
    EXPECT_EQ(masker_->backend(), "cpu");
  }
}

}  // namespace
}  // namespace maskd
