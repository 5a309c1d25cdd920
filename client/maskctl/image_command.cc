// maskctl image: a picture in, its masking as a picture out.
#include <cstdint>
#include <cstring>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/maskctl/commands.h"
#include "client/maskctl/masking_flags.h"
#include "client/maskctl/panels.h"
#include "client/maskctl/png_file.h"
#include "kernels/patchify.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

struct ImageFlags {
  ServerFlags server;
  MaskingFlags masking;
  std::string picture;
  std::int64_t patch = 16;
  std::string out;
};

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

absl::Status MaskPicture(const ImageFlags& flags) {
  MASKD_ASSIGN_OR_RETURN(const Picture picture, ReadPng(flags.picture));
  if (picture.height < flags.patch || picture.width < flags.patch) {
    return absl::InvalidArgumentError(absl::StrCat(flags.picture, " has ", picture.width, " x ",
                                                   picture.height,
                                                   " pixels, less than one patch of --patch=", flags.patch));
  }
  const Picture original = CropToPatches(picture, flags.patch);
  if (original.height != picture.height || original.width != picture.width) {
    std::cout << flags.picture << ": cropped from " << picture.width << " x " << picture.height << " to "
              << original.width << " x " << original.height << " pixels, whole patches of " << flags.patch
              << "\n";
  }
  const PatchGrid grid = {.height = original.height,
                          .width = original.width,
                          .pixel_bytes = kRgbBytes,
                          .patch_size = flags.patch};
  std::vector<std::byte> tokens(original.pixels.size());
  Patchify(grid, original.pixels.data(), tokens.data());

  MaskingSpec spec;
  spec.batch_size = 1;
  spec.sequence_length = grid.sequence_length();
  spec.token_type = TokenType{.token_dim = grid.token_bytes(), .element_bytes = 1};
  flags.masking.Apply(spec);
  spec.selection.kept_tokens = true;
  spec.selection.mask = true;
  spec.selection.mask_type = MaskType::kUint8;
  spec.selection.ids_restore = true;
  MASKD_ASSIGN_OR_RETURN(const auto client, flags.server.Connect());
  MASKD_ASSIGN_OR_RETURN(const MaskedBatch batch, client->RandomMasking(spec, tokens));

  const auto mask = ValuesOf<std::uint8_t>(batch.mask);
  const auto ids_restore = ValuesOf<std::int64_t>(batch.ids_restore);
  MASKD_RETURN_IF_ERROR(CheckIds(mask, ids_restore, batch.num_keep));
  const Picture panels = DrawPanels(original, {.grid = grid,
                                               .kept_tokens = std::as_bytes(std::span(batch.kept_tokens)),
                                               .mask = mask,
                                               .ids_restore = ids_restore});
  MASKD_RETURN_IF_ERROR(WritePng(flags.out, panels));
  std::cout << flags.out << ": " << batch.num_keep << " of " << grid.sequence_length() << " patches kept ("
            << grid.columns() << " x " << grid.rows() << ", " << batch.backend << ")\n";
  return absl::OkStatus();
}

}  // namespace

Command AddImageCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "image",
      "Mask a picture and draw original, kept patches in place, and kept patches alone.\n\n"
      "Example: maskctl image photo.png --patch=16 --mask_ratio=0.75 --seed=1 --out=masked.png\n");
  command->option_defaults()->take_last();
  const auto flags = std::make_shared<ImageFlags>();
  command->add_option("picture", flags->picture, "a PNG file of any size")->required();
  command->add_option("--patch", flags->patch, "side of a patch in pixels")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{16384}))
      ->capture_default_str();
  command->add_option("--out", flags->out, "PNG file to write")->required();
  flags->masking.AddTo(*command);
  flags->server.AddTo(*command);
  return [flags] { return MaskPicture(*flags); };
}

}  // namespace maskd
