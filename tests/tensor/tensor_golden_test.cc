// The worked examples of tests/golden/tensor_ops.json, on every backend.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "tests/tensor/array_bytes.h"
#include "tests/tensor/tensor_backends.h"
#include "tests/tensor/tensor_calls.h"

namespace maskd {
namespace {

struct WorkedExample {
  nlohmann::json json;

  std::string name() const { return json.at("name"); }

  friend std::ostream& operator<<(std::ostream& out, const WorkedExample& e) { return out << e.name(); }
};

std::vector<WorkedExample> WorkedExamples() {
  const char* const folder = std::getenv("MASKD_TEST_DATA");
  const std::string path = std::string(folder != nullptr ? folder : MASKD_GOLDEN_DIR) + "/tensor_ops.json";
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<WorkedExample> examples;
  const nlohmann::json cases = nlohmann::json::parse(file).at("cases");
  for (const auto& json : cases) examples.push_back({json});
  return examples;
}

// A tensor as nested lists.
struct Nested {
  Shape shape;
  std::vector<double> values;
};

void Flatten(const nlohmann::json& json, std::size_t depth, Nested& nested) {
  if (!json.is_array()) return nested.values.push_back(json.get<double>());
  if (nested.shape.size() == depth) nested.shape.push_back(std::int64_t(json.size()));
  ASSERT_EQ(nested.shape[depth], std::int64_t(json.size())) << "ragged: " << json;
  for (const auto& part : json) Flatten(part, depth + 1, nested);
}

Nested Read(const nlohmann::json& json) {
  Nested nested;
  Flatten(json, 0, nested);
  return nested;
}

Nested ReadInput(const nlohmann::json& json) {
  if (!json.contains("input_arange")) return Read(json.at("input"));
  Nested nested = {.shape = json.at("input_arange").at("shape"), .values = {}};
  for (int i = 0; i < json.at("input_arange").at("count"); ++i) nested.values.push_back(i);
  return nested;
}

Bytes Ids(const Nested& nested) {
  return BytesOf(std::vector<std::int64_t>(nested.values.begin(), nested.values.end()));
}

// float32, as torch would have them.
Bytes Floats(const Nested& nested) { return FloatsOf(FloatType::kFloat32, nested.values); }

std::vector<float> Values(const Bytes& bytes) { return ValuesOf<float>(bytes); }

void ExpectNear(const std::vector<double>& values, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], tolerance) << i;
}

class TensorGoldenTest : public ::testing::TestWithParam<std::tuple<TensorBackend, WorkedExample>> {
 protected:
  void Gather();
  void Scatter();
  void MaskedSelect();
  void PadSequences();
  void MaskedNllLoss();

  const nlohmann::json json_ = std::get<WorkedExample>(GetParam()).json;
  void SetUp() override { ops_ = MakeOrSkip(std::get<TensorBackend>(GetParam())); }

  std::unique_ptr<TensorOps> ops_;
};

void TensorGoldenTest::Gather() {
  const Nested input = ReadInput(json_);
  const Nested index = Read(json_.at("index"));
  const auto plan = MakeIndexPlan(
      {.input_shape = input.shape, .index_shape = index.shape, .dim = json_.at("dim"), .element_bytes = 4});
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto output = maskd::Gather(*ops_, *plan, 4, Floats(input), Ids(index));
  if (json_.contains("expect_error")) {
    EXPECT_EQ(json_.at("expect_error"), "INVALID_ARGUMENT");
    EXPECT_EQ(output.status().code(), absl::StatusCode::kInvalidArgument) << output.status();
    return;
  }
  ASSERT_TRUE(output.ok()) << output.status();
  const Nested expected = Read(json_.at("expect"));
  EXPECT_EQ(plan->moved_shape, expected.shape);
  EXPECT_EQ(Values(*output), Values(Floats(expected)));
  std::vector<double> negative_logs;
  double negated_sum = 0;
  for (const double value : DoublesOf(FloatType::kFloat32, *output)) {
    negated_sum -= value;
    negative_logs.push_back(-std::log(value));
  }
  if (json_.contains("expect_negated_sum")) {
    EXPECT_NEAR(negated_sum, json_.at("expect_negated_sum"), 1e-6);
  }
  if (json_.contains("expect_negative_log")) {
    ExpectNear(negative_logs, Read(json_.at("expect_negative_log")).values, 1e-6);
  }
}

