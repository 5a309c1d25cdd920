#include "client/maskctl/panels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/maskctl/lettering.h"

namespace maskd {
namespace {

constexpr std::byte kRemoved{128};
constexpr std::byte kRemovedInMask{70};
constexpr std::byte kKeptInMask{238};
constexpr std::byte kNothing{238};
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

// The kept patches at their places, on a ground of `shade`.
Picture KeptInPlace(const MaskedPicture& masked, std::byte shade) {
  const PatchGrid& grid = masked.grid;
  Picture in_place = Blank(grid.height, grid.width, shade);
  for (std::int64_t l = 0; l < grid.sequence_length(); ++l) {
    if (masked.mask[static_cast<std::size_t>(l)] != 0) continue;
    const std::int64_t k = masked.ids_restore[static_cast<std::size_t>(l)];
    Unpatchify(grid, &masked.kept_tokens[static_cast<std::size_t>(k * grid.token_bytes())], l,
               in_place.pixels.data());
  }
  return in_place;
}

// All of `tokens` [up to L, token_bytes], one after another.
Picture Unpatched(const PatchGrid& grid, std::span<const std::byte> tokens) {
  Picture picture = Blank(grid.height, grid.width, kPaper);
  const auto count = static_cast<std::int64_t>(tokens.size()) / grid.token_bytes();
  for (std::int64_t l = 0; l < count; ++l) {
    Unpatchify(grid, &tokens[static_cast<std::size_t>(l * grid.token_bytes())], l, picture.pixels.data());
  }
  return picture;
}

Picture MaskAsPicture(const MaskedPicture& masked) {
  const PatchGrid& grid = masked.grid;
  Picture picture = Blank(grid.height, grid.width, kKeptInMask);
  const std::vector<std::byte> removed(static_cast<std::size_t>(grid.token_bytes()), kRemovedInMask);
  for (std::int64_t l = 0; l < grid.sequence_length(); ++l) {
    if (masked.mask[static_cast<std::size_t>(l)] != 0)
      Unpatchify(grid, removed.data(), l, picture.pixels.data());
  }
  return picture;
}

// `panels`, of one size, side by side below `top` rows of paper.
Picture SideBySide(std::span<const Picture> panels, std::int64_t top) {
  const std::int64_t height = panels.front().height;
  const std::int64_t width = panels.front().width;
  const auto count = static_cast<std::int64_t>(panels.size());
  Picture all = Blank(top + height, count * width + (count - 1) * kGutter, kPaper);
  std::int64_t left = 0;
  for (const Picture& panel : panels) {
    CopyRectangle(panel, 0, 0, height, width, all, top, left);
    left += width + kGutter;
  }
  return all;
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
  const Picture panels[] = {original, KeptInPlace(masked, kRemoved),
                            Unpatched(masked.grid, masked.kept_tokens)};
  return SideBySide(panels, 0);
}

Picture DrawReconstruction(const Picture& original, const MaskedPicture& masked,
                           std::span<const std::byte> restored_tokens) {
  constexpr absl::string_view kLabels[] = {"photograph", "mask", "kept tokens in place", "restored"};
  constexpr double kMaxXHeight = 13;  // pixels
  const Picture panels[] = {original, MaskAsPicture(masked), KeptInPlace(masked, kNothing),
                            Unpatched(masked.grid, restored_tokens)};
  const auto width = static_cast<double>(masked.grid.width);
  double x_height = kMaxXHeight;
  for (const absl::string_view label : kLabels) x_height = std::min(x_height, width / TextWidth(label, 1));
  const auto top = static_cast<std::int64_t>(3.2 * x_height);
  Picture all = SideBySide(panels, top);
  double center = width / 2;
  for (const absl::string_view label : kLabels) {
    DrawText(label, center, std::round(2 * x_height), x_height, all);
    center += width + static_cast<double>(kGutter);
  }
  return all;
}

}  // namespace maskd
