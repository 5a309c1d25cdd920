// maskctl image: a picture in, its masking as a picture out.
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "client/flags/masking_flags.h"
#include "client/maskctl/commands.h"
#include "client/maskctl/masked_photograph.h"
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

absl::Status MaskPicture(const ImageFlags& flags) {
  MASKD_ASSIGN_OR_RETURN(const auto client, flags.server.Connect());
  MASKD_ASSIGN_OR_RETURN(const MaskedPhotograph masked,
                         MaskPhotograph(flags.picture, "--patch", flags.patch, flags.masking, *client));
  MASKD_RETURN_IF_ERROR(WritePng(flags.out, DrawPanels(masked.original, masked.view())));
  const PatchGrid& grid = masked.grid;
  std::cout << flags.out << ": " << masked.batch.num_keep << " of " << grid.sequence_length()
            << " patches kept (" << grid.columns() << " x " << grid.rows() << ", " << masked.batch.backend
            << ")\n";
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
