#include "client/maskctl/panels.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "kernels/patchify.h"

namespace maskd {
namespace {

// A picture whose bytes are all different from their neighbours'.
Picture CountingPicture(std::int64_t height, std::int64_t width) {
  Picture picture{.height = height, .width = width, .pixels = {}};
  for (std::int64_t i = 0; i < height * width * kRgbBytes; ++i)
    picture.pixels.push_back(std::byte(i * 7 % 251));
  return picture;
}

std::byte PixelOf(const Picture& picture, std::int64_t y, std::int64_t x, std::int64_t channel) {
  return picture.pixels.at(static_cast<std::size_t>((y * picture.width + x) * kRgbBytes + channel));
}

TEST(PatchifyTest, LaysOutTokensAsTheReference) {
  const PatchGrid grid = {.height = 4, .width = 6, .pixel_bytes = 3, .patch_size = 2};
  const Picture picture = CountingPicture(4, 6);
  std::vector<std::byte> tokens(picture.pixels.size());
  Patchify(grid, picture.pixels.data(), tokens.data());
  ASSERT_EQ(grid.sequence_length(), 6);
  // einsum("nchpwq->nhwpqc") of the reference, one index at a time.
  std::size_t at = 0;
  for (std::int64_t h = 0; h < 2; ++h) {
    for (std::int64_t w = 0; w < 3; ++w) {
      for (std::int64_t p = 0; p < 2; ++p) {
        for (std::int64_t q = 0; q < 2; ++q) {
          for (std::int64_t c = 0; c < 3; ++c) {
            EXPECT_EQ(tokens[at++], PixelOf(picture, h * 2 + p, w * 2 + q, c)) << h << w << p << q << c;
          }
        }
      }
    }
  }
}

TEST(PatchifyTest, UnpatchifyPutsEveryTokenBack) {
  const PatchGrid grid = {.height = 15, .width = 20, .pixel_bytes = 3, .patch_size = 5};
  const Picture picture = CountingPicture(15, 20);
  std::vector<std::byte> tokens(picture.pixels.size());
  Patchify(grid, picture.pixels.data(), tokens.data());
  std::vector<std::byte> restored(picture.pixels.size());
  for (std::int64_t l = 0; l < grid.sequence_length(); ++l) {
    Unpatchify(grid, &tokens[static_cast<std::size_t>(l * grid.token_bytes())], l, restored.data());
  }
  EXPECT_EQ(restored, picture.pixels);
}

TEST(CropToPatchesTest, TakesTheMiddle) {
  const Picture cropped = CropToPatches(CountingPicture(11, 13), 4);
  EXPECT_EQ(cropped.height, 8);
  EXPECT_EQ(cropped.width, 12);
  // 3 rows and 1 column too many: 1 row off the top, no column off the left.
  EXPECT_EQ(PixelOf(cropped, 0, 0, 0), PixelOf(CountingPicture(11, 13), 1, 0, 0));
}

TEST(DrawPanelsTest, ShowsKeptPatchesInPlaceAndPacked) {
  const PatchGrid grid = {.height = 4, .width = 4, .pixel_bytes = 3, .patch_size = 2};
  const Picture picture = CountingPicture(4, 4);
  std::vector<std::byte> tokens(picture.pixels.size());
  Patchify(grid, picture.pixels.data(), tokens.data());
  // Patch 3 is kept first, patch 1 second.
  const std::vector<std::uint8_t> mask = {1, 0, 1, 0};
  const std::vector<std::int64_t> ids_restore = {2, 1, 3, 0};
  std::vector<std::byte> kept(tokens.begin() + 36, tokens.begin() + 48);
  kept.insert(kept.end(), tokens.begin() + 12, tokens.begin() + 24);
  const Picture panels =
      DrawPanels(picture, {.grid = grid, .kept_tokens = kept, .mask = mask, .ids_restore = ids_restore});
  ASSERT_EQ(panels.height, 4);
  const std::int64_t gutter = (panels.width - 12) / 2;
  const std::int64_t middle = 4 + gutter;
  const std::int64_t right = middle + 4 + gutter;
  for (std::int64_t y = 0; y < 4; ++y) {
    for (std::int64_t x = 0; x < 4; ++x) {
      EXPECT_EQ(PixelOf(panels, y, x, 1), PixelOf(picture, y, x, 1)) << y << " " << x;
      const bool is_kept = x >= 2;  // patches 1 and 3
      EXPECT_EQ(PixelOf(panels, y, middle + x, 1), is_kept ? PixelOf(picture, y, x, 1) : std::byte{128})
          << y << " " << x;
      // Packed: patch 3 then patch 1 in the first row of patches, paper below.
      const std::byte packed = y >= 2  ? std::byte{255}
                               : x < 2 ? PixelOf(picture, y + 2, x + 2, 1)
                                       : PixelOf(picture, y, x, 1);
      EXPECT_EQ(PixelOf(panels, y, right + x, 1), packed) << y << " " << x;
    }
  }
}

}  // namespace
}  // namespace maskd
