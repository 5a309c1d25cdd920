// The kernels on tokens in device memory, in every way that they can be
// launched: the same bytes as the reference. The backend uses the first way
// alone, so that the suites over backends do not see the others.
#include <gtest/gtest.h>

#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "kernels/cuda/cuda_handles.h"
#include "kernels/cuda/gather_tokens.h"
#include "kernels/cuda/mask_tokens_fused.h"
#include "kernels/cuda/order_tokens.h"
#include "kernels/torch_cpu_stream.h"
#include "tests/contract/backend_fixture.h"
#include "tests/contract/masked_results.h"
#include "tests/contract/masking_case.h"

namespace maskd {
namespace {

enum class Way { kTwoLaunches, kEarlyStart, kFused };

#define ASSERT_CUDA(expression) ASSERT_EQ(expression, cudaSuccess) << #expression

void CopyIn(std::span<const std::byte> bytes, DeviceBuffer& buffer, cudaStream_t stream) {
  ASSERT_CUDA(buffer.Reserve(bytes.size() + 1));  // no empty allocation
  ASSERT_CUDA(cudaMemcpyAsync(buffer.data(), bytes.data(), bytes.size(), cudaMemcpyHostToDevice, stream));
  ASSERT_CUDA(cudaStreamSynchronize(stream));
}

// A plan's operands and results on the device.
class DeviceMasking {
 public:
  explicit DeviceMasking(const PreparedCase& prepared) : plan_(prepared.plan()) {
    const cudaError_t error = MakeCudaStream(&stream_);
    EXPECT_EQ(error, cudaSuccess);
    if (error == cudaSuccess) Prepare(prepared.tokens());
  }

  bool Can(Way way) const {
    bool can = true;
    if (way == Way::kEarlyStart) {
      EXPECT_EQ(CanGatherStartEarly(&can), cudaSuccess);
    }
    return way == Way::kFused ? CanFuse(order_, gather_) : can;
  }

  void Run(Way way, MaskedResults& results) {
    ASSERT_CUDA(cudaMemsetAsync(results_.data(), 0xA5, results_.size(), stream_.get()));
    if (way == Way::kFused) {
      ASSERT_CUDA(LaunchMaskTokensFused(order_, gather_, stream_.get()));
    } else {
      ASSERT_CUDA(LaunchOrderTokens(order_, scratch_.data(), scratch_.size(), stream_.get()));
      gather_.starts_early = way == Way::kEarlyStart;
      ASSERT_CUDA(LaunchGatherTokens(gather_, stream_.get()));
    }
    for (std::size_t i = 0; i < kResultFields.size(); ++i) {
      std::vector<std::byte>& bytes = results.*kResultFields[i].bytes;
      bytes.resize(static_cast<std::size_t>(plan_.result_bytes.*kResultFields[i].size));
      ASSERT_CUDA(cudaMemcpyAsync(bytes.data(), results_.data() + places_[i], bytes.size(),
                                  cudaMemcpyDeviceToHost, stream_.get()));
    }
    ASSERT_CUDA(cudaStreamSynchronize(stream_.get()));
  }

 private:
  void Prepare(std::span<const std::byte> tokens) {
    std::int64_t end = 0;
    for (const ResultField& field : kResultFields) {
      places_.push_back(end);
      end += (plan_.result_bytes.*field.size + 255) / 256 * 256;
    }
    const std::int64_t keep_index_bytes = plan_.batch_size * plan_.num_keep * 4;
    ASSERT_CUDA(results_.Reserve(static_cast<std::size_t>(end + keep_index_bytes + 1)));
    CopyIn(tokens, tokens_, stream_.get());
    CopyIn(NoiseValues(), noise_, stream_.get());
    std::vector<std::uint64_t> sample_ids;
    for (std::int64_t n = 0; n < plan_.batch_size; ++n) sample_ids.push_back(plan_.SampleId(n));
    CopyIn(std::as_bytes(std::span(sample_ids)), sample_ids_, stream_.get());
    FillOperands(reinterpret_cast<std::uint32_t*>(results_.data() + end));
    std::size_t scratch_bytes = 0;
    ASSERT_CUDA(GetOrderTokensScratchBytes(order_, &scratch_bytes));
    ASSERT_CUDA(scratch_.Reserve(scratch_bytes));
  }

