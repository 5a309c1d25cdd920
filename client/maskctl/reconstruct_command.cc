// maskctl reconstruct: a picture in, what is kept of it and what a fill makes of
// the rest as a picture out.
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/flags/enum_option.h"
#include "client/flags/masking_flags.h"
#include "client/maskctl/commands.h"
#include "client/maskctl/masked_photograph.h"
#include "client/maskctl/panels.h"
#include "client/maskctl/png_file.h"
#include "client/tensor_client.h"
#include "kernels/patchify.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

enum class Fill { kGray, kMean };

struct ReconstructFlags {
  ServerFlags server;
  MaskingFlags masking;
  std::string picture;
  std::int64_t patch_size = 16;
  Fill fill{};
  std::string output;
};

// One token: middle grey, or the mean colour of the kept ones.
std::vector<std::byte> FillToken(Fill fill, const PatchGrid& grid, std::span<const std::byte> kept_tokens) {
  std::array<std::int64_t, kRgbBytes> colour = {128, 128, 128};
  const auto pixels = static_cast<std::int64_t>(kept_tokens.size()) / kRgbBytes;
  if (fill == Fill::kMean && pixels > 0) {
    colour = {};
    for (std::size_t i = 0; i < kept_tokens.size(); ++i)
      colour[i % kRgbBytes] += std::to_integer<std::int64_t>(kept_tokens[i]);
    for (std::int64_t& value : colour) value = (value + pixels / 2) / pixels;
  }
  std::vector<std::byte> token(static_cast<std::size_t>(grid.token_bytes()));
  for (std::size_t i = 0; i < token.size(); ++i) token[i] = static_cast<std::byte>(colour[i % kRgbBytes]);
  return token;
}

absl::Status Reconstruct(const ReconstructFlags& flags) {
  MASKD_ASSIGN_OR_RETURN(const auto masking_client, flags.server.Connect());
  MASKD_ASSIGN_OR_RETURN(const auto tensor_client, flags.server.ConnectTensors());
  MASKD_ASSIGN_OR_RETURN(
      const MaskedPhotograph masked,
      MaskPhotograph(flags.picture, "--patch_size", flags.patch_size, flags.masking, *masking_client));
  const PatchGrid& grid = masked.grid;
  const MaskedPicture view = masked.view();
  const std::vector<std::byte> fill = FillToken(flags.fill, grid, view.kept_tokens);
  const Shape kept_shape = {1, masked.batch.num_keep, grid.token_bytes()};
  const Shape ids_shape = {1, grid.sequence_length()};
  const Shape fill_shape = {grid.token_bytes()};
  const TensorView kept = {.form = {.type = ElementType::kUint8, .shape = kept_shape},
                           .data = view.kept_tokens};
  const TensorView ids = {.form = {.type = ElementType::kInt64, .shape = ids_shape},
                          .data = std::as_bytes(view.ids_restore)};
  const TensorView fill_view = {.form = {.type = ElementType::kUint8, .shape = fill_shape}, .data = fill};
  MASKD_ASSIGN_OR_RETURN(
      const Tensor restored,
      tensor_client->RestoreTokens({.kept_tokens = kept, .ids_restore = ids, .fill = fill_view}));
  MASKD_RETURN_IF_ERROR(
      WritePng(flags.output, DrawReconstruction(masked.original, view, restored.view().data)));
  std::cout << flags.output << ": " << masked.batch.num_keep << " of " << grid.sequence_length()
            << " patches kept and put back (" << grid.columns() << " x " << grid.rows() << ", "
            << masked.batch.backend << ")\n";
  return absl::OkStatus();
}

}  // namespace

Command AddReconstructCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "reconstruct",
      "Mask a picture, put the kept patches back, and draw all of it: the photograph, the mask, the kept "
      "patches in place, and the picture restored with a fill.\n\n"
      "Example: maskctl reconstruct photo.png --patch_size=16 --mask_ratio=0.75 --seed=1 --fill=mean "
      "--output=restored.png\n");
  command->option_defaults()->take_last();
  const auto flags = std::make_shared<ReconstructFlags>();
  command->add_option("picture", flags->picture, "a PNG file of any size")->required();
  command->add_option("--patch_size", flags->patch_size, "side of a patch in pixels")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{16384}))
      ->capture_default_str();
  AddEnumOption<Fill>(*command, "--fill", flags->fill, {{"gray", Fill::kGray}, {"mean", Fill::kMean}},
                      "what removed patches become");
  command->add_option("--output", flags->output, "PNG file to write")->required();
  flags->masking.AddTo(*command);
  flags->server.AddTo(*command);
  return [flags] { return Reconstruct(*flags); };
}

}  // namespace maskd
