// Pictures of a masking, for people.
#ifndef MASKD_CLIENT_MASKCTL_PANELS_H_
#define MASKD_CLIENT_MASKCTL_PANELS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "client/maskctl/png_file.h"
#include "kernels/patchify.h"

namespace maskd {

// One masked picture of L patches, as the server returned it.
struct MaskedPicture {
  PatchGrid grid;                             // of the picture, 3 bytes a pixel
  std::span<const std::byte> kept_tokens;     // [K, token_bytes]
  std::span<const std::uint8_t> mask;         // [L], 1 is removed
  std::span<const std::int64_t> ids_restore;  // [L]
};

// The middle of `picture`, cropped to whole patches. Both sides must be at
// least patch_size.
Picture CropToPatches(const Picture& picture, std::int64_t patch_size);

// Three panels side by side: `original`; the kept patches at their places and
// grey where one was removed; the kept patches alone, packed in the order in
// which an encoder gets them. Both right panels are drawn from what the server
// returned, none from the original.
Picture DrawPanels(const Picture& original, const MaskedPicture& masked);

// Four panels side by side, with labels above them: `original`; the mask, dark
// where a patch was removed; the kept patches at their places; and
// `restored_tokens` [L, token_bytes] as a picture.
Picture DrawReconstruction(const Picture& original, const MaskedPicture& masked,
                           std::span<const std::byte> restored_tokens);

}  // namespace maskd

#endif  // MASKD_CLIENT_MASKCTL_PANELS_H_
