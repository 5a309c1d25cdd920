// Some hundred plans that nobody thought of. The seed is fresh each run;
// MASKD_TEST_SEED repeats one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>
#include <sstream>
#include <string>

#include "tests/contract/backend_fixture.h"
#include "tests/contract/invariants.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"

namespace maskd {
namespace {

constexpr int kPlans = 300;

class RandomCases {
 public:
  explicit RandomCases(std::uint64_t seed) : random_(seed) {}

  MaskingCase Next() {
    MaskingCase result;
    result.name = "Random";
    result.spec = Shape();
    MaskingSpec& spec = result.spec;
    spec.selection = kAllResults;
    spec.selection.kept_order = KeptOrder{int(Below(2))};
    spec.selection.ids_type = IdsType{int(Below(3))};
    spec.selection.mask_type = MaskType{int(Below(3))};
    spec.selection.mask_polarity = MaskPolarity{int(Below(2))};
    spec.seed = random_();
    spec.first_sample_id = random_();
    spec.epoch = static_cast<std::uint32_t>(Below(kEpochEnd));
    spec.mask_index = static_cast<std::uint32_t>(Below(kMaskIndexEnd));
    if (Below(2) == 0) {
      for (std::int64_t n = 0; n < spec.batch_size; ++n) result.sample_ids.push_back(random_() >> Below(64));
    }
    SetNoise(result);
    return result;
  }

 private:
  std::uint64_t Below(std::uint64_t end) { return random_() % end; }

  // Sizes of every order of magnitude, at most about 2 MB of tokens.
  MaskingSpec Shape() {
    MaskingSpec spec;
    spec.sequence_length = 1 + static_cast<std::int64_t>(Below(std::uint64_t{2} << Below(14)));
    spec.batch_size =
        1 + static_cast<std::int64_t>(Below(1 + 40000 / static_cast<std::uint64_t>(spec.sequence_length)));
    spec.batch_size = std::min<std::int64_t>(spec.batch_size, 50);
    spec.token_type =
        TokenType{.token_dim = 1 + static_cast<std::int64_t>(Below(std::uint64_t{1} << Below(5))),
                  .element_bytes = 1 + static_cast<std::int64_t>(Below(16))};
    spec.num_keep = static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(spec.sequence_length) + 1));
    if (Below(2) == 0) {
      spec.num_keep.reset();
      spec.mask_ratio = static_cast<double>(Below(1000)) / 1000;
      spec.keep_count_rule = KeepCountRule::kKeepTruncMin1;
    }
    return spec;
  }

  void SetNoise(MaskingCase& result) {
    MaskingSpec& spec = result.spec;
    spec.noise_source = NoiseSource{int(Below(4))};
    if (spec.noise_source == NoiseSource::kTorchCpu) spec.torch_skip = Below(5000);
    if (spec.noise_source == NoiseSource::kTorchCuda) {
      spec.torch_cuda = {.offset = random_() / 4 * 4,
                         .multi_processor_count = 1 + static_cast<std::int64_t>(Below(150)),
                         .max_threads_per_multi_processor = 256 + static_cast<std::int64_t>(Below(1800)),
                         .first_element = static_cast<std::int64_t>(Below(1000)),
                         .num_elements = (1 << 20) + static_cast<std::int64_t>(Below(1 << 20))};
    }
    if (spec.noise_source != NoiseSource::kProvided) return;
    spec.noise_direction = NoiseDirection{int(Below(2))};
    if (Below(2) == 0) spec.seeded_noise_scale = std::uniform_real_distribution<float>(-4, 4)(random_);
    const std::uint64_t salt = random_();
    // From many ties to all bits random.
    const std::uint32_t bits_kept = static_cast<std::uint32_t>(0xffffffffu << Below(32));
    result.noise_bits = [salt, bits_kept](std::int64_t element) {
      return static_cast<std::uint32_t>(MixBits(salt + static_cast<std::uint64_t>(element))) & bits_kept;
    };
  }

  std::mt19937_64 random_;
};

std::string Describe(const MaskingPlan& plan) {
  std::ostringstream text;
  text << "N " << plan.batch_size << " L " << plan.sequence_length << " K " << plan.num_keep
       << " token_bytes " << plan.token_bytes << " noise_source " << static_cast<int>(plan.noise_source)
       << " scale " << plan.seeded_noise_scale << " direction " << static_cast<int>(plan.noise_direction)
       << " order " << static_cast<int>(plan.selection.kept_order) << " ids "
       << static_cast<int>(plan.selection.ids_type) << " mask " << static_cast<int>(plan.selection.mask_type)
       << " polarity " << static_cast<int>(plan.selection.mask_polarity);
  return text.str();
}

using RandomPlansTest = BackendTest;

TEST_P(RandomPlansTest, MatchReferenceAndKeepInvariants) {
  const char* const given = std::getenv("MASKD_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::cout << "MASKD_TEST_SEED=" << seed << std::endl;
  RandomCases cases(seed);
  for (int i = 0; i < kPlans && !HasFailure(); ++i) {
    const PreparedCase prepared(cases.Next());
    SCOPED_TRACE("MASKD_TEST_SEED=" + std::to_string(seed) + ", plan " + std::to_string(i) + ": " +
                 Describe(prepared.plan()));
    const MaskedResults results = MaskOrFail(*masker_, prepared.plan(), prepared.tokens(), i % 16);
    ExpectInvariants(prepared.plan(), prepared.tokens(), results);
    if (masker_->backend() != "reference") {
      ExpectSameResults(results, MaskOrFail(*MakeReferenceMasker(), prepared.plan(), prepared.tokens()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, RandomPlansTest, ::testing::ValuesIn(BackendsUnderTest()), BackendName);

}  // namespace
}  // namespace maskd
