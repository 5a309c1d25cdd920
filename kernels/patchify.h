// Pictures as tokens and back.
#ifndef MASKD_KERNELS_PATCHIFY_H_
#define MASKD_KERNELS_PATCHIFY_H_

#include <cstddef>
#include <cstdint>

namespace maskd {

// A picture [height, width, pixel_bytes] cut into square patches. Height and
// width are multiples of patch_size; all sizes are >= 1.
struct PatchGrid {
  std::int64_t height;
  std::int64_t width;
  std::int64_t pixel_bytes;
  std::int64_t patch_size;

  std::int64_t rows() const { return height / patch_size; }
  std::int64_t columns() const { return width / patch_size; }
  std::int64_t sequence_length() const { return rows() * columns(); }
  std::int64_t token_bytes() const { return patch_size * patch_size * pixel_bytes; }
};

// image [height, width, pixel_bytes] -> tokens [L, token_bytes]. Patches in
// row-major order; inside a token (row, column, channel), channel fastest, as
// `patchify` of facebookresearch/mae lays them out. Must not overlap.
void Patchify(const PatchGrid& grid, const std::byte* image, std::byte* tokens);

// Writes one token as patch `index` of image [height, width, pixel_bytes].
void Unpatchify(const PatchGrid& grid, const std::byte* token, std::int64_t index, std::byte* image);

}  // namespace maskd

#endif  // MASKD_KERNELS_PATCHIFY_H_
