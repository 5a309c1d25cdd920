#include "tests/tensor/index_cases.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <numeric>

#include "tests/tensor/tensor_calls.h"

namespace maskd {
namespace {

std::size_t DimOf(const IndexSpec& spec) {
  return static_cast<std::size_t>(spec.dim < 0 ? spec.dim + std::ssize(spec.index_shape) : spec.dim);
}

// For each element of the input that is written, the elements of src that are
// meant for it, in their order.
std::map<std::int64_t, std::vector<std::int64_t>> WritersOf(const IndexCase& c) {
  std::map<std::int64_t, std::vector<std::int64_t>> writers;
  std::int64_t i = 0;
  for (const std::int64_t element : AddressedElements(c)) writers[element].push_back(i++);
  return writers;
}

template <typename Sum>
Sum SumOf(std::vector<double> terms) {
  return std::accumulate(terms.begin() + 1, terms.end(), static_cast<Sum>(terms[0]),
                         [](Sum sum, double term) { return sum + static_cast<Sum>(term); });
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const IndexCase& c) {
  return out << "input " << ShapeName(c.spec.input_shape) << " of " << c.spec.element_bytes
             << " bytes, index " << ShapeName(c.spec.index_shape) << " of type "
             << static_cast<int>(c.spec.index_type) << ", dim " << c.spec.dim << ", index_rank "
             << c.spec.index_rank;
}

Shape CoordinatesOf(const Shape& shape, std::int64_t i) {
  Shape coordinates;
  std::int64_t below = Product(shape);
  for (const std::int64_t size : shape) {
    below /= size;
    coordinates.push_back(i / below % size);
  }
  return coordinates;
}

std::int64_t ElementAt(const Shape& shape, const Shape& coordinates) {
  std::int64_t element = 0;
  std::int64_t stride = 1;
  for (std::size_t d = shape.size(); d-- > 0; stride *= shape[d]) element += coordinates[d] * stride;
  return element;
}

IndexSpec RandomIndexSpec(RandomSource& random) {
  IndexSpec spec;
  const std::int64_t rank = random.Between(1, 8);
  spec.input_shape = random.SomeShape(rank);
  if (rank > 1 && random.OneIn(3)) spec.index_rank = random.Between(1, rank - 1);
  const std::int64_t index_rank = spec.index_rank == 0 ? rank : spec.index_rank;
  spec.dim = random.Between(-index_rank, index_rank - 1);
  spec.index_type = random.OneIn(2) ? IdsType::kInt64 : IdsType::kInt32;
  spec.element_bytes = random.SomeElementBytes();
  spec.index_shape.resize(static_cast<std::size_t>(index_rank));
  for (std::size_t d = 0; d < spec.index_shape.size(); ++d) {
    const std::int64_t size = spec.input_shape[d];
    spec.index_shape[d] = random.OneIn(3) ? random.Between(0, size) : size;
    if (d == DimOf(spec)) spec.index_shape[d] = size == 0 ? 0 : random.Between(random.OneIn(20) ? 0 : 1, 7);
  }
  return spec;
}

IndexSpec RandomWideIndexSpec(RandomSource& random) {
  IndexSpec spec;
  spec.input_shape = {random.Between(1, 3), random.Between(1, 9), random.Between(20, 90)};
  spec.dim = random.Between(0, 1);
  spec.index_type = random.OneIn(2) ? IdsType::kInt64 : IdsType::kInt32;
  spec.element_bytes = random.SomeElementBytes();
  spec.index_shape = spec.input_shape;
  spec.index_shape[static_cast<std::size_t>(spec.dim)] = random.Between(1, 9);
  if (random.OneIn(3)) spec.index_shape[2] -= random.Between(1, 19);
  return spec;
}

IndexCase FillIndexCase(const IndexSpec& spec, RandomSource& random) {
  IndexCase c = {.spec = spec, .index = {}, .input = {}, .src = {}};
  const std::int64_t size = spec.input_shape[DimOf(spec)];
  for (std::int64_t i = 0; i < Product(spec.index_shape); ++i) c.index.push_back(random.Between(0, size - 1));
  c.input = random.SomeBytes(Product(spec.input_shape) * spec.element_bytes);
  c.src = random.SomeBytes(Product(MovedShape(spec)) * spec.element_bytes);
  return c;
}

IndexCase FillAddCase(IndexSpec spec, FloatType type, RandomSource& random) {
  spec.element_bytes = FloatBytes(type);
  IndexCase c = FillIndexCase(spec, random);
  c.input = FloatsOf(type, random.SomeNumbers(Product(spec.input_shape)));
  c.src = FloatsOf(type, random.SomeNumbers(Product(MovedShape(spec))));
  return c;
}

Shape MovedShape(const IndexSpec& spec) {
  Shape shape = spec.index_shape;
  shape.insert(shape.end(), spec.input_shape.begin() + std::ssize(shape), spec.input_shape.end());
  return shape;
}

std::vector<std::int64_t> AddressedElements(const IndexCase& c) {
  const Shape moved_shape = MovedShape(c.spec);
  std::vector<std::int64_t> elements;
  for (std::int64_t i = 0; i < Product(moved_shape); ++i) {
    Shape coordinates = CoordinatesOf(moved_shape, i);
    const std::int64_t in_index = ElementAt(c.spec.index_shape, coordinates);
    coordinates[DimOf(c.spec)] = c.index[static_cast<std::size_t>(in_index)];
    elements.push_back(ElementAt(c.spec.input_shape, coordinates));
  }
  return elements;
}

void CheckGather(TensorOps& ops, const IndexCase& c) {
  const auto plan = MakeIndexPlan(c.spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->moved_shape, MovedShape(c.spec));
  Bytes expected;
  for (const std::int64_t element : AddressedElements(c)) {
    Append(expected, Elements(c.input, c.spec.element_bytes, element));
  }
  const auto output = Gather(ops, *plan, c.spec.element_bytes, c.input, IdsOf(c.spec.index_type, c.index));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_TRUE(*output == expected);
}

void CheckScatter(TensorOps& ops, const IndexCase& c) {
  const auto plan = MakeIndexPlan(c.spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  Bytes expected = c.input;
  for (const auto& [element, writers] : WritersOf(c)) {
    const Bytes last = Elements(c.src, c.spec.element_bytes, writers.back());
    std::copy(last.begin(), last.end(), expected.begin() + element * c.spec.element_bytes);
  }
  const auto output =
      Scatter(ops, *plan, c.spec.element_bytes, c.input, IdsOf(c.spec.index_type, c.index), c.src);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_TRUE(*output == expected);
}

void CheckScatterAdd(TensorOps& ops, FloatType type, const IndexCase& c) {
  const auto plan = MakeIndexPlan(c.spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  Bytes expected = c.input;
  for (const auto& [element, writers] : WritersOf(c)) {
    std::vector<double> terms = {LoadFloat(type, c.input.data(), element)};
    for (const std::int64_t i : writers) terms.push_back(LoadFloat(type, c.src.data(), i));
    const double sum =
        type == FloatType::kFloat64 ? SumOf<double>(terms) : static_cast<double>(SumOf<float>(terms));
    const Bytes rounded = FloatsOf(type, {sum});
    std::copy(rounded.begin(), rounded.end(), expected.begin() + element * c.spec.element_bytes);
  }
  const auto output = ScatterAdd(ops, *plan, type, c.input, IdsOf(c.spec.index_type, c.index), c.src);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_TRUE(*output == expected);
}

}  // namespace maskd
