// in_process_bench: masking through ShardedClient at "inproc:" beside the CPU
// backend that it calls.
//
// Every round times both, one after the other and the first one in turn, on the
// same tokens and results, which are compared with the reference's outside of
// the time. A wrong byte makes the exit status 1. Columns: the median over rounds
// of each, of their ratio in one round, and the quartiles of that.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "client/sharded_client.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"

namespace maskd {
namespace {

using Bytes = std::vector<std::byte>;

// Results in memory of their own.
struct Results {
  explicit Results(const MaskingPlan& plan)
      : kept_tokens(static_cast<std::size_t>(plan.result_bytes.kept_tokens)),
        mask(static_cast<std::size_t>(plan.result_bytes.mask)),
        ids_restore(static_cast<std::size_t>(plan.result_bytes.ids_restore)) {}

  MaskingBuffers buffers(const Bytes& tokens) {
    return {.tokens = tokens.data(),
            .kept_tokens = kept_tokens.data(),
            .mask = mask.data(),
            .ids_restore = ids_restore.data()};
  }
  void Clear() {
    for (Bytes* const bytes : {&kept_tokens, &mask, &ids_restore}) std::ranges::fill(*bytes, std::byte{});
  }
  friend bool operator==(const Results&, const Results&) = default;

  Bytes kept_tokens;
  Bytes mask;
  Bytes ids_restore;
};

double Quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

[[noreturn]] void Fail(const std::string& why) {
  std::cerr << "in_process_bench: " << why << "\n";
  std::exit(1);
}

void Time(const char* name, const MaskingSpec& spec, int threads, int rounds) {
  const MaskingPlan plan = MakeMaskingPlan(spec).value();
  Bytes tokens(static_cast<std::size_t>(plan.tokens_bytes));
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<std::byte>(i * 2654435761u >> 13);
  Results expected(plan);
  if (!MakeReferenceMasker()->Mask(plan, expected.buffers(tokens)).ok()) Fail("the reference failed");

  const auto masker = MakeCpuMasker(threads);
  const auto client = ShardedClient::Connect({"inproc:"}, {.in_process_threads = threads}).value();
  Results results(plan);
  const auto seconds_of = [&](const auto& call) {
    results.Clear();
    const auto begin = std::chrono::steady_clock::now();
    const absl::Status status = call();
    const auto end = std::chrono::steady_clock::now();
    if (!status.ok()) Fail(std::string(status.message()));
    if (!(results == expected)) Fail("results differ from the reference's");
    return std::chrono::duration<double>(end - begin).count();
  };
  const auto bare = [&] { return masker->Mask(plan, results.buffers(tokens)); };
  const auto in_process = [&] {
    const MaskingBuffers buffers = results.buffers(tokens);
    return spec.token_type.has_value() ? client->RandomMasking(spec, tokens, buffers).status()
                                       : client->GenerateMask(spec, buffers).status();
  };
  std::vector<double> bare_times;
  std::vector<double> client_times;
  std::vector<double> ratios;
  for (int round = -2; round < rounds; ++round) {
    double bare_time = 0;
    double client_time = 0;
    if (round % 2 == 0) {
      bare_time = seconds_of(bare);
      client_time = seconds_of(in_process);
    } else {
      client_time = seconds_of(in_process);
      bare_time = seconds_of(bare);
    }
    if (round < 0) continue;  // the first calls fault pages in
    bare_times.push_back(bare_time);
    client_times.push_back(client_time);
    ratios.push_back(client_time / bare_time);
  }
  std::printf("%-34s %10.1f us %10.1f us %8.3f   %.3f to %.3f\n", name, 1e6 * Quantile(bare_times, 0.5),
              1e6 * Quantile(client_times, 0.5), Quantile(ratios, 0.5), Quantile(ratios, 0.25),
              Quantile(ratios, 0.75));
}

int Run(int argc, char** argv) {
  CLI::App app("in_process_bench: ShardedClient at \"inproc:\" beside the CPU backend.");
  int threads = 0;
  int rounds = 201;
  app.add_option("--threads", threads, "threads, the caller's included; 0: one a core")
      ->check(CLI::Range(0, 1024));
  app.add_option("--rounds", rounds, "times that each is called")->check(CLI::Range(1, 1000000));
  CLI11_PARSE(app, argc, argv);

  MaskingSpec spec = {
      .batch_size = 64, .sequence_length = 196, .token_type = TokenType{768, 4}, .mask_ratio = 0.75};
  spec.selection = {.kept_tokens = true, .mask = true, .ids_restore = true};
  std::printf("%-34s %13s %13s %8s   %s\n", "", "kernel", "in process", "ratio", "quartiles");
  Time("64 x 196 tokens of 3072 bytes", spec, threads, rounds);
  MaskingSpec masks = spec;
  masks.token_type.reset();
  masks.selection.kept_tokens = false;
  Time("64 x 196, masks alone", masks, threads, rounds);
  masks.batch_size = 1;
  Time("1 x 196, mask alone", masks, threads, rounds);
  MaskingSpec video = spec;
  video.batch_size = 8;
  video.sequence_length = 1568;
  video.mask_ratio = 0.9;
  Time("8 x 1568 tokens of 3072 bytes", video, threads, rounds);
  return 0;
}

}  // namespace
}  // namespace maskd

int main(int argc, char** argv) { return maskd::Run(argc, argv); }
