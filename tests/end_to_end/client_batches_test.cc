// Batches of the client that need several headers, and what is written beside the
// caller's results: nothing.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "client/masking_client.h"
#include "kernels/masker.h"
#include "tests/end_to_end/guarded_call.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

// Both ways of a batch to the server, and one over several connections.
struct Way {
  const char* name;
  MaskingClient::Options options;
};

std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }

class ClientBatchesTest : public ::testing::TestWithParam<Way> {
 protected:
  ServedMasker served_{MakeCpuMasker(2), Transport::kLoopback};
  const std::unique_ptr<MaskingClient> client_ =
      MaskingClient::Connect(served_.address(), GetParam().options).value();
};

// N sequences of L tokens of one byte.
MaskingCase CaseOfShape(std::int64_t batch_size, std::int64_t sequence_length) {
  return {.name = std::to_string(batch_size) + " x " + std::to_string(sequence_length),
          .spec = {.batch_size = batch_size,
                   .sequence_length = sequence_length,
                   .token_type = TokenType{.token_dim = 1, .element_bytes = 1},
                   .num_keep = sequence_length / 2,
                   .selection = kAllResults},
          .sample_ids = {}};
}

MaskingCase WithNoise(MaskingCase masking_case) {
  masking_case.spec.noise_source = NoiseSource::kProvided;
  masking_case.noise_bits = [](std::int64_t element) {
    return static_cast<std::uint32_t>(MixBits(static_cast<std::uint64_t>(element))) & 0xbfffffffu;
  };
  return masking_case;
}

MaskingCase WithIds(MaskingCase masking_case) {
  for (std::int64_t n = 0; n < masking_case.spec.batch_size; ++n)
    masking_case.sample_ids.push_back(MixBits(static_cast<std::uint64_t>(n)));
  return masking_case;
}

TEST_P(ClientBatchesTest, NoiseOfSeveralHeaders) {
  ExpectReferenceResults(*client_, WithNoise(CaseOfShape(201, 4001)));
}

TEST_P(ClientBatchesTest, NoiseOfAlmostAHeaderASample) {
  ExpectReferenceResults(*client_, WithNoise(CaseOfShape(5, 262000)));
}

// No header holds it.
TEST_P(ClientBatchesTest, NoiseOfMoreThanAHeaderASample) {
  ExpectReferenceResults(*client_, WithNoise(CaseOfShape(2, 300000)));
}

TEST_P(ClientBatchesTest, SampleIdsOfSeveralHeaders) {
  ExpectReferenceResults(*client_, WithIds(CaseOfShape(300001, 2)));
}

TEST_P(ClientBatchesTest, NoiseMixedWithThatOfSampleIds) {
  MaskingCase masking_case = WithIds(WithNoise(CaseOfShape(100003, 4)));
  masking_case.spec.seeded_noise_scale = 0.5f;
  masking_case.spec.noise_direction = NoiseDirection::kDescending;
  ExpectReferenceResults(*client_, masking_case);
}

TEST_P(ClientBatchesTest, TorchNoiseOfSeveralParts) {
  MaskingCase masking_case = CaseOfShape(31, 1009);
  masking_case.spec.token_type = TokenType{.token_dim = 129, .element_bytes = 3};
  masking_case.spec.noise_source = NoiseSource::kTorchCpu;
  masking_case.spec.torch_skip = 12345;
  ExpectReferenceResults(*client_, masking_case);
}

TEST_P(ClientBatchesTest, TorchNoiseAfterALongSkip) {
  MaskingCase masking_case = CaseOfShape(7, 5);
  masking_case.spec.noise_source = NoiseSource::kTorchCpu;
  masking_case.spec.torch_skip = (1 << 22) + 1;
  ExpectReferenceResults(*client_, masking_case);
}

TEST_P(ClientBatchesTest, TorchCudaNoiseOfSeveralParts) {
  MaskingCase masking_case = CaseOfShape(31, 1009);
  masking_case.spec.token_type = TokenType{.token_dim = 129, .element_bytes = 3};
  masking_case.spec.noise_source = NoiseSource::kTorchCuda;
  masking_case.spec.torch_cuda = {
      .offset = 8, .multi_processor_count = 3, .max_threads_per_multi_processor = 1536};
  ExpectReferenceResults(*client_, masking_case);
}

// Nothing is written beside results at any alignment (ExpectReferenceResults).
TEST_P(ClientBatchesTest, ResultsOfOddSizesAtAnyAlignment) {
  std::int64_t misalignment = 0;
  for (const auto& cases : {ResultTypeCases(), TokenBytesCases(), LengthCases()}) {
    for (const MaskingCase& masking_case : cases) {
      if (masking_case.spec.token_type.has_value())
        ExpectReferenceResults(*client_, masking_case, ++misalignment % 64);
    }
  }
}

std::string NameOfCase(const ::testing::TestParamInfo<Way>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Ways, ClientBatchesTest,
                         ::testing::Values(Way{"Unary", {.stream_from_bytes = INT64_MAX}},
                                           Way{"Streamed", {.stream_from_bytes = 0}},
                                           Way{"ThreeConnections",
                                               {.stream_from_bytes = 0, .connections = 3}}),
                         NameOfCase);

}  // namespace
}  // namespace maskd
