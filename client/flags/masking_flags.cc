#include "client/flags/masking_flags.h"

#include "client/flags/enum_option.h"
#include "client/flags/whole_number.h"

namespace maskd {
namespace {

constexpr double kDefaultMaskRatio = 0.75;  // the reference's

}  // namespace

CLI::Option* MaskingFlags::AddTo(CLI::App& command) {
  command.add_option("--mask_ratio", mask_ratio, "share of tokens to remove, in [0, 1)")->default_str("0.75");
  command.add_option("--num_keep", num_keep, "tokens to keep; overrides --mask_ratio");
  AddEnumOption<KeepCountRule>(command, "--keep_rule", keep_rule,
                               {{"keep_trunc", KeepCountRule::kKeepTrunc},
                                {"mask_trunc", KeepCountRule::kMaskTrunc},
                                {"mask_ceil", KeepCountRule::kMaskCeil},
                                {"keep_trunc_min_1", KeepCountRule::kKeepTruncMin1}},
                               "how the ratio is rounded");
  command.add_option("--seed", seed, "seed of the masks")->capture_default_str();
  command.add_option("--epoch", epoch, "epoch of the training, below 2^24")->capture_default_str();
  command.add_option("--mask_index", mask_index, "which of several masks of a sample, below 256")
      ->capture_default_str();
  CLI::Option* const first_sample_id_option =
      command.add_option("--first_sample_id", first_sample_id, "id of the first sample; the others count up")
          ->capture_default_str();
  AddEnumOption<KeptOrder>(command, "--order", order,
                           {{"noise", KeptOrder::kNoise}, {"raster", KeptOrder::kRaster}},
                           "order of the kept tokens");
  for (const char* const name : {"--seed", "--epoch", "--mask_index", "--first_sample_id"}) {
    command.get_option(name)->check(CheckWholeNumber);
  }
  for (const char* const name : {"--mask_ratio", "--num_keep", "--keep_rule", "--seed", "--epoch",
                                 "--mask_index", "--first_sample_id", "--order"}) {
    options_.push_back(command.get_option(name));
  }
  return first_sample_id_option;
}

std::string MaskingFlags::Given() const {
  std::string given;
  for (const CLI::Option* const option : options_) {
    if (option->count() == 0) continue;
    given += (given.empty() ? "" : ", ") + option->get_single_name() + "=" + option->results().back();
  }
  return given;
}

void MaskingFlags::Apply(MaskingSpec& spec) const {
  spec.num_keep = num_keep;
  spec.mask_ratio = mask_ratio;
  if (!num_keep.has_value() && !mask_ratio.has_value()) spec.mask_ratio = kDefaultMaskRatio;
  spec.keep_count_rule = keep_rule;
  spec.seed = seed;
  spec.epoch = epoch;
  spec.mask_index = mask_index;
  spec.first_sample_id = first_sample_id;
  spec.selection.kept_order = order;
}

}  // namespace maskd
