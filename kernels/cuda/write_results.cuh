// The last stage of ordering on the device: ids and masks in the types that the
// caller asked for.
#ifndef MASKD_KERNELS_CUDA_WRITE_RESULTS_CUH_
#define MASKD_KERNELS_CUDA_WRITE_RESULTS_CUH_

#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/block_sum.cuh"
#include "kernels/cuda/order_tokens.h"

namespace maskd {

__device__ inline void StoreId(IdsType type, void* ids, std::int64_t index, std::uint32_t id) {
  switch (type) {
    case IdsType::kInt64:
      static_cast<std::int64_t*>(ids)[index] = id;
      return;
    case IdsType::kInt32:
      static_cast<std::int32_t*>(ids)[index] = static_cast<std::int32_t>(id);
      return;
    case IdsType::kUint16:
      static_cast<std::uint16_t*>(ids)[index] = static_cast<std::uint16_t>(id);
      return;
  }
}

// Writes that kept token `token` of sequence n has place `rank` < K.
__device__ inline void WriteKept(const OrderTokens& op, std::int64_t n, std::uint32_t rank,
                                 std::uint32_t token) {
  const OrderResults& results = op.results;
  const std::int64_t index = n * op.num_keep + rank;
  if (results.ids_keep != nullptr) StoreId(results.ids_type, results.ids_keep, index, token);
  if (results.keep_index != nullptr) results.keep_index[index] = token;
}

// Writes that removed token `token` of sequence n has place `rank` >= K.
__device__ inline void WriteRemoved(const OrderTokens& op, std::int64_t n, std::uint32_t rank,
                                    std::uint32_t token) {
  const OrderResults& results = op.results;
  if (results.ids_mask == nullptr) return;
  StoreId(results.ids_type, results.ids_mask, n * (op.sequence_length - op.num_keep) + (rank - op.num_keep),
          token);
}

// Writes ids_restore and the mask of a token of sequence n. To be called by
// whole warps, with 32 consecutive tokens of which the first is a multiple of
// 32; those at L and beyond write nothing.
__device__ inline void WriteToken(const OrderTokens& op, std::int64_t n, std::uint32_t token,
                                  std::uint32_t rank) {
  const OrderResults& results = op.results;
  const bool exists = token < op.sequence_length;
  const std::int64_t index = n * op.sequence_length + token;
  if (exists && results.ids_restore != nullptr) StoreId(results.ids_type, results.ids_restore, index, rank);
  if (results.mask == nullptr) return;
  const bool removed = rank >= op.num_keep;
  const bool one = exists && removed == (results.mask_polarity == MaskPolarity::kMaskedIsOne);
  switch (results.mask_type) {
    case MaskType::kFloat32:
      if (exists) static_cast<float*>(results.mask)[index] = one ? 1.0f : 0.0f;
      return;
    case MaskType::kUint8:
      if (exists) static_cast<std::uint8_t*>(results.mask)[index] = one ? 1 : 0;
      return;
    case MaskType::kPackedBits: {
      const unsigned bits = __ballot_sync(kWholeWarp, one);
      const std::int64_t row_bytes = (op.sequence_length + 7) / 8;
      if (exists && token % 8 == 0) {
        static_cast<std::uint8_t*>(results.mask)[n * row_bytes + token / 8] =
            static_cast<std::uint8_t>(bits >> (token % 32));
      }
      return;
    }
  }
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CUDA_WRITE_RESULTS_CUH_
