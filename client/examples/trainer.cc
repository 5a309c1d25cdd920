// trainer: a training loop whose masks come from maskd servers, or from this
// process, without a step waiting for them.
//
// Batches are asked for `depth` steps ahead: while a step computes, the requests
// of coming batches are under way. What is trained is as small as it gets, a
// vector that predicts the removed tokens, but all of it depends on the masks:
// the same losses to the last bit whoever drew them.
#include <grpc/grpc.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <future>
#include <iostream>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "client/client_statistics.h"
#include "client/sharded_client.h"
#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"
#include "kernels/status_macros.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Flags {
  std::vector<std::string> addresses = {"inproc:"};
  bool fallback = false;
  int epochs = 2;
  int steps = 10;  // of an epoch
  std::int64_t batch_size = 64;
  std::int64_t sequence_length = 196;
  std::int64_t token_dim = 192;
  int depth = 4;
  double step_ms = 0;
  std::uint64_t seed = 1;
  bool metrics = false;
};

// Tokens of one batch, and what came of them.
struct Batch {
  std::vector<float> tokens = {};       // [N, L, D]
  std::vector<float> kept_tokens = {};  // [N, K, D]
  std::vector<float> mask = {};         // [N, L], 1 is removed
};

// The samples of a data set: numbers of waves, one frequency a sample.
std::vector<float> ReadTokens(const Flags& flags, std::uint64_t first_sample) {
  const std::int64_t sample_size = flags.sequence_length * flags.token_dim;
  std::vector<float> tokens(static_cast<std::size_t>(flags.batch_size * sample_size));
  for (std::int64_t i = 0; i < std::ssize(tokens); ++i) {
    const std::uint64_t frequency = first_sample + static_cast<std::uint64_t>(i / sample_size) + 1;
    const std::uint64_t phase = frequency * static_cast<std::uint64_t>(i % sample_size) % 1024;
    tokens[static_cast<std::size_t>(i)] = static_cast<float>(phase) / 512 - 1;
  }
  return tokens;
}

absl::StatusOr<Batch> MaskBatch(maskd::ShardedClient& client, const Flags& flags, int step) {
  const auto first_sample = static_cast<std::uint64_t>(step % flags.steps * flags.batch_size);
  maskd::MaskingSpec spec = {.batch_size = flags.batch_size,
                             .sequence_length = flags.sequence_length,
                             .token_type = maskd::TokenType{flags.token_dim, sizeof(float)},
                             .mask_ratio = 0.75,
                             .seed = flags.seed,
                             .first_sample_id = first_sample,
                             .epoch = static_cast<std::uint32_t>(step / flags.steps)};
  spec.selection = {.kept_tokens = true, .mask = true};
  MASKD_ASSIGN_OR_RETURN(const maskd::MaskingPlan plan, maskd::MakeMaskingPlan(spec));
  Batch batch = {.tokens = ReadTokens(flags, first_sample)};
  batch.kept_tokens.resize(static_cast<std::size_t>(plan.result_bytes.kept_tokens) / sizeof(float));
  batch.mask.resize(static_cast<std::size_t>(plan.result_bytes.mask) / sizeof(float));
  const maskd::MaskingBuffers results = {
      .kept_tokens = std::as_writable_bytes(std::span(batch.kept_tokens)).data(),
      .mask = std::as_writable_bytes(std::span(batch.mask)).data()};
  MASKD_RETURN_IF_ERROR(client.RandomMasking(spec, std::as_bytes(std::span(batch.tokens)), results).status());
  return batch;
}

// Batches in the order of steps, `depth` of them under way at a time.
class Prefetch {
 public:
  Prefetch(maskd::ShardedClient& client, const Flags& flags) : client_(client), flags_(flags) { Fill(); }

  // The batch of the next step. Counts how long it was waited for.
  absl::StatusOr<Batch> Next(std::chrono::nanoseconds* wait) {
    const Clock::time_point begin = Clock::now();
    absl::StatusOr<Batch> batch = coming_.front().get();
    *wait = Clock::now() - begin;
    client_.AddWait(*wait);
    coming_.pop_front();
    Fill();
    return batch;
  }

