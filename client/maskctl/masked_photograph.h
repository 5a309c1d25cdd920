// A picture as tokens that a server has masked.
#ifndef MASKD_CLIENT_MASKCTL_MASKED_PHOTOGRAPH_H_
#define MASKD_CLIENT_MASKCTL_MASKED_PHOTOGRAPH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/flags/masking_flags.h"
#include "client/maskctl/panels.h"
#include "client/maskctl/png_file.h"
#include "client/masking_client.h"
#include "kernels/patchify.h"

namespace maskd {

struct MaskedPhotograph {
  Picture original;  // cropped to whole patches
  PatchGrid grid;    // of it
  MaskedBatch batch;
  std::vector<std::uint8_t> mask;         // [L], 1 is removed
  std::vector<std::int64_t> ids_restore;  // [L], of kept tokens below K

  // Refers to this.
  MaskedPicture view() const;
};

// Reads a PNG, says so if it has to crop it, and masks its patches of 3 bytes a
// pixel.
//
// Returns INVALID_ARGUMENT if the picture is less than one patch, with the name
// of the flag that said its size, and the errors of ReadPng and RandomMasking.
absl::StatusOr<MaskedPhotograph> MaskPhotograph(const std::string& path, const std::string& patch_flag,
                                                std::int64_t patch_size, const MaskingFlags& masking,
                                                MaskingClient& client);

}  // namespace maskd

#endif  // MASKD_CLIENT_MASKCTL_MASKED_PHOTOGRAPH_H_
