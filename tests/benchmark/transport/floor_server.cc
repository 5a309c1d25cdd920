#include "tests/benchmark/transport/floor_server.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <utility>

#include "client/result_layout.h"
#include "kernels/masker.h"
#include "kernels/status_macros.h"
#include "tests/benchmark/transport/batch.h"
#include "tests/benchmark/transport/floor_protocol.h"
#include "tests/benchmark/transport/socket.h"

namespace maskd::transport {
namespace {

constexpr std::int64_t kSampleBytes = kSequenceLength * kTokenBytes;

// Samples between two attempts to send: fewer cost calls, more let the client
// wait.
constexpr std::int64_t kSamplesPerSend = 4;

// Gathers sample n of the batch from `tokens` [L, token_bytes].
void GatherSample(const MaskingPlan& plan, std::int64_t n, const std::byte* tokens,
                  const MaskingBuffers& results) {
  const std::byte* const ids_restore = results.ids_restore + n * kSequenceLength * sizeof(std::int64_t);
  std::byte* const kept_tokens = results.kept_tokens + n * plan.num_keep * kTokenBytes;
  for (std::int64_t l = 0; l < kSequenceLength; ++l) {
    std::int64_t rank = 0;
    std::memcpy(&rank, ids_restore + l * sizeof(rank), sizeof(rank));
    if (rank < plan.num_keep)
      std::memcpy(kept_tokens + rank * kTokenBytes, tokens + l * kTokenBytes, kTokenBytes);
  }
}

class FloorConnection {
 public:
  // `largest` is the largest batch that will come.
  FloorConnection(Socket socket, Masker& masker, const MaskingPlan& largest)
      : socket_(std::move(socket)),
        masker_(masker),
        tokens_(largest.tokens_bytes),
        results_(largest.result_bytes.total()) {}

  // Returns why no more calls come: UNAVAILABLE if the client has gone.
  absl::Status Serve() {
    const std::byte ready = {};
    MASKD_RETURN_IF_ERROR(socket_.Send({{&ready, 1}}));
    for (;;) {
      FloorCall call;
      MASKD_RETURN_IF_ERROR(socket_.Receive(std::as_writable_bytes(std::span(&call, 1))));
      if (call.batch_size > kMaxBatchSize)
        return absl::InvalidArgumentError("a batch of more than kMaxBatchSize");
      MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan,
                             MakeMaskingPlan(RandomMaskingSpec(call.batch_size, call.seed)));
      const MaskingBuffers results = LayOutResults(plan.result_bytes, results_.data());
      MASKD_RETURN_IF_ERROR(call.streaming != 0 ? MaskStreaming(plan, results) : MaskBuffered(plan, results));
    }
  }

 private:
  absl::Status MaskBuffered(const MaskingPlan& plan, MaskingBuffers buffers) {
    MASKD_RETURN_IF_ERROR(socket_.Receive(tokens_.first(plan.tokens_bytes)));
    buffers.tokens = tokens_.data();
    MASKD_RETURN_IF_ERROR(masker_.Mask(plan, buffers));
    return socket_.Send({results_.first(plan.result_bytes.total())});
  }

  absl::Status MaskStreaming(const MaskingPlan& plan, const MaskingBuffers& results) {
    MASKD_ASSIGN_OR_RETURN(const MaskingPlan order,
                           MakeMaskingPlan(GenerateMaskSpec(plan.batch_size, plan.seed)));
    MASKD_RETURN_IF_ERROR(masker_.Mask(order, results));

    std::span<const std::byte> unsent = results_.first(plan.result_bytes.total());
    for (std::int64_t n = 0; n < plan.batch_size; ++n) {
      // All samples in the place of one, which stays in the cache.
      MASKD_RETURN_IF_ERROR(socket_.Receive(tokens_.first(kSampleBytes)));
      GatherSample(plan, n, tokens_.data(), results);
      if ((n + 1) % kSamplesPerSend != 0) continue;
      const std::byte* const end = results.kept_tokens + (n + 1) * plan.num_keep * kTokenBytes;
      const auto finished = static_cast<std::size_t>(end - unsent.data());
      MASKD_ASSIGN_OR_RETURN(const std::size_t sent, socket_.SendSome(unsent.first(finished)));
      unsent = unsent.subspan(sent);
    }
    return socket_.Send({unsent});
  }

  const Socket socket_;
  Masker& masker_;
  const Pages tokens_;
  const Pages results_;
};

}  // namespace

absl::Status ServeFloors(int num_threads) {
  const std::shared_ptr<Masker> masker = MakeCpuMasker(num_threads);
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan largest, MakeMaskingPlan(RandomMaskingSpec(kMaxBatchSize, 0)));
  std::uint16_t port = 0;
  MASKD_ASSIGN_OR_RETURN(const Socket listener, Listen(port));
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  for (;;) {
    MASKD_ASSIGN_OR_RETURN(Socket socket, Accept(listener));
    std::thread([masker, largest, socket = std::move(socket)]() mutable {
      const absl::Status status = FloorConnection(std::move(socket), *masker, largest).Serve();
      if (!absl::IsUnavailable(status)) std::fprintf(stderr, "floor server: %s\n", status.ToString().c_str());
    }).detach();
  }
}

}  // namespace maskd::transport
