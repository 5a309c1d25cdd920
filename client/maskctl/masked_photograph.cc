#include "client/maskctl/masked_photograph.h"

#include <cstddef>
#include <cstring>
#include <iostream>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

// The values of `bytes`, which the client has checked to be whole ones.
template <typename Value>
std::vector<Value> ValuesOf(const std::string& bytes) {
  std::vector<Value> values(bytes.size() / sizeof(Value));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// Refuses ids that do not lie in the kept tokens, which a broken server might
// send.
absl::Status CheckIds(const std::vector<std::uint8_t>& mask, const std::vector<std::int64_t>& ids_restore,
                      std::int64_t num_keep) {
  for (std::size_t l = 0; l < mask.size(); ++l) {
    if (mask[l] == 0 && (ids_restore[l] < 0 || ids_restore[l] >= num_keep)) {
      return absl::InternalError(
          absl::StrCat("the server sent ids_restore ", ids_restore[l], " for kept token ", l));
    }
  }
  return absl::OkStatus();
}

}  // namespace

MaskedPicture MaskedPhotograph::view() const {
  return {.grid = grid,
          .kept_tokens = std::as_bytes(std::span(batch.kept_tokens)),
          .mask = mask,
          .ids_restore = ids_restore};
}

absl::StatusOr<MaskedPhotograph> MaskPhotograph(const std::string& path, const std::string& patch_flag,
                                                std::int64_t patch_size, const MaskingFlags& masking,
                                                MaskingClient& client) {
  MASKD_ASSIGN_OR_RETURN(const Picture picture, ReadPng(path));
  if (picture.height < patch_size || picture.width < patch_size) {
    return absl::InvalidArgumentError(absl::StrCat(path, " has ", picture.width, " x ", picture.height,
                                                   " pixels, less than one patch of ", patch_flag, "=",
                                                   patch_size));
  }
  MaskedPhotograph masked;
  masked.original = CropToPatches(picture, patch_size);
  const Picture& original = masked.original;
  if (original.height != picture.height || original.width != picture.width) {
    std::cout << path << ": cropped from " << picture.width << " x " << picture.height << " to "
              << original.width << " x " << original.height << " pixels, whole patches of " << patch_size
              << "\n";
  }
  masked.grid = {
      .height = original.height, .width = original.width, .pixel_bytes = kRgbBytes, .patch_size = patch_size};
  std::vector<std::byte> tokens(original.pixels.size());
  Patchify(masked.grid, original.pixels.data(), tokens.data());

  MaskingSpec spec;
  spec.batch_size = 1;
  spec.sequence_length = masked.grid.sequence_length();
  spec.token_type = TokenType{.token_dim = masked.grid.token_bytes(), .element_bytes = 1};
  masking.Apply(spec);
  spec.selection.kept_tokens = true;
  spec.selection.mask = true;
  spec.selection.mask_type = MaskType::kUint8;
  spec.selection.ids_restore = true;
  MASKD_ASSIGN_OR_RETURN(masked.batch, client.RandomMasking(spec, tokens));
  masked.mask = ValuesOf<std::uint8_t>(masked.batch.mask);
  masked.ids_restore = ValuesOf<std::int64_t>(masked.batch.ids_restore);
  MASKD_RETURN_IF_ERROR(CheckIds(masked.mask, masked.ids_restore, masked.batch.num_keep));
  return masked;
}

}  // namespace maskd