  // What NoiseOperands.values wants.
  std::vector<std::byte> NoiseValues() const {
    const auto count = static_cast<std::size_t>(plan_.batch_size * plan_.sequence_length);
    std::vector<std::uint32_t> values(count);
    if (plan_.noise_source == NoiseSource::kProvided)
      std::memcpy(values.data(), plan_.provided_noise, count * 4);
    if (plan_.noise_source == NoiseSource::kTorchCpu) {
      TorchCpuStream torch(plan_.seed);
      torch.Skip(plan_.torch_skip, [] { return false; });
      torch.Draw(values);
    }
    const auto bytes = std::as_bytes(std::span(values));
    return {bytes.begin(), bytes.end()};
  }

  void FillOperands(std::uint32_t* keep_index) {
    const ResultSelection& want = plan_.selection;
    const auto place = [this](std::size_t field) { return results_.data() + places_[field]; };
    order_ = {.batch_size = plan_.batch_size,
              .sequence_length = plan_.sequence_length,
              .num_keep = plan_.num_keep,
              .kept_order = want.kept_order,
              .noise = {.source = plan_.noise_source,
                        .seed = plan_.seed,
                        .first_sample_id = plan_.first_sample_id,
                        .sample_ids = reinterpret_cast<const std::uint64_t*>(sample_ids_.data()),
                        .epoch_and_mask_index = plan_.epoch << 8 | plan_.mask_index,
                        .values = reinterpret_cast<const std::uint32_t*>(noise_.data()),
                        .direction = plan_.noise_direction,
                        .seeded_noise_scale = plan_.seeded_noise_scale,
                        .torch_cuda = plan_.torch_cuda},
              // In the order of kResultFields.
              .results = {.ids_restore = place(2),
                          .ids_keep = place(3),
                          .ids_mask = place(4),
                          .mask = place(1),
                          .noise = reinterpret_cast<float*>(place(5)),
                          .keep_index = keep_index,
                          .ids_type = want.ids_type,
                          .mask_type = want.mask_type,
                          .mask_polarity = want.mask_polarity}};
    gather_ = {.tokens = tokens_.data(),
               .keep_index = keep_index,
               .kept_tokens = place(0),
               .batch_size = plan_.batch_size,
               .sequence_length = plan_.sequence_length,
               .num_keep = plan_.num_keep,
               .token_bytes = plan_.token_bytes};
  }

  const MaskingPlan& plan_;
  CudaStream stream_;
  DeviceBuffer results_;
  DeviceBuffer tokens_;
  DeviceBuffer noise_;
  DeviceBuffer sample_ids_;
  DeviceBuffer scratch_;
  std::vector<std::int64_t> places_;  // of kResultFields in results_
  OrderTokens order_ = {};
  GatherTokens gather_ = {};
};

// Every noise, kept order, id and mask type, with tokens of whole 16-byte words
// and of others.
std::vector<MaskingCase> Cases() {
  std::vector<MaskingCase> cases;
  for (const auto& some : {LengthCases(), TokenBytesCases(), ResultTypeCases(), NoiseCases()}) {
    for (const MaskingCase& masking_case : some) {
      if (masking_case.spec.batch_size * masking_case.spec.sequence_length > 25000) continue;
      cases.push_back(masking_case);
      cases.push_back(masking_case);
      cases.back().spec.token_type = TokenType{.token_dim = 12, .element_bytes = 4};
    }
  }
  return cases;
}

using DeviceMaskingTest = BackendTest;

void ExpectReferenceResults(Way way) {
  int ran = 0;
  for (const MaskingCase& masking_case : Cases()) {
    SCOPED_TRACE(masking_case.name);
    const PreparedCase prepared(masking_case);
    DeviceMasking masking(prepared);
    if (::testing::Test::HasFailure()) return;
    if (!masking.Can(way)) continue;
    ++ran;
    MaskedResults results;
    masking.Run(way, results);
    ExpectSameResults(results, MaskOrFail(*MakeReferenceMasker(), prepared.plan(), prepared.tokens()));
    if (::testing::Test::HasFailure()) return;
  }
  std::cout << ran << " cases" << std::endl;
  if (way != Way::kEarlyStart) {
    EXPECT_GT(ran, 100);
  }
}

TEST_P(DeviceMaskingTest, OrderThenGather) { ExpectReferenceResults(Way::kTwoLaunches); }
TEST_P(DeviceMaskingTest, GatherStartsEarly) { ExpectReferenceResults(Way::kEarlyStart); }
TEST_P(DeviceMaskingTest, OneKernel) { ExpectReferenceResults(Way::kFused); }

INSTANTIATE_TEST_SUITE_P(Backends, DeviceMaskingTest, ::testing::ValuesIn(BackendsUnderTest()), BackendName);

}  // namespace
}  // namespace maskd
