// Cases of the other operations that move elements, and what each has to give.
#ifndef MASKD_TESTS_TENSOR_MOVE_CASES_H_
#define MASKD_TESTS_TENSOR_MOVE_CASES_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <vector>

#include "kernels/tensor_ops.h"
#include "tests/tensor/array_bytes.h"
#include "tests/tensor/random_source.h"

namespace maskd {

struct RestoreCase {
  Shape kept_shape;  // [N, P + K, ..]
  std::int64_t element_bytes = 0;
  Shape ids_shape;  // [N, L]
  IdsType ids_type = IdsType::kInt64;
  std::int64_t num_prefix = 0;

  Bytes kept;
  std::vector<std::int64_t> ids_restore;
  std::optional<Bytes> fill;

  std::int64_t token_bytes() const;

  friend std::ostream& operator<<(std::ostream& out, const RestoreCase& c);
};

struct SelectCase {
  Shape input_shape;
  std::int64_t element_bytes = 0;
  Shape mask_shape;
  BooleanType mask_type = BooleanType::kUint8;

  Bytes input;
  std::vector<int> mask;

  friend std::ostream& operator<<(std::ostream& out, const SelectCase& c);
};

struct PadCase {
  PadSpec spec;

  Bytes values;
  std::optional<Bytes> padding;

  friend std::ostream& operator<<(std::ostream& out, const PadCase& c);
};

// Shapes of every form; sizes small, some 0. Arrays are empty.
RestoreCase RandomRestoreCase(RandomSource& random);
SelectCase RandomSelectCase(RandomSource& random);
PadCase RandomPadCase(RandomSource& random);

// Fills the arrays for the shapes.
void Fill(RestoreCase& c, RandomSource& random);
void Fill(SelectCase& c, RandomSource& random);
void Fill(PadCase& c, RandomSource& random);

void Check(TensorOps& ops, const RestoreCase& c);
void Check(TensorOps& ops, const SelectCase& c);
void Check(TensorOps& ops, const PadCase& c);

}  // namespace maskd

#endif  // MASKD_TESTS_TENSOR_MOVE_CASES_H_
