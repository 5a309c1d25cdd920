// call_record_bench: what metrics and request ids cost a small call.
//
// Every round times what the server does for them in one GenerateMask, many times
// over, and GenerateMask of one sample over loopback, one call at a time, whose
// results are compared with the reference's. Columns: the median over rounds of
// each, of their ratio in one round, and the quartiles of that.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "client/masking_client.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "server/call_record.h"
#include "server/masking_server.h"

namespace maskd {
namespace {

constexpr int kRecords = 20000;  // a round
constexpr int kCalls = 500;

using Bytes = std::vector<std::byte>;

[[noreturn]] void Fail(const std::string& why) {
  std::cerr << "call_record_bench: " << why << "\n";
  std::exit(1);
}

double Quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

// Median seconds of `count` times `work`.
template <typename Work>
double MedianSeconds(int count, const Work& work) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return Quantile(std::move(times), 0.5);
}

// What server/generate_mask_call.cc does for its record, without the rest.
void Record(CallCounts& counts, const CallReporting& reporting) {
  grpc::ServerContext context;
  CallRecord record(counts, reporting, Method::kGenerateMask, context);
  record.CountReceived(64);
  record.stages().Enter(Stage::kOrder);
  record.CountBatch(NoiseSource::kSeeded);
  record.BeginSending(2048);
  if (!record.Finish(absl::OkStatus()).ok()) Fail("a record made an error of success");
  record.EndSending(true);
}

// The context is gRPC's and there without records.
void MakeContext() { const grpc::ServerContext context; }

void Time(int rounds) {
  const auto server = MaskingServer::Start(MakeCpuMasker(1), {.listen = {"127.0.0.1:0"}}).value();
  const auto client = MaskingClient::Connect(server->addresses().front(), {}).value();
  MaskingSpec spec = {.batch_size = 1, .sequence_length = 196, .mask_ratio = 0.75};
  spec.selection = {.mask = true, .ids_restore = true};
  const MaskingPlan plan = MakeMaskingPlan(spec).value();
  struct Results {
    Bytes mask;
    Bytes ids_restore;
    MaskingBuffers buffers() { return {.mask = mask.data(), .ids_restore = ids_restore.data()}; }
  };
  Results results = {.mask = Bytes(static_cast<std::size_t>(plan.result_bytes.mask)),
                     .ids_restore = Bytes(static_cast<std::size_t>(plan.result_bytes.ids_restore))};
  Results expected = results;
  if (!MakeReferenceMasker()->Mask(plan, expected.buffers()).ok()) Fail("the reference failed");

  CallCounts counts;
  const CallReporting reporting = {.report = [](const CallReport&) { Fail("a good call was reported"); },
                                   .slow = std::chrono::seconds(10)};
  std::vector<double> records;
  std::vector<double> calls;
  std::vector<double> shares;
  for (int round = -1; round < rounds; ++round) {
    const double contexts = MedianSeconds(5, [] {
      for (int i = 0; i < kRecords; ++i) MakeContext();
    });
    const double with_records = MedianSeconds(5, [&] {
      for (int i = 0; i < kRecords; ++i) Record(counts, reporting);
    });
    const double call = MedianSeconds(kCalls, [&] {
      if (!client->GenerateMask(spec, results.buffers()).ok()) Fail("a call failed");
    });
    if (results.mask != expected.mask || results.ids_restore != expected.ids_restore)
      Fail("results differ from the reference's");
    if (round < 0) continue;
    records.push_back((with_records - contexts) / kRecords);
    calls.push_back(call);
    shares.push_back(records.back() / call);
  }
  std::printf("%12s %14s %8s   %s\n", "record", "GenerateMask", "share", "quartiles");
  std::printf("%9.0f ns %11.1f us %7.2f%%   %.2f to %.2f%%\n", 1e9 * Quantile(records, 0.5),
              1e6 * Quantile(calls, 0.5), 100 * Quantile(shares, 0.5), 100 * Quantile(shares, 0.25),
              100 * Quantile(shares, 0.75));
}

int Run(int argc, char** argv) {
  CLI::App app("call_record_bench: what metrics and request ids cost a small call.");
  int rounds = 31;
  app.add_option("--rounds", rounds, "times that each is measured")->check(CLI::Range(1, 100000));
  CLI11_PARSE(app, argc, argv);
  Time(rounds);
  return 0;
}

}  // namespace
}  // namespace maskd

int main(int argc, char** argv) { return maskd::Run(argc, argv); }
