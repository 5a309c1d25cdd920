// Cases of the losses, and what each has to give, to the bit: in double, in the
// order of docs/semantics.md.
#ifndef MASKD_TESTS_TENSOR_LOSS_CASES_H_
#define MASKD_TESTS_TENSOR_LOSS_CASES_H_

#include <cstdint>
#include <ostream>
#include <vector>

#include "kernels/tensor_ops.h"
#include "tests/tensor/array_bytes.h"
#include "tests/tensor/random_source.h"

namespace maskd {

struct NllCase {
  Shape scores_shape;  // [.., V]
  FloatType score_type = FloatType::kFloat32;
  ScoreKind kind = ScoreKind::kProbabilities;
  IdsType target_type = IdsType::kInt64;
  BooleanType mask_type = BooleanType::kUint8;

  Bytes scores;
  std::vector<std::int64_t> target;
  std::vector<int> mask;

  // [..].
  Shape positions_shape() const { return {scores_shape.begin(), scores_shape.end() - 1}; }
  absl::StatusOr<NllPlan> Plan() const;

  friend std::ostream& operator<<(std::ostream& out, const NllCase& c);
};

struct ReconstructionCase {
  ReconstructionSpec spec;

  Bytes prediction;
  Bytes target;
  std::vector<int> mask;

  // The target as the prediction has it: `patchify` of facebookresearch/mae.
  std::vector<double> TargetTokens() const;

  friend std::ostream& operator<<(std::ostream& out, const ReconstructionCase& c);
};

// Shapes of every form, arrays empty.
NllCase RandomNllCase(RandomSource& random);
ReconstructionCase RandomReconstructionCase(RandomSource& random);

// Fills the arrays for the shapes. Where the mask is 0 the target is nonsense,
// and scores are NaN.
void Fill(NllCase& c, RandomSource& random);
void Fill(ReconstructionCase& c, RandomSource& random);

void Check(TensorOps& ops, const NllCase& c);
void Check(TensorOps& ops, const ReconstructionCase& c);

}  // namespace maskd

#endif  // MASKD_TESTS_TENSOR_LOSS_CASES_H_
