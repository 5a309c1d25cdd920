#include "kernels/cuda/masked_select.h"

#include <algorithm>
#include <cstdint>
#include <cub/device/device_scan.cuh>

#include "kernels/cuda/block_sum.cuh"
#include "kernels/cuda/grid_stride.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/note_first.cuh"
#include "kernels/load_element.h"

namespace maskd {
namespace {

constexpr unsigned kBlockThreads = 256;
constexpr int kThreadElements = 16;  // one behind the other
constexpr std::int64_t kTileElements = std::int64_t{kBlockThreads} * kThreadElements;
constexpr std::int64_t kMaxBlocks = std::int64_t{1} << 20;

__global__ void __launch_bounds__(kStrideThreads)
    NoteNotBoolean(const DeviceMask mask, std::int64_t* first_bad) {
  for (GridStride at(mask.mask_count); at.more(); at.Next()) {
    const float value = LoadBoolean(mask.type, mask.values, at.i());
    if (value != 0 && value != 1) NoteFirst(first_bad, at.i());
  }
}

// Bit i is set if element first + i is selected.
__device__ std::uint32_t SelectedFrom(const DeviceMask& mask, std::int64_t first) {
  std::uint32_t bits = 0;
  for (int i = 0; i < kThreadElements && first + i < mask.count; ++i) {
    if (IsOne(mask.type, mask.values, mask.places.At(first + i))) bits |= 1u << i;
  }
  return bits;
}

// Calls visit(tile, first element of this thread, whether any of them is selected,
// number of selected ones of the tile before them) for the tiles of this block.
template <typename Visit>
__device__ void ForTiles(const DeviceMask& mask, std::int64_t tiles, const Visit& visit) {
  for (std::int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    const std::int64_t first = tile * kTileElements + std::int64_t{threadIdx.x} * kThreadElements;
    const std::uint32_t bits = SelectedFrom(mask, first);
    visit(tile, first, bits, BlockExclusiveSum(static_cast<std::uint32_t>(__popc(bits))));
    __syncthreads();
  }
}

__global__ void __launch_bounds__(kBlockThreads)
    CountTiles(const DeviceMask mask, std::int64_t tiles, std::int64_t* counts) {
  ForTiles(mask, tiles, [&](std::int64_t tile, std::int64_t, std::uint32_t bits, std::uint32_t before) {
    if (threadIdx.x == kBlockThreads - 1) counts[tile] = before + static_cast<std::uint32_t>(__popc(bits));
  });
}

template <typename Word>
__global__ void __launch_bounds__(kBlockThreads)
    SelectTilesOf(const DeviceMask mask, std::int64_t tiles, const std::int64_t* tile_starts,
                  const Word* input, int element_words, Word* selected) {
  ForTiles(mask, tiles, [&](std::int64_t tile, std::int64_t first, std::uint32_t bits, std::uint32_t before) {
    std::int64_t to = (tile_starts[tile] + before) * element_words;
    for (int i = 0; i < kThreadElements; ++i) {
      if ((bits >> i & 1u) == 0) continue;
      for (int word = 0; word < element_words; ++word)
        selected[to++] = input[(first + i) * element_words + word];
    }
  });
}

dim3 GridOf(std::int64_t tiles) { return dim3(static_cast<unsigned>(std::min(tiles, kMaxBlocks))); }

template <typename Word>
cudaError_t LaunchSelectWords(const DeviceMask& mask, const std::int64_t* tile_starts, const std::byte* input,
                              std::int64_t element_bytes, std::byte* selected, cudaStream_t stream) {
  const std::int64_t tiles = SelectTiles(mask.count);
  return Launch({.grid = GridOf(tiles), .block = dim3(kBlockThreads)}, stream, SelectTilesOf<Word>, mask,
                tiles, tile_starts, reinterpret_cast<const Word*>(input),
                static_cast<int>(element_bytes / static_cast<std::int64_t>(sizeof(Word))),
                reinterpret_cast<Word*>(selected));
}

cudaError_t SumTiles(void* scratch, std::size_t* scratch_bytes, std::int64_t* tiles, std::int64_t count,
                     cudaStream_t stream) {
  return cub::DeviceScan::ExclusiveSum(scratch, *scratch_bytes, tiles, tiles, count, stream);
}

}  // namespace

cudaError_t LaunchCheckMask(const DeviceMask& mask, std::int64_t* first_bad, cudaStream_t stream) {
  if (const cudaError_t error = ClearFirst(first_bad, stream); error != cudaSuccess) return error;
  if (mask.mask_count == 0) return cudaSuccess;
  return Launch(StrideShape(mask.mask_count), stream, NoteNotBoolean, mask, first_bad);
}

std::int64_t SelectTiles(std::int64_t count) { return (count + kTileElements - 1) / kTileElements; }

cudaError_t GetCountSelectedScratchBytes(std::int64_t count, std::size_t* bytes) {
  return SumTiles(nullptr, bytes, nullptr, SelectTiles(count) + 1, nullptr);
}

cudaError_t LaunchCountSelected(const DeviceMask& mask, std::byte* scratch, std::size_t scratch_bytes,
                                std::int64_t* tile_starts, cudaStream_t stream) {
  const std::int64_t tiles = SelectTiles(mask.count);
  if (const cudaError_t error = cudaMemsetAsync(tile_starts + tiles, 0, sizeof(*tile_starts), stream);
      error != cudaSuccess) {
    return error;
  }
  if (tiles == 0) return cudaSuccess;
  if (const cudaError_t error = Launch({.grid = GridOf(tiles), .block = dim3(kBlockThreads)}, stream,
                                       CountTiles, mask, tiles, tile_starts);
      error != cudaSuccess) {
    return error;
  }
  return SumTiles(scratch, &scratch_bytes, tile_starts, tiles + 1, stream);
}

cudaError_t LaunchMaskedSelect(const DeviceMask& mask, const std::int64_t* tile_starts,
                               const std::byte* input, std::int64_t element_bytes, std::byte* selected,
                               cudaStream_t stream) {
  if (mask.count == 0) return cudaSuccess;
  const auto launch = [&]<typename Word>(Word) {
    return LaunchSelectWords<Word>(mask, tile_starts, input, element_bytes, selected, stream);
  };
  if (element_bytes % 16 == 0) return launch(uint4{});
  if (element_bytes % 8 == 0) return launch(uint2{});
  if (element_bytes % 4 == 0) return launch(0u);
  if (element_bytes % 2 == 0) return launch(static_cast<unsigned short>(0));
  return launch(static_cast<unsigned char>(0));
}

}  // namespace maskd
