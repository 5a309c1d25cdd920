// A card that fails under tensor operations: the CPU answers in its place.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/tensor_client.h"
#include "kernels/masker.h"
#include "kernels/tensor_ops.h"
#include "server/masking_server.h"
#include "server/tensor_devices.h"

namespace maskd {
namespace {

// Adds on the CPU, wrongly, and then says that it could not.
class FailingOps final : public TensorOps {
 public:
  explicit FailingOps(absl::Status status) : status_(std::move(status)) {}

  absl::Status ScatterAdd(const IndexPlan& plan, FloatType type, const std::byte* index, const std::byte* src,
                          std::byte* output) override {
    ++calls;
    EXPECT_TRUE(cpu_->ScatterAdd(plan, type, index, src, output).ok());
    return status_;
  }

  absl::Status Gather(const IndexPlan&, const std::byte*, const std::byte*, std::byte*) override {
    return status_;
  }
  absl::Status Scatter(const IndexPlan&, const std::byte*, const std::byte*, std::byte*) override {
    return status_;
  }
  absl::Status RestoreTokens(const RestorePlan&, const std::byte*, const std::byte*, const std::byte*,
                             std::byte*) override {
    return status_;
  }
  absl::StatusOr<std::int64_t> CountSelected(const SelectPlan&, const std::byte*) override { return status_; }
  absl::Status MaskedSelect(const SelectPlan&, const std::byte*, const std::byte*, std::byte*) override {
    return status_;
  }
  absl::Status PadSequences(const PadPlan&, const std::byte*, const std::byte*, std::byte*,
                            std::byte*) override {
    return status_;
  }
  absl::StatusOr<MaskedMean> MaskedNllLoss(const NllPlan&, const std::byte*, const std::byte*,
                                           const std::byte*) override {
    return status_;
  }
  absl::StatusOr<MaskedMean> MaskedReconstructionLoss(const ReconstructionPlan&, const std::byte*,
                                                      const std::byte*, const std::byte*) override {
    return status_;
  }

  std::atomic<int> calls = 0;

 private:
  const absl::Status status_;
  const std::unique_ptr<TensorOps> cpu_ = MakeCpuTensorOps(1);
};

// The parameter says whether calls are streamed.
class TensorFailoverTest : public testing::TestWithParam<bool> {
 protected:
  void Start(absl::Status status) {
    auto card = std::make_unique<FailingOps>(std::move(status));
    card_ = card.get();
    auto devices = std::make_unique<TensorDevices>("cuda:0", std::move(card), MakeCpuTensorOps(1),
                                                   [this](const absl::Status&) { ++failures_; });
    server_ = MaskingServer::Start(MakeCpuMasker(1), std::move(devices), {}).value();
    client_ = std::make_unique<TensorClient>(
        server_->InProcessChannel(), TensorClient::Options{.stream_from_bytes = GetParam() ? 0 : INT64_MAX});
  }

  // x[0] + 1, which a second addition to the same output would make two.
  absl::StatusOr<Tensor> AddOne() {
    ScatterArguments arguments;
    arguments.input = x_.view();
    arguments.index = index_.view();
    arguments.src = one_.view();
    return client_->ScatterAdd(arguments);
  }

  static Tensor Bytes(ElementType type, const auto& values) {
    Tensor tensor = {.form = {.type = type, .shape = {std::ssize(values)}}};
    tensor.data.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
    return tensor;
  }

  const Tensor x_ = Bytes(ElementType::kFloat32, std::vector<float>{5, 6});
  const Tensor index_ = Bytes(ElementType::kInt64, std::vector<std::int64_t>{0});
  const Tensor one_ = Bytes(ElementType::kFloat32, std::vector<float>{1});
  const Tensor sum_ = Bytes(ElementType::kFloat32, std::vector<float>{6, 6});
  FailingOps* card_ = nullptr;
  std::atomic<int> failures_ = 0;
  std::unique_ptr<MaskingServer> server_;
  std::unique_ptr<TensorClient> client_;
};

INSTANTIATE_TEST_SUITE_P(Ways, TensorFailoverTest, testing::Bool(),
                         [](const auto& test) { return test.param ? "Streamed" : "Unary"; });

TEST_P(TensorFailoverTest, ACardThatFailedIsAskedOnce) {
  Start(absl::InternalError("an illegal memory access was encountered"));
  for (int call = 0; call < 3; ++call) {
    const auto sum = AddOne();
    ASSERT_TRUE(sum.ok()) << sum.status();
    EXPECT_EQ(sum->data, sum_.data);
  }
  EXPECT_EQ(card_->calls, 1);
  EXPECT_EQ(failures_, 1);
}

TEST_P(TensorFailoverTest, ACardThatRefusesACallKeepsTheOthers) {
  Start(absl::UnknownError("invalid configuration argument"));
  for (int call = 0; call < 3; ++call) {
    const auto sum = AddOne();
    ASSERT_TRUE(sum.ok()) << sum.status();
    EXPECT_EQ(sum->data, sum_.data);
  }
  EXPECT_EQ(card_->calls, 3);
  EXPECT_EQ(failures_, 0);
}

TEST_P(TensorFailoverTest, NoMemoryIsTheCallersToHear) {
  Start(absl::ResourceExhaustedError("out of memory"));
  EXPECT_EQ(AddOne().status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(failures_, 0);
}

}  // namespace
}  // namespace maskd
