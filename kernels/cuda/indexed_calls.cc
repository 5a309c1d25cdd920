#include "kernels/cuda/indexed_calls.h"

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/cuda_status.h"
#include "kernels/cuda/move_indexed.h"
#include "kernels/masking_plan.h"
#include "kernels/status_macros.h"
#include "kernels/value_errors.h"

namespace maskd {
namespace {

constexpr std::int64_t kPlaceBytes = sizeof(std::int64_t);

// The distances of places along each dimension of `shape`, row-major.
Shape StridesOf(const Shape& shape) {
  Shape strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    strides[d] = stride;
    stride *= shape[d];
  }
  return strides;
}

// `values` is where the index will be on the device.
DeviceIndex DeviceIndexOf(const IndexPlan& plan, const std::byte* values) {
  Shape strides = StridesOf(plan.input_shape);
  const std::int64_t dim_stride = strides[plan.dim];
  strides[plan.dim] = 0;
  return {.values = values,
          .type = plan.index_type,
          .index_count = plan.index_count,
          .input_count = plan.input_count,
          .size_along_dim = plan.input_shape[plan.dim],
          .dim_stride = dim_stride,
          .places = StridedPlaces(plan.index_shape, strides),
          .row_bytes = plan.element_bytes};
}

// The arrays of the host that gather, scatter and scatter_add move between.
struct IndexedArrays {
  const char* launch;  // what moves them, for errors
  const std::byte* index;
  const std::byte* from;
  std::int64_t from_bytes;
  std::byte* to;
  std::int64_t to_bytes;
  bool reads_to;
  // Of scratch memory on the device; null if it takes none.
  cudaError_t (*get_scratch_bytes)(const DeviceIndex& index, std::size_t* bytes);
};

// The same on the device.
struct IndexedOperands {
  const std::byte* from;
  std::byte* to;
  std::byte* scratch;
  std::size_t scratch_bytes;
  cudaStream_t stream;
};

// Calls move(index, operands), which enqueues, with all on the device.
template <typename Move>
absl::Status RunIndexed(DeviceCaller& device, const IndexPlan& plan, const IndexedArrays& arrays,
                        const Move& move) {
  if (plan.index_count == 0) return absl::OkStatus();
  // Rows without bytes do not move, and there may be any number of them.
  const bool moves = plan.element_bytes > 0;
  std::int64_t first_bad = -1;
  const auto work = [&](DeviceCall& call) -> absl::Status {
    const DeviceArray bad = call.Add(kPlaceBytes);
    const DeviceArray ids = call.Add(plan.index_count * IdBytes(plan.index_type));
    const DeviceArray from = call.Add(arrays.from_bytes);
    const DeviceArray to = call.Add(arrays.to_bytes);
    std::size_t scratch_bytes = 0;
    if (moves && arrays.get_scratch_bytes != nullptr) {
      MASKD_RETURN_IF_CUDA_ERROR("scratch memory",
                                 arrays.get_scratch_bytes(DeviceIndexOf(plan, nullptr), &scratch_bytes));
    }
    const DeviceArray scratch = call.Add(static_cast<std::int64_t>(scratch_bytes));
    MASKD_RETURN_IF_ERROR(call.Reserve());
    MASKD_RETURN_IF_ERROR(call.CopyIn(ids, arrays.index));
    MASKD_RETURN_IF_ERROR(call.CopyIn(from, arrays.from));
    if (arrays.reads_to) MASKD_RETURN_IF_ERROR(call.CopyIn(to, arrays.to));
    const DeviceIndex on_device = DeviceIndexOf(plan, call.At(ids));
    MASKD_RETURN_IF_CUDA_ERROR("LaunchCheckIndex",
                               LaunchCheckIndex(on_device, call.At<std::int64_t>(bad), call.stream()));
    MASKD_RETURN_IF_ERROR(call.CopyOut(bad, &first_bad));
    if (!moves) return absl::OkStatus();
    MASKD_RETURN_IF_CUDA_ERROR(arrays.launch,
                               move(on_device, IndexedOperands{call.At(from), call.At(to), call.At(scratch),
                                                               scratch_bytes, call.stream()}));
    return call.CopyOut(to, arrays.to);
  };
  MASKD_RETURN_IF_ERROR(device.Run(work));
  return IndexError(plan, arrays.index, first_bad);
}

}  // namespace

absl::Status GatherOnDevice(DeviceCaller& device, const IndexPlan& plan, const std::byte* input,
                            const std::byte* index, std::byte* output) {
  const IndexedArrays arrays = {.launch = "LaunchGather",
                                .index = index,
                                .from = input,
                                .from_bytes = plan.input_bytes(),
                                .to = output,
                                .to_bytes = plan.moved_bytes(),
                                .reads_to = false,
                                .get_scratch_bytes = nullptr};
  return RunIndexed(device, plan, arrays, [](const DeviceIndex& on_device, const IndexedOperands& at) {
    return LaunchGather(on_device, at.from, at.to, at.stream);
  });
}

absl::Status ScatterOnDevice(DeviceCaller& device, const IndexPlan& plan, const std::byte* index,
                             const std::byte* src, std::byte* output) {
  const IndexedArrays arrays = {.launch = "LaunchScatter",
                                .index = index,
                                .from = src,
                                .from_bytes = plan.moved_bytes(),
                                .to = output,
                                .to_bytes = plan.input_bytes(),
                                .reads_to = true,
                                .get_scratch_bytes = GetScatterScratchBytes};
  return RunIndexed(device, plan, arrays, [](const DeviceIndex& on_device, const IndexedOperands& at) {
    return LaunchScatter(on_device, at.from, at.scratch, at.scratch_bytes, at.to, at.stream);
  });
}

absl::Status ScatterAddOnDevice(DeviceCaller& device, const IndexPlan& plan, FloatType type,
                                const std::byte* index, const std::byte* src, std::byte* output) {
  const IndexedArrays arrays = {.launch = "LaunchScatterAdd",
                                .index = index,
                                .from = src,
                                .from_bytes = plan.moved_bytes(),
                                .to = output,
                                .to_bytes = plan.input_bytes(),
                                .reads_to = true,
                                .get_scratch_bytes = GetScatterAddScratchBytes};
  return RunIndexed(device, plan, arrays, [=](const DeviceIndex& on_device, const IndexedOperands& at) {
    return LaunchScatterAdd(on_device, type, at.from, at.scratch, at.scratch_bytes, at.to, at.stream);
  });
}

}  // namespace maskd