void TensorGoldenTest::Scatter() {
  const Nested input = ReadInput(json_);
  const Nested index = Read(json_.at("index"));
  const Nested src = Read(json_.at("src"));
  const auto plan = MakeIndexPlan(
      {.input_shape = input.shape, .index_shape = index.shape, .dim = json_.at("dim"), .element_bytes = 4});
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->moved_shape, src.shape);
  const auto output = maskd::Scatter(*ops_, *plan, 4, Floats(input), Ids(index), Floats(src));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(Values(*output), Values(Floats(Read(json_.at("expect")))));
}

void TensorGoldenTest::MaskedSelect() {
  const Nested input = ReadInput(json_);
  const Nested mask = Read(json_.at("mask"));
  const auto plan = MakeSelectPlan(input.shape, 4, mask.shape, BooleanType::kFloat32);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto selected = maskd::MaskedSelect(*ops_, *plan, Floats(input), Floats(mask));
  ASSERT_TRUE(selected.ok()) << selected.status();
  EXPECT_EQ(Values(*selected), Values(Floats(Read(json_.at("expect")))));
}

void TensorGoldenTest::PadSequences() {
  PadSpec spec;
  spec.element_bytes = 4;
  spec.time_major = json_.at("layout") == "time_major";
  Nested values;
  for (const auto& sequence : json_.at("sequences")) {
    spec.lengths.push_back(std::int64_t(sequence.size()));
    for (const auto& value : sequence) values.values.push_back(value);
  }
  spec.values_shape = {std::ssize(values.values)};
  const auto plan = MakePadPlan(spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const Bytes padding = FloatsOf(FloatType::kFloat32, {json_.at("padding_value").get<double>()});
  const PaddedSequences result = maskd::PadSequences(*ops_, *plan, Floats(values), padding);
  const Nested expected = Read(json_.at("expect_padded"));
  EXPECT_EQ(plan->padded_shape, expected.shape);
  EXPECT_EQ(Values(result.padded), Values(Floats(expected)));
  if (!json_.contains("expect_mask")) return;
  const Nested expected_mask = Read(json_.at("expect_mask"));
  EXPECT_EQ(plan->mask_shape, expected_mask.shape);
  EXPECT_EQ(Values(result.mask), Values(Floats(expected_mask)));
}

void TensorGoldenTest::MaskedNllLoss() {
  const Nested probabilities = Read(json_.at("probabilities"));
  const Nested target = Read(json_.at("target"));
  const Nested mask = Read(json_.at("mask"));
  const auto plan = MakeNllPlan(probabilities.shape, FloatType::kFloat32, ScoreKind::kProbabilities,
                                target.shape, IdsType::kInt64, mask.shape, BooleanType::kFloat32);
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto result = NllLoss(*ops_, *plan, Floats(probabilities), Ids(target), Floats(mask));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_NEAR(result->loss, json_.at("expect_loss"), json_.at("tolerance"));
  EXPECT_EQ(result->count, json_.at("expect_count"));
}

TEST_P(TensorGoldenTest, ComesOut) {
  const std::string op = json_.at("op");
  if (op == "gather") return Gather();
  if (op == "scatter") return Scatter();
  if (op == "masked_select") return MaskedSelect();
  if (op == "pad_sequences") return PadSequences();
  if (op == "masked_nll_loss") return MaskedNllLoss();
  FAIL() << "no such operation: " << op;
}

std::string ExampleName(const ::testing::TestParamInfo<TensorGoldenTest::ParamType>& info) {
  return std::get<TensorBackend>(info.param).name + "_" + std::get<WorkedExample>(info.param).name();
}

INSTANTIATE_TEST_SUITE_P(Examples, TensorGoldenTest,
                         ::testing::Combine(::testing::ValuesIn(TensorBackends()),
                                            ::testing::ValuesIn(WorkedExamples())),
                         ExampleName);

TEST(TensorGoldenFileTest, HasItsCases) { EXPECT_EQ(WorkedExamples().size(), 16u); }

}  // namespace
}  // namespace maskd
