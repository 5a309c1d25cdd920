// StreamRandomMasking gives the bytes of RandomMasking, however a batch is cut.
// The random test has a fresh seed each run; MASKD_TEST_SEED repeats one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "kernels/masker.h"
#include "tests/contract/masking_case.h"
#include "tests/end_to_end/good_requests.h"
#include "tests/end_to_end/served_masker.h"
#include "tests/end_to_end/streamed_batches.h"

namespace maskd {
namespace {

class StreamTest : public ::testing::TestWithParam<Transport> {
 protected:
  void ExpectSameAsUnary(const v1::RandomMaskingRequest& request, std::size_t chunk_bytes) {
    SCOPED_TRACE("chunks of " + std::to_string(chunk_bytes) + " bytes");
    ExpectUnaryResults(served_.stub(), {request},
                       StreamAll(served_.stub(), MessagesOf(request, chunk_bytes)));
  }

  // In small chunks and in one, if one may have so much.
  void ExpectSameAsUnary(const std::vector<MaskingCase>& cases) {
    for (const MaskingCase& masking_case : cases) {
      if (!masking_case.spec.token_type.has_value()) continue;
      SCOPED_TRACE(masking_case.name);
      const v1::RandomMaskingRequest request = RequestOf(PreparedCase(masking_case));
      ExpectSameAsUnary(request, 1 + request.tokens().size() / 7);
      ExpectSameAsUnary(request, std::min<std::size_t>(request.tokens().size(), kMaxChunkBytes));
    }
  }

