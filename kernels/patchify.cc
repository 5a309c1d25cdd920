#include "kernels/patchify.h"

#include <cstring>

namespace maskd {
namespace {

// Calls move(offset in the image, offset in the token, bytes) for each line of
// pixels of patch `index`.
template <typename Move>
void ForLines(const PatchGrid& grid, std::int64_t index, const Move& move) {
  const std::int64_t top = index / grid.columns() * grid.patch_size;
  const std::int64_t left = index % grid.columns() * grid.patch_size;
  const std::int64_t line_bytes = grid.patch_size * grid.pixel_bytes;
  for (std::int64_t y = 0; y < grid.patch_size; ++y) {
    move(((top + y) * grid.width + left) * grid.pixel_bytes, y * line_bytes,
         static_cast<std::size_t>(line_bytes));
  }
}

}  // namespace

void Patchify(const PatchGrid& grid, const std::byte* image, std::byte* tokens) {
  for (std::int64_t index = 0; index < grid.sequence_length(); ++index) {
    std::byte* const token = tokens + index * grid.token_bytes();
    ForLines(grid, index, [&](std::int64_t in_image, std::int64_t in_token, std::size_t bytes) {
      std::memcpy(token + in_token, image + in_image, bytes);
    });
  }
}

void Unpatchify(const PatchGrid& grid, const std::byte* token, std::int64_t index, std::byte* image) {
  ForLines(grid, index, [&](std::int64_t in_image, std::int64_t in_token, std::size_t bytes) {
    std::memcpy(image + in_image, token + in_token, bytes);
  });
}

}  // namespace maskd
