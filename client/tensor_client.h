// The tensor operations of maskd from C++.
//
//   MASKD_ASSIGN_OR_RETURN(auto client, TensorClient::Connect("localhost:50051", {}));
//   TensorView kept{.form = {.type = ElementType::kFloat32, .shape = {64, 49, 768}}, .data = bytes};
//   MASKD_ASSIGN_OR_RETURN(Tensor tokens,
//                          client->RestoreTokens({.kept_tokens = kept, .ids_restore = ids, .fill =
//                          mask_token}));
//
// The caller's tensors are sent in place, also when a call is tried again.
#ifndef MASKD_CLIENT_TENSOR_CLIENT_H_
#define MASKD_CLIENT_TENSOR_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/masking_client.h"
#include "client/tensor.h"
#include "kernels/masking_spec.h"
#include "kernels/tensor_plans.h"

namespace maskd {

class ReceivedTensors;
class TensorMessage;
struct TensorOperation;

// Elements that are moved may be of any type; those that are computed with are
// float32, float16, bfloat16 or float64. A mask is uint8 or float32, 0 or 1.

struct RestoreTokensArguments {
  TensorView kept_tokens;               // [N, P + K, ..], P prefix tokens in front
  TensorView ids_restore;               // [N, L], int64, int32 or uint16: rows are permutations
  std::optional<TensorView> fill = {};  // [..], one token; none: zeros
  std::int64_t num_prefix = 0;          // P
};

struct GatherArguments {
  TensorView input;
  // int64 or int32, as many sizes as the input, none larger but that of dim.
  TensorView index;
  std::int64_t dim = 0;  // negative: counted from the end of the index
  // Not 0: the sizes of the index, fewer than the input's; whole rows move.
  std::int64_t index_rank = 0;
};

struct ScatterArguments {
  TensorView input;
  TensorView index;  // this and the others as of GatherArguments
  TensorView src;    // of the type of the input, of the shape that Gather returns
  std::int64_t dim = 0;
  std::int64_t index_rank = 0;
};

struct MaskedSelectArguments {
  TensorView input;
  TensorView mask;  // broadcasts to the input, from the last size on
};

struct PadSequencesArguments {
  TensorView values;  // [sum of lengths, ..]: the sequences, one behind the other
  std::vector<std::int64_t> lengths;
  std::span<const std::byte> padding_value = {};  // one element; none: zero
  bool time_major = false;
  MaskType mask_type = MaskType::kFloat32;  // or kUint8
  std::int64_t padded_length = 0;           // T; 0: the longest
};

// Of PadSequences; the first two sizes change places where it is time-major.
struct PaddedTensors {
  Tensor padded;  // [B, T, ..]
  Tensor mask;    // [B, T], 1 where a step is real
};

struct MaskedNllLossArguments {
  TensorView scores;  // [.., V]
  TensorView target;  // [..], int64 or int32, in [0, V) where the mask is 1
  TensorView mask;    // [..]
  ScoreKind kind = ScoreKind::kProbabilities;
};

struct MaskedReconstructionLossArguments {
  TensorView prediction;  // [N, L, P]
  TensorView target;      // [N, L, P], or an image [N, C, H, W] or [N, H, W, C]
  TensorView mask;        // [N, L], 1 is removed
  ImageLayout target_layout = ImageLayout::kTokens;
  std::int64_t patch_size = 0;    // of an image
  bool normalize_target = false;  // by each patch's mean and variance
};

// Thread-safe: calls may overlap.
//
// Calls return the status of the RPC as tensor_service.proto states it (one that
// the shapes alone decide without a round trip), INVALID_ARGUMENT if data is not
// of the size of its shape, RESOURCE_EXHAUSTED if a message is larger than this
// client or the server takes, and INTERNAL if the server answered with something
// else than was asked for. They are tried again as those of MaskingClient, and
// return when no tensor is in use any more.
class TensorClient {
 public:
  // Calls are on one connection: `connections` is not read. Those of
  // `stream_from_bytes` or more are streamed, and may be of any size that the
  // server has room for.
  using Options = MaskingClient::Options;

  // As MaskingClient::Connect.
  static absl::StatusOr<std::unique_ptr<TensorClient>> Connect(const std::string& address,
                                                               const Options& options);

  // On a channel of the caller's, such as an in-process one.
  TensorClient(std::shared_ptr<grpc::Channel> channel, const Options& options);

  ~TensorClient();

  // Returns [N, P + L, ..]: the kept tokens where ids_restore says they were, the
  // fill elsewhere. A row that is no permutation is INVALID_ARGUMENT.
  absl::StatusOr<Tensor> RestoreTokens(const RestoreTokensArguments& arguments,
                                       const CallLimits& limits = {});

  // Returns input[.., index[.., j, ..], ..], places along dim, of the shape of the
  // index and what that lacks of the input's. An index that is not in [0, size
  // along dim) is INVALID_ARGUMENT, here and below.
  absl::StatusOr<Tensor> Gather(const GatherArguments& arguments, const CallLimits& limits = {});

  // Returns the input where [.., index[.., j, ..], ..] is src[.., j, ..]; the last
  // in row-major order wins.
  absl::StatusOr<Tensor> Scatter(const ScatterArguments& arguments, const CallLimits& limits = {});

  // The same, adding, in row-major order.
  absl::StatusOr<Tensor> ScatterAdd(const ScatterArguments& arguments, const CallLimits& limits = {});

  // Returns the elements of the input where the mask is 1, in row-major order, as
  // [count].
  absl::StatusOr<Tensor> MaskedSelect(const MaskedSelectArguments& arguments, const CallLimits& limits = {});

  // Lengths that do not add up to the steps of `values` are INVALID_ARGUMENT.
  absl::StatusOr<PaddedTensors> PadSequences(const PadSequencesArguments& arguments,
                                             const CallLimits& limits = {});

  // Returns the mean of -log p[target] over positions whose mask is 1, and their
  // number. None at all, and a target out of [0, V), are INVALID_ARGUMENT.
  absl::StatusOr<MaskedMean> MaskedNllLoss(const MaskedNllLossArguments& arguments,
                                           const CallLimits& limits = {});

  // Returns the mean over removed tokens of the mean of (prediction - target)^2,
  // and the number of those. None at all is INVALID_ARGUMENT.
  absl::StatusOr<MaskedMean> MaskedReconstructionLoss(const MaskedReconstructionLossArguments& arguments,
                                                      const CallLimits& limits = {});

 private:
  TensorClient(std::unique_ptr<Connection> connection, const Options& options);

  absl::StatusOr<Tensor> ScatterBy(const TensorOperation& operation, const ScatterArguments& arguments,
                                   const CallLimits& limits);

  // Sends `request`, whose results have `result_bytes`, and has `take` look at the
  // response.
  absl::Status Call(const TensorOperation& operation, TensorMessage& request, std::int64_t result_bytes,
                    const CallLimits& limits, const std::function<absl::Status(ReceivedTensors&)>& take);
  // For a response that has one tensor, of `form`, as field 1.
  template <typename Response>
  absl::StatusOr<Tensor> CallForTensor(const TensorOperation& operation, TensorMessage& request,
                                       const TensorForm& form, const auto& tensor_of,
                                       const CallLimits& limits);
  template <typename Response>
  absl::StatusOr<MaskedMean> CallForMean(const TensorOperation& operation, TensorMessage& request,
                                         std::int64_t mask_count, const CallLimits& limits);

  const Options options_;
  const std::unique_ptr<Connection> connection_;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_TENSOR_CLIENT_H_
