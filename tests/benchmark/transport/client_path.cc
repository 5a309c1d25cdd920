#include <chrono>
#include <fstream>
#include <limits>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/masking_client.h"
#include "client/result_layout.h"
#include "kernels/status_macros.h"
#include "tests/benchmark/transport/masking_path.h"

namespace maskd::transport {
namespace {

// Of a call, with all the times that the server has no room for it.
constexpr std::chrono::minutes kTimeout{4};

class ClientPath final : public MaskingPath {
 public:
  ClientPath(std::unique_ptr<MaskingClient> client, const ResultBytes& bytes)
      : client_(std::move(client)),
        bytes_(bytes),
        memory_(bytes.total()),
        results_(LayOutResults(bytes, memory_.data())) {}

  absl::StatusOr<ResultSpans> Mask(const MaskingSpec& spec, std::span<const std::byte> tokens) override {
    MASKD_RETURN_IF_ERROR(client_->RandomMasking(spec, tokens, results_).status());
    return SpansOf(bytes_, results_);
  }

 private:
  const std::unique_ptr<MaskingClient> client_;
  const ResultBytes bytes_;
  const Pages memory_;
  const MaskingBuffers results_;
};

absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectClient(const PathTarget& target,
                                                           std::int64_t stream_from_bytes) {
  MaskingClient::Options options = {.timeout = kTimeout, .stream_from_bytes = stream_from_bytes};
  if (!target.root_certificate.empty()) {
    std::ifstream file(target.root_certificate);
    std::ostringstream pem;
    pem << file.rdbuf();
    if (!file || pem.view().empty()) {
      return absl::NotFoundError(absl::StrCat("cannot read ", target.root_certificate));
    }
    options.tls_root_certificates = std::move(pem).str();
  }
  MASKD_ASSIGN_OR_RETURN(auto client, MaskingClient::Connect(target.address, options));
  return std::make_unique<ClientPath>(std::move(client), target.result_bytes);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectUnary(const PathTarget& target) {
  return ConnectClient(target, std::numeric_limits<std::int64_t>::max());
}

absl::StatusOr<std::unique_ptr<MaskingPath>> ConnectStream(const PathTarget& target) {
  return ConnectClient(target, 0);
}

}  // namespace maskd::transport
