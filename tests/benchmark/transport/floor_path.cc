#include <cstdint>
#include <memory>
#include <semaphore>
#include <span>
#include <thread>
#include <utility>

#include "client/result_layout.h"
#include "kernels/status_macros.h"
#include "tests/benchmark/transport/floor_protocol.h"
#include "tests/benchmark/transport/masking_path.h"
#include "tests/benchmark/transport/socket.h"

namespace maskd::transport {
namespace {

absl::StatusOr<Socket> ConnectToFloor(const std::string& address) {
  MASKD_ASSIGN_OR_RETURN(Socket socket, Connect(address));
  std::byte ready;
  MASKD_RETURN_IF_ERROR(socket.Receive({&ready, 1}));
  return socket;
}

absl::Status SendCall(const Socket& socket, const FloorCall& call, std::span<const std::byte> tokens) {
  return socket.Send({std::as_bytes(std::span(&call, 1)), tokens});
}

class BufferedFloorPath final : public MaskingPath {
 public:
  BufferedFloorPath(Socket socket, const ResultBytes& bytes)
      : socket_(std::move(socket)), bytes_(bytes), results_(bytes.total()) {}

  absl::StatusOr<ResultSpans> Mask(const MaskingSpec& spec, std::span<const std::byte> tokens) override {
    const FloorCall call = {.batch_size = spec.batch_size, .seed = spec.seed, .streaming = 0};
    MASKD_RETURN_IF_ERROR(SendCall(socket_, call, tokens));
    MASKD_RETURN_IF_ERROR(socket_.Receive(results_.first(bytes_.total())));
    return SpansOf(bytes_, LayOutResults(bytes_, results_.data()));
  }

 private:
  const Socket socket_;
  const ResultBytes bytes_;
  const Pages results_;
};

// Sends on a thread of its own and receives on the caller's.
class StreamingFloorPath final : public MaskingPath {
 public:
  StreamingFloorPath(Socket socket, const ResultBytes& bytes)
      : socket_(std::move(socket)), bytes_(bytes), results_(bytes.total()) {}

  ~StreamingFloorPath() override {
    stopping_ = true;
    begin_.release();
  }

  absl::StatusOr<ResultSpans> Mask(const MaskingSpec& spec, std::span<const std::byte> tokens) override {
    call_ = {.batch_size = spec.batch_size, .seed = spec.seed, .streaming = 1};
    tokens_ = tokens;
    begin_.release();
    const absl::Status received = socket_.Receive(results_.first(bytes_.total()));
    sent_.acquire();
    MASKD_RETURN_IF_ERROR(send_status_);
    MASKD_RETURN_IF_ERROR(received);
    return SpansOf(bytes_, LayOutResults(bytes_, results_.data()));
  }

 private:
  void SendCalls() {
    for (begin_.acquire(); !stopping_; begin_.acquire()) {
      send_status_ = SendCall(socket_, call_, tokens_);
      sent_.release();
    }
  }

  const Socket socket_;
  const ResultBytes bytes_;
  const Pages results_;

  // Handed over by begin_ to the sender, and by sent_ back.
  FloorCall call_ = {};
  std::span<const std::byte> tokens_;
  absl::Status send_status_;
  bool stopping_ = false;

  std::binary_semaphore begin_{0};
  std::binary_semaphore sent_{0};
  std::jthread sender_{[this] { SendCalls(); }};
};

}  // namespace

absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectBufferedFloor(const PathTarget& target) {
  MASKD_ASSIGN_OR_RETURN(Socket socket, ConnectToFloor(target.address));
  return std::make_unique<BufferedFloorPath>(std::move(socket), target.result_bytes);
}

absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectStreamingFloor(const PathTarget& target) {
  MASKD_ASSIGN_OR_RETURN(Socket socket, ConnectToFloor(target.address));
  return std::make_unique<StreamingFloorPath>(std::move(socket), target.result_bytes);
}

}  // namespace maskd::transport
