#include "client/maskctl/panels.h"

#include <algorithm>
#include <cstring>

namespace maskd {
namespace {

constexpr std::byte kRemoved{128};
constexpr std::byte kPaper{255};
constexpr std::int64_t kGutter = 12;  // pixels

Picture Blank(std::int64_t height, std::int64_t width, std::byte shade) {
  return {.height = height,
          .width = width,
          .pixels = std::vector<std::byte>(static_cast<std::size_t>(height * width * kRgbBytes), shade)};
}

// Copies `from`, whose rectangle at (top, left) has the size of `to` or less,
// to (to_top, to_left) of `to`.
void CopyRectangle(const Picture& from, std::int64_t top, std::int64_t left, std::int64_t height,
                   std::int64_t width, Picture& to, std::int64_t to_top, std::int64_t to_left) {
  for (std::int64_t y = 0; y < height; ++y) {
    std::memcpy(&to.pixels[static_cast<std::size_t>(((to_top + y) * to.width + to_left) * kRgbBytes)],
                &from.pixels[static_cast<std::size_t>(((top + y) * from.width + left) * kRgbBytes)],
                static_cast<std::size_t>(width * kRgbBytes));
  }
}

}  // namespace

Picture CropToPatches(const Picture& picture, std::int64_t patch_size) {
  const std::int64_t height = picture.height / patch_size * patch_size;
  const std::int64_t width = picture.width / patch_size * patch_size;
  Picture cropped = Blank(height, width, kPaper);
  CopyRectangle(picture, (picture.height - height) / 2, (picture.width - width) / 2, height, width, cropped,
                0, 0);
  return cropped;
}

Picture DrawPanels(const Picture& original, const MaskedPicture& masked) {
  const PatchGrid& grid = masked.grid;
  Picture in_place = Blank(grid.height, grid.width, kRemoved);
  for (std::int64_t l = 0; l < grid.sequence_length(); ++l) {
    if (masked.mask[static_cast<std::size_t>(l)] != 0) continue;
    const std::int64_t k = masked.ids_restore[static_cast<std::size_t>(l)];
    Unpatchify(grid, &masked.kept_tokens[static_cast<std::size_t>(k * grid.token_bytes())], l,
               in_place.pixels.data());
  }
  Picture packed = Blank(grid.height, grid.width, kPaper);
  const auto num_keep = static_cast<std::int64_t>(masked.kept_tokens.size()) / grid.token_bytes();
  for (std::int64_t k = 0; k < num_keep; ++k) {
    Unpatchify(grid, &masked.kept_tokens[static_cast<std::size_t>(k * grid.token_bytes())], k,
               packed.pixels.data());
  }

  Picture panels = Blank(grid.height, 3 * grid.width + 2 * kGutter, kPaper);
  std::int64_t left = 0;
  for (const Picture* panel :
       {&original, static_cast<const Picture*>(&in_place), static_cast<const Picture*>(&packed)}) {
    CopyRectangle(*panel, 0, 0, grid.height, grid.width, panels, 0, left);
    left += grid.width + kGutter;
  }
  return panels;
}

}  // namespace maskd
