// The golden files through a server, over every transport, from every backend.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "tests/contract/backend_fixture.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/golden/golden_files.h"

namespace maskd {
namespace {

using ::testing::Combine;
using ::testing::Values;
using ::testing::ValuesIn;

using Parameters = std::tuple<Backend, Transport, GoldenCase>;

class GoldenTest : public ::testing::TestWithParam<Parameters> {};

template <typename T>
std::vector<std::vector<double>> Rows(const std::string& bytes, std::int64_t rows) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  const auto width = static_cast<std::ptrdiff_t>(values.size()) / rows;
  std::vector<std::vector<double>> result;
  for (std::int64_t n = 0; n < rows; ++n) {
    result.emplace_back(values.begin() + n * width, values.begin() + (n + 1) * width);
  }
  return result;
}

TEST_P(GoldenTest, EveryHashAndEveryArray) {
  const auto& [backend, transport, golden] = GetParam();
  std::unique_ptr<Masker> masker = MakeOrSkip(backend);
  if (masker == nullptr) return;
  const std::string backend_name = masker->backend();
  const ServedMasker served(std::move(masker), transport);
  grpc::ClientContext context;
  v1::RandomMaskingResponse response;
  const grpc::Status status = served.stub().RandomMasking(&context, golden.request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();

  const v1::Masking& masking = response.masking();
  EXPECT_EQ(masking.num_keep(), golden.num_keep);
  EXPECT_EQ(masking.backend(), backend_name);
  const std::map<std::string, std::string> bytes = {{"kept_tokens", response.kept_tokens()},
                                                    {"mask", masking.mask().data()},
                                                    {"ids_restore", masking.ids_restore().data()},
                                                    {"ids_keep", masking.ids_keep().data()},
                                                    {"noise", masking.noise().data()}};
  ASSERT_GE(golden.sha256.size(), 2u);
  for (const auto& [name, hash] : golden.sha256) EXPECT_EQ(Sha256(bytes.at(name)), hash) << name;

  const std::int64_t rows = golden.request.layout().batch_size();
  for (const auto& [name, array] : golden.arrays) {
    const bool is_float = name == "noise" || name == "mask";
    EXPECT_EQ(is_float ? Rows<float>(bytes.at(name), rows) : Rows<std::int64_t>(bytes.at(name), rows), array)
        << name;
  }
  const auto ids_keep = Rows<std::int64_t>(bytes.at("ids_keep"), rows);
  ASSERT_FALSE(golden.keep_head.empty());
  for (std::size_t n = 0; n < golden.keep_head.size(); ++n) {
    ASSERT_LE(golden.keep_head[n].size(), ids_keep[n].size());
    EXPECT_TRUE(std::equal(golden.keep_head[n].begin(), golden.keep_head[n].end(), ids_keep[n].begin())) << n;
  }
}

std::string GoldenName(const ::testing::TestParamInfo<Parameters>& info) {
  return std::get<Backend>(info.param).name + "_" + TransportName(std::get<Transport>(info.param)) + "_" +
         std::get<GoldenCase>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTest,
                         Combine(ValuesIn(BackendsUnderTest()),
                                 Values(Transport::kInProcess, Transport::kLoopback),
                                 ValuesIn(ReadGoldenCases())),
                         GoldenName);

TEST(GoldenFilesTest, HaveTheirCases) { EXPECT_GE(ReadGoldenCases().size(), 13u); }

}  // namespace
}  // namespace maskd