  ServedMasker served_{MakeCpuMasker(2), GetParam()};
};

// ---- Cuts.

TEST_P(StreamTest, ChunksOfOneByte) { ExpectSameAsUnary(GoodRandomMasking(), 1); }
TEST_P(StreamTest, ChunksOfSevenBytes) { ExpectSameAsUnary(GoodRandomMasking(), 7); }
TEST_P(StreamTest, ChunksOfARowAndAHalf) { ExpectSameAsUnary(GoodRandomMasking(), 18); }
TEST_P(StreamTest, ChunksOfASampleAndAByte) { ExpectSameAsUnary(GoodRandomMasking(), 97); }
TEST_P(StreamTest, OneChunk) { ExpectSameAsUnary(GoodRandomMasking(), 192); }

TEST_P(StreamTest, HeaderAndTokensInOneMessage) {
  const v1::RandomMaskingRequest request = GoodRandomMasking();
  v1::StreamRandomMaskingRequest message = HeaderMessage(request);
  message.set_tokens(request.tokens());
  ExpectUnaryResults(served_.stub(), {request}, StreamAll(served_.stub(), {message}));
}

TEST_P(StreamTest, FirstTokensWithTheHeader) {
  const v1::RandomMaskingRequest request = GoodRandomMasking();
  v1::StreamRandomMaskingRequest first = HeaderMessage(request);
  first.set_tokens(request.tokens().substr(0, 101));
  ExpectUnaryResults(served_.stub(), {request},
                     StreamAll(served_.stub(), {first, TokensMessage(request.tokens().substr(101))}));
}

TEST_P(StreamTest, LargestChunks) {
  v1::RandomMaskingRequest request = BulkRequest(37);
  request.mutable_spec()->set_num_keep(64);
  request.mutable_selection()->add_results(v1::MASKING_RESULT_IDS_RESTORE);
  ExpectSameAsUnary(request, kMaxChunkBytes);
}

TEST_P(StreamTest, EmptyMessagesAmongOthers) {
  const v1::RandomMaskingRequest request = GoodRandomMasking();
  StreamMessages messages;
  for (const v1::StreamRandomMaskingRequest& message : MessagesOf(request, 50)) {
    messages.push_back(message);
    messages.emplace_back();                // no field at all
    messages.push_back(TokensMessage(""));  // proto3 does not tell them apart
  }
  // The last two come when the batch is complete.
  messages.resize(messages.size() - 2);
  ExpectUnaryResults(served_.stub(), {request}, StreamAll(served_.stub(), messages));
}

TEST_P(StreamTest, NoBatchAtAll) {
  const StreamAnswer answer = StreamAll(served_.stub(), {});
  EXPECT_TRUE(answer.status.ok()) << answer.status.error_message();
  EXPECT_TRUE(answer.parts.empty());
}

// ---- What is asked for.

TEST_P(StreamTest, Lengths) { ExpectSameAsUnary(LengthCases()); }
TEST_P(StreamTest, TokenBytes) { ExpectSameAsUnary(TokenBytesCases()); }
TEST_P(StreamTest, IdAndMaskTypesAndOrders) { ExpectSameAsUnary(ResultTypeCases()); }
TEST_P(StreamTest, NoisesOfEverySource) { ExpectSameAsUnary(NoiseCases()); }
TEST_P(StreamTest, SampleIdsAndSeeds) { ExpectSameAsUnary(IdentityCases()); }

// Results of several parts, where noise, ids and draws go on from part to part.
TEST_P(StreamTest, SeveralPartsOfEveryNoiseSource) {
  const auto bits = [](std::int64_t element) { return static_cast<std::uint32_t>(MixBits(element + 1)); };
  std::vector<MaskingCase> cases(5, {"Seeded",
                                     {.batch_size = 24,
                                      .sequence_length = 500,
                                      .token_type = TokenType{.token_dim = 127, .element_bytes = 8},
                                      .num_keep = 111,
                                      .selection = kAllResults},
                                     {}});
  cases[1].name = "SampleIds";
  for (std::uint64_t n = 0; n < 24; ++n) cases[1].sample_ids.push_back(MixBits(n));
  cases[2].name = "Provided";
  cases[2].spec.noise_source = NoiseSource::kProvided;
  cases[2].noise_bits = bits;
  cases[3].name = "TorchCpu";
  cases[3].spec.noise_source = NoiseSource::kTorchCpu;
  cases[3].spec.torch_skip = 1001;
  cases[4].name = "TorchCuda";
  cases[4].spec.noise_source = NoiseSource::kTorchCuda;
  cases[4].spec.torch_cuda = {
      .offset = 12, .multi_processor_count = 1, .max_threads_per_multi_processor = 768};
  ExpectSameAsUnary(cases);
}

TEST_P(StreamTest, OneResultAlone) {
  for (const v1::MaskingResult result : {v1::MASKING_RESULT_KEPT_TOKENS, v1::MASKING_RESULT_MASK}) {
    v1::RandomMaskingRequest request = GoodRandomMasking();
    request.mutable_selection()->add_results(result);
    for (const std::int64_t num_keep : {0, 3, 8}) {
      SCOPED_TRACE(v1::MaskingResult_Name(result) + " of " + std::to_string(num_keep));
      request.mutable_spec()->set_num_keep(num_keep);
      ExpectSameAsUnary(request, 25);
    }
  }
}

// ---- Several batches.

TEST_P(StreamTest, BatchesOfDifferentShapesWithoutWaiting) {
  std::vector<v1::RandomMaskingRequest> requests = {GoodRandomMasking(), BulkRequest(9), GoodRandomMasking(),
                                                    BulkRequest(1), GoodRandomMasking()};
  requests[1].mutable_spec()->set_num_keep(200);
  requests[2].mutable_spec()->set_seed(7);
  requests[4].mutable_spec()->mutable_torch_cpu()->set_skip(5);
  StreamMessages messages;
  for (const v1::RandomMaskingRequest& request : requests) {
    const StreamMessages of_batch = MessagesOf(request, 100000);
    messages.insert(messages.end(), of_batch.begin(), of_batch.end());
  }
  ExpectUnaryResults(served_.stub(), requests, StreamAll(served_.stub(), messages));
}

TEST_P(StreamTest, ManySmallBatches) {
  std::vector<v1::RandomMaskingRequest> requests;
  StreamMessages messages;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    requests.push_back(GoodRandomMasking());
    requests.back().mutable_spec()->set_seed(seed);
    messages.push_back(HeaderMessage(requests.back()));
    messages.back().set_tokens(requests.back().tokens());
  }
  ExpectUnaryResults(served_.stub(), requests, StreamAll(served_.stub(), messages));
}

// Each answer comes without the next batch, or the end, having been sent.
TEST_P(StreamTest, ABatchIsAnsweredWhenItsTokensHaveCome) {
  OpenStream stream(served_.stub());
  for (std::int64_t batch = 0; batch < 3; ++batch) {
    ASSERT_TRUE(stream.Write(MessagesOf(GoodRandomMasking(), 100)));
    for (std::int64_t samples = 0; samples < 2;) {
      v1::StreamRandomMaskingResponse part;
      ASSERT_TRUE(stream.Read(&part));
      EXPECT_EQ(part.batch_index(), batch);
      samples += part.num_samples();
    }
  }
  stream.WritesDone();
  const grpc::Status status = stream.Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_P(StreamTest, InitialMetadataComesBeforeTheTokens) {
  const v1::RandomMaskingRequest request = BulkRequest(3);
  OpenStream stream(served_.stub());
  ASSERT_TRUE(stream.Admit(request));  // or its deadline passes
  EXPECT_GT(served_.server().inflight_bytes(), 0);
  for (std::size_t at = 0; at < request.tokens().size(); at += 1 << 18)
    ASSERT_TRUE(stream.Write(TokensMessage(request.tokens().substr(at, 1 << 18))));
  stream.WritesDone();
  StreamAnswer answer;
  answer.status = stream.Finish(&answer.parts);
  ExpectUnaryResults(served_.stub(), {request}, answer);
  ExpectBudgetReturns(served_.server());
}

// ---- Shapes and cuts that nobody thought of.

class RandomBatches {
 public:
  explicit RandomBatches(std::uint64_t seed) : random_(seed) {}

  v1::RandomMaskingRequest NextRequest() {
    MaskingCase random{"Random", {}, {}};
    MaskingSpec& spec = random.spec;
    spec.sequence_length = 1 + static_cast<std::int64_t>(Below(std::uint64_t{2} << Below(9)));
    spec.batch_size = 1 + static_cast<std::int64_t>(Below(30));
    spec.token_type = TokenType{.token_dim = 1 + static_cast<std::int64_t>(Below(20)),
                                .element_bytes = 1 + static_cast<std::int64_t>(Below(16))};
    spec.num_keep = static_cast<std::int64_t>(Below(static_cast<std::uint64_t>(spec.sequence_length) + 1));
    bool ResultSelection::*const results[] = {&ResultSelection::kept_tokens, &ResultSelection::mask,
                                              &ResultSelection::ids_restore, &ResultSelection::ids_keep,
                                              &ResultSelection::ids_mask,    &ResultSelection::noise};
    for (bool ResultSelection::*const result : results) spec.selection.*result = Below(2) == 0;
    spec.selection.*results[Below(6)] = true;
    spec.selection.kept_order = KeptOrder{int(Below(2))};
    spec.selection.ids_type = IdsType{int(Below(3))};
    spec.selection.mask_type = MaskType{int(Below(3))};
    spec.selection.mask_polarity = MaskPolarity{int(Below(2))};
    spec.seed = random_();
    spec.noise_source = NoiseSource{int(Below(4))};
    if (spec.noise_source == NoiseSource::kTorchCpu) spec.torch_skip = Below(2000);
    if (spec.noise_source == NoiseSource::kTorchCuda) {
      spec.torch_cuda = {.offset = random_() / 4 * 4,
                         .multi_processor_count = 1 + static_cast<std::int64_t>(Below(150)),
                         .max_threads_per_multi_processor = 256 + static_cast<std::int64_t>(Below(1800)),
                         .first_element = static_cast<std::int64_t>(Below(1000)),
                         .num_elements = (1 << 20) + static_cast<std::int64_t>(Below(1 << 20))};
    }
    if (spec.noise_source == NoiseSource::kProvided) {
      const std::uint64_t salt = random_();
      random.noise_bits = [salt](std::int64_t e) { return static_cast<std::uint32_t>(MixBits(salt + e)); };
    }
    if (Below(2) == 0) {
      for (std::int64_t n = 0; n < spec.batch_size; ++n) random.sample_ids.push_back(random_());
    }
    return RequestOf(PreparedCase(random));
  }

  // `request` cut anywhere, some messages empty, the first tokens perhaps with
  // the header.
  void Cut(const v1::RandomMaskingRequest& request, StreamMessages& messages) {
    messages.push_back(HeaderMessage(request));
    const std::uint64_t largest = 1 + Below(1 + request.tokens().size() / (1 + Below(40)));
    bool in_header = Below(2) == 0;
    for (std::size_t at = 0; at < request.tokens().size();) {
      const std::string tokens = request.tokens().substr(at, Below(10) == 0 ? 0 : 1 + Below(largest));
      at += tokens.size();
      if (in_header) {
        messages.back().set_tokens(tokens);
      } else {
        messages.push_back(TokensMessage(tokens));
      }
      in_header = false;
    }
  }

  std::uint64_t Below(std::uint64_t end) { return random_() % end; }

 private:
  std::mt19937_64 random_;
};

TEST_P(StreamTest, RandomBatchesCutAnywhere) {
  const char* const given = std::getenv("MASKD_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::cout << "MASKD_TEST_SEED=" << seed << std::endl;
  RandomBatches random(seed);
  for (int i = 0; i < 40 && !HasFailure(); ++i) {
    SCOPED_TRACE("MASKD_TEST_SEED=" + std::to_string(seed) + ", stream " + std::to_string(i));
    std::vector<v1::RandomMaskingRequest> requests;
    StreamMessages messages;
    for (std::uint64_t batches = 1 + random.Below(4); batches > 0; --batches) {
      requests.push_back(random.NextRequest());
      random.Cut(requests.back(), messages);
    }
    ExpectUnaryResults(served_.stub(), requests, StreamAll(served_.stub(), messages));
  }
}

INSTANTIATE_TEST_SUITE_P(Transports, StreamTest,
                         ::testing::Values(Transport::kInProcess, Transport::kLoopback,
                                           Transport::kUnixSocket),
                         NameOfTransport);

}  // namespace
}  // namespace maskd
