// Calls whose effect on the metrics of a server is known.
#ifndef MASKD_TESTS_END_TO_END_KNOWN_CALLS_H_
#define MASKD_TESTS_END_TO_END_KNOWN_CALLS_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tests/end_to_end/metric_samples.h"
#include "tests/end_to_end/served_masker.h"

namespace maskd {

// Calls one server, and counts what the server should have counted of it.
class KnownCalls {
 public:
  explicit KnownCalls(const ServedMasker& served) : stub_(served.channel()) {}

  // One call of `service`/`method` with these messages; returns its status.
  grpc::Status Call(const std::string& service, const std::string& method,
                    const std::vector<std::string>& requests,
                    const std::vector<std::pair<std::string, std::string>>& metadata = {}) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
    grpc::CompletionQueue queue;
    const auto await = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    const auto call = stub_.PrepareCall(&context, "/" + service + "/" + method, &queue);
    call->StartCall(nullptr);
    await();
    for (const std::string& request : requests) {
      const grpc::Slice slice(request);
      call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
      if (await()) Add("maskd_received_bytes_total", method, request.size());
    }
    call->WritesDone(nullptr);
    await();
    for (;;) {
      grpc::ByteBuffer response;
      call->Read(&response, nullptr);
      if (!await()) break;
      Add("maskd_sent_bytes_total", method, response.Length());
    }
    grpc::Status status;
    call->Finish(&status, nullptr);
    await();
    ++num_calls_;
    return status;
  }

  template <typename Message>
  grpc::Status Mask(const std::string& method, const Message& request,
                    const std::vector<std::pair<std::string, std::string>>& metadata = {}) {
    return Call("maskd.v1.MaskingService", method, {request.SerializeAsString()}, metadata);
  }

  void Add(const std::string& name, const std::string& method, std::size_t count) {
    expected[name + "{method=\"" + method + "\"}"] += static_cast<double>(count);
  }

  // `calls` calls ended so, of which each was in these stages.
  void AddCalls(const std::string& method, const std::string& code, int calls,
                const std::vector<std::string>& stages) {
    expected["maskd_calls_total{method=\"" + method + "\",code=\"" + code + "\"}"] += calls;
    AddStages(method, calls, stages);
  }
  void AddStages(const std::string& method, int times, const std::vector<std::string>& stages) {
    expected["maskd_call_seconds_count{method=\"" + method + "\"}"] += times;
    for (const std::string& stage : stages)
      expected["maskd_stage_seconds_count{method=\"" + method + "\",stage=\"" + stage + "\"}"] += times;
  }

  int num_calls() const { return num_calls_; }

  MetricSamples expected;

 private:
  grpc::GenericStub stub_;
  int num_calls_ = 0;
};

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_KNOWN_CALLS_H_
