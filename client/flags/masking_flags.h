// The flags that say which tokens are kept.
#ifndef MASKD_CLIENT_FLAGS_MASKING_FLAGS_H_
#define MASKD_CLIENT_FLAGS_MASKING_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/masking_spec.h"

namespace maskd {

struct MaskingFlags {
  std::optional<double> mask_ratio;  // 0.75 if num_keep is not set either
  std::optional<std::int64_t> num_keep;
  KeepCountRule keep_rule = KeepCountRule::kKeepTrunc;
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
  std::uint32_t mask_index = 0;
  std::uint64_t first_sample_id = 0;
  KeptOrder order = KeptOrder::kNoise;

  // Returns the option of first_sample_id, which others may exclude.
  CLI::Option* AddTo(CLI::App& command);

  // Sets what the flags say.
  void Apply(MaskingSpec& spec) const;

  // Those that were given, such as "num_keep=49, seed=7".
  std::string Given() const;

 private:
  std::vector<const CLI::Option*> options_;  // of the command
};

}  // namespace maskd

#endif  // MASKD_CLIENT_FLAGS_MASKING_FLAGS_H_
