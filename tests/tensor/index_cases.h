// Cases of gather, scatter and scatter_add, and what each has to give, computed
// element by element from coordinates.
#ifndef MASKD_TESTS_TENSOR_INDEX_CASES_H_
#define MASKD_TESTS_TENSOR_INDEX_CASES_H_

#include <cstdint>
#include <ostream>
#include <vector>

#include "kernels/tensor_ops.h"
#include "tests/tensor/array_bytes.h"
#include "tests/tensor/random_source.h"

namespace maskd {

struct IndexCase {
  IndexSpec spec;
  std::vector<std::int64_t> index;
  Bytes input;
  Bytes src;

  friend std::ostream& operator<<(std::ostream& out, const IndexCase& c);
};

// Coordinates of element i of a tensor, and back.
Shape CoordinatesOf(const Shape& shape, std::int64_t i);
std::int64_t ElementAt(const Shape& shape, const Shape& coordinates);

// Every rank, dim, type and form; sizes small, some 0.
IndexSpec RandomIndexSpec(RandomSource& random);

// Rows of many cache lines, and an index that chooses most of them.
IndexSpec RandomWideIndexSpec(RandomSource& random);

// An index in range, and bytes.
IndexCase FillIndexCase(const IndexSpec& spec, RandomSource& random);

// The same with numbers of `type`, which element_bytes is set for.
IndexCase FillAddCase(IndexSpec spec, FloatType type, RandomSource& random);

// Shape of the output of gather.
Shape MovedShape(const IndexSpec& spec);

// For each element that moves, the element of the input that is meant.
std::vector<std::int64_t> AddressedElements(const IndexCase& c);

void CheckGather(TensorOps& ops, const IndexCase& c);
void CheckScatter(TensorOps& ops, const IndexCase& c);
void CheckScatterAdd(TensorOps& ops, FloatType type, const IndexCase& c);

}  // namespace maskd

#endif  // MASKD_TESTS_TENSOR_INDEX_CASES_H_
