#include "tests/benchmark/masker/expected_results.h"

#include "tests/benchmark/masker/check.h"

namespace maskd::bench {

MaskingSpec SpecOf(const BatchShape& shape) {
  MaskingSpec spec{.batch_size = shape.batch_size,
                   .sequence_length = shape.sequence_length,
                   .num_keep = shape.num_keep,
                   .seed = kSeed,
                   .epoch = kEpoch,
                   .selection = {.mask = true, .ids_restore = true}};
  if (shape.token_bytes > 0) {
    spec.token_type = TokenType{.token_dim = shape.token_bytes / 4, .element_bytes = 4};
    spec.selection.kept_tokens = true;
  }
  return spec;
}

ExpectedResults MaskOnCpu(Masker& cpu, const BatchShape& shape) {
  MaskingSpec spec = SpecOf(shape);
  spec.token_type.reset();
  spec.selection.kept_tokens = false;
  spec.selection.ids_keep = true;
  const absl::StatusOr<MaskingPlan> plan = MakeMaskingPlan(spec);
  Check(plan.status());
  ExpectedResults results;
  results.ids_restore.resize(static_cast<std::size_t>(shape.batch_size * shape.sequence_length));
  results.mask.resize(results.ids_restore.size());
  results.ids_keep.resize(static_cast<std::size_t>(shape.batch_size * shape.num_keep));
  Check(cpu.Mask(*plan, {.mask = reinterpret_cast<std::byte*>(results.mask.data()),
                         .ids_restore = reinterpret_cast<std::byte*>(results.ids_restore.data()),
                         .ids_keep = reinterpret_cast<std::byte*>(results.ids_keep.data())}));
  return results;
}

}  // namespace maskd::bench