 private:
  void Fill() {
    while (std::ssize(coming_) < flags_.depth && asked_ < flags_.epochs * flags_.steps) {
      coming_.push_back(std::async(std::launch::async,
                                   [this, step = asked_++] { return MaskBatch(client_, flags_, step); }));
    }
  }

  maskd::ShardedClient& client_;
  const Flags& flags_;
  int asked_ = 0;
  std::deque<std::future<absl::StatusOr<Batch>>> coming_;
};

// One step: the mean of the kept tokens moves the prediction, whose mean squared
// error over the removed ones is returned.
double TrainStep(const Flags& flags, const Batch& batch, std::vector<double>& prediction) {
  constexpr double kLearningRate = 0.1;
  const std::size_t dim = prediction.size();
  std::vector<double> mean(dim);
  for (std::size_t i = 0; i < batch.kept_tokens.size(); ++i) mean[i % dim] += batch.kept_tokens[i];
  for (std::size_t d = 0; d < dim; ++d) {
    mean[d] /= static_cast<double>(batch.kept_tokens.size() / dim);
    prediction[d] += kLearningRate * (mean[d] - prediction[d]);
  }
  double sum = 0;
  for (std::size_t token = 0; token < batch.mask.size(); ++token) {
    if (batch.mask[token] == 0) continue;
    for (std::size_t d = 0; d < dim; ++d) {
      const double error = batch.tokens[token * dim + d] - prediction[d];
      sum += error * error;
    }
  }
  const double removed = std::accumulate(batch.mask.begin(), batch.mask.end(), 0.0);
  return sum / (removed * static_cast<double>(flags.token_dim));
}

absl::Status Train(const Flags& flags) {
  maskd::ShardedClient::Options options = {.fallback_in_process = flags.fallback};
  MASKD_ASSIGN_OR_RETURN(const auto client, maskd::ShardedClient::Connect(flags.addresses, options));
  Prefetch batches(*client, flags);
  std::vector<double> prediction(static_cast<std::size_t>(flags.token_dim));
  for (int step = 0; step < flags.epochs * flags.steps; ++step) {
    std::chrono::nanoseconds wait{};
    MASKD_ASSIGN_OR_RETURN(const Batch batch, batches.Next(&wait));
    const Clock::time_point begin = Clock::now();
    const double loss = TrainStep(flags, batch, prediction);
    // The rest of what a step of a larger model takes.
    std::this_thread::sleep_until(begin + std::chrono::duration<double, std::milli>(flags.step_ms));
    std::printf("epoch %d step %d loss %.17g waited %.3f ms\n", step / flags.steps, step % flags.steps, loss,
                1e-6 * static_cast<double>(wait.count()));
    std::fflush(stdout);
  }
  if (flags.metrics) std::cout << maskd::PrometheusText(client->statistics());
  return absl::OkStatus();
}

int Run(int argc, char** argv) {
  Flags flags;
  CLI::App app(
      "trainer: a training loop that does not wait for its masks.\n\n"
      "Example: trainer --address=gpu-1:50051 --address=gpu-2:50051 --fallback --step_ms=50");
  app.add_option("--address", flags.addresses, "host:port or unix:path, several times; or inproc:");
  app.add_flag("--fallback", flags.fallback, "compute in this process when no server answers");
  app.add_option("--epochs", flags.epochs, "epochs")->check(CLI::Range(1, 1 << 20));
  app.add_option("--steps", flags.steps, "steps of an epoch")->check(CLI::Range(1, 1 << 20));
  app.add_option("--batch_size", flags.batch_size, "samples of a step")->check(CLI::Range(1, 1 << 20));
  app.add_option("--depth", flags.depth, "steps that masks are asked for ahead")->check(CLI::Range(1, 1000));
  app.add_option("--step_ms", flags.step_ms, "time that a step takes at least, in milliseconds")
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--seed", flags.seed, "seed of the masks");
  app.add_flag("--metrics", flags.metrics, "print the counts of the client at the end");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = Train(flags);
  if (!status.ok()) std::cerr << "trainer: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  // Never shut down: gRPC would join a thread that may sleep for 10 s.
  grpc_init();
  return Run(argc, argv);
}
