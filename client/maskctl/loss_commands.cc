// maskctl nll_loss and reconstruction_loss: means over what a mask selects.
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <limits>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "client/flags/enum_option.h"
#include "client/maskctl/commands.h"
#include "client/maskctl/tensor_files.h"
#include "client/tensor_client.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

struct NllFlags {
  ServerFlags server;
  std::string scores;
  std::string target;
  std::string mask;
  ScoreKind kind{};
};

struct ReconstructionFlags {
  ServerFlags server;
  std::string prediction;
  std::string target;
  std::string mask;
  ImageLayout target_layout{};
  std::int64_t patch_size = 0;
  bool normalize_target = false;
};

// With all digits of a double.
void Print(const MaskedMean& mean, const std::string& noun) {
  std::cout << "loss " << std::setprecision(std::numeric_limits<double>::max_digits10) << mean.loss
            << " over " << mean.count << " " << noun << (mean.count == 1 ? "" : "s") << "\n";
}

absl::Status NllLoss(const NllFlags& flags) {
  MASKD_ASSIGN_OR_RETURN(const TensorFile scores, ReadTensor("--scores", flags.scores, TensorUse::kFloats));
  MASKD_ASSIGN_OR_RETURN(const TensorFile target, ReadTensor("--target", flags.target, TensorUse::kIndex));
  MASKD_ASSIGN_OR_RETURN(const TensorFile mask, ReadTensor("--mask", flags.mask, TensorUse::kBoolean));
  MASKD_ASSIGN_OR_RETURN(const auto client, flags.server.ConnectTensors());
  MASKD_ASSIGN_OR_RETURN(
      const MaskedMean mean,
      client->MaskedNllLoss(
          {.scores = scores.view(), .target = target.view(), .mask = mask.view(), .kind = flags.kind}));
  Print(mean, "position");
  return absl::OkStatus();
}

absl::Status ReconstructionLoss(const ReconstructionFlags& flags) {
  MASKD_ASSIGN_OR_RETURN(const TensorFile prediction,
                         ReadTensor("--prediction", flags.prediction, TensorUse::kFloats));
  MASKD_ASSIGN_OR_RETURN(const TensorFile target, ReadTensor("--target", flags.target, TensorUse::kFloats));
  MASKD_ASSIGN_OR_RETURN(const TensorFile mask, ReadTensor("--mask", flags.mask, TensorUse::kBoolean));
  MASKD_ASSIGN_OR_RETURN(const auto client, flags.server.ConnectTensors());
  MASKD_ASSIGN_OR_RETURN(const MaskedMean mean,
                         client->MaskedReconstructionLoss({.prediction = prediction.view(),
                                                           .target = target.view(),
                                                           .mask = mask.view(),
                                                           .target_layout = flags.target_layout,
                                                           .patch_size = flags.patch_size,
                                                           .normalize_target = flags.normalize_target}));
  Print(mean, "token");
  return absl::OkStatus();
}

}  // namespace

Command AddNllLossCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "nll_loss",
      "The mean of -log p[target] over positions whose mask is 1.\n\n"
      "Example: maskctl nll_loss --scores=p.npy --target=t.npy --mask=m.npy --kind=logits\n");
  command->option_defaults()->take_last();
  const auto flags = std::make_shared<NllFlags>();
  AddFileOption(*command, "--scores", flags->scores, "[..., V], float32, float16 or float64")->required();
  AddFileOption(*command, "--target", flags->target, "[...], int64 or int32, in [0, V) where the mask is 1")
      ->required();
  AddFileOption(*command, "--mask", flags->mask, "[...], bool, uint8 or float32, 0 or 1")->required();
  AddEnumOption<ScoreKind>(*command, "--kind", flags->kind,
                           {{"probabilities", ScoreKind::kProbabilities},
                            {"log_probabilities", ScoreKind::kLogProbabilities},
                            {"logits", ScoreKind::kLogits}},
                           "what the scores are");
  flags->server.AddTo(*command);
  return [flags] { return NllLoss(*flags); };
}

Command AddReconstructionLossCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "reconstruction_loss",
      "The loss of a masked autoencoder: the mean over removed patches of the mean of (prediction - "
      "target)^2.\n\n"
      "Examples: maskctl reconstruction_loss --prediction=p.npy --target=t.npy --mask=m.npy "
      "--normalize_target\n"
      "          maskctl reconstruction_loss --prediction=p.npy --target=images.npy --mask=m.npy "
      "--patch_size=16 --target_layout=channels_first\n");
  command->option_defaults()->take_last();
  const auto flags = std::make_shared<ReconstructionFlags>();
  AddFileOption(*command, "--prediction", flags->prediction, "[N, L, P], float32, float16 or float64")
      ->required();
  AddFileOption(*command, "--target", flags->target, "the same, or images of whole patches")->required();
  AddFileOption(*command, "--mask", flags->mask, "[N, L], bool, uint8 or float32; 1 is a removed token")
      ->required();
  command->add_flag("--normalize_target", flags->normalize_target,
                    "compare with patches of mean 0 and variance 1 (norm_pix_loss)");
  CLI::Option* const layout = AddEnumOption<ImageLayout>(*command, "--target_layout", flags->target_layout,
                                                         {{"tokens", ImageLayout::kTokens},
                                                          {"channels_first", ImageLayout::kChannelsFirst},
                                                          {"channels_last", ImageLayout::kChannelsLast}},
                                                         "what the target is");
  CLI::Option* const patch_size =
      command->add_option("--patch_size", flags->patch_size, "side of a patch of an image in pixels")
          ->needs(layout);
  command->callback([flags, patch_size] {
    if (flags->target_layout != ImageLayout::kTokens && patch_size->count() == 0)
      throw CLI::RequiredError("--patch_size, with images as --target_layout,");
  });
  flags->server.AddTo(*command);
  return [flags] { return ReconstructionLoss(*flags); };
}

}  // namespace maskd
