#include "client/connection.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "proto/left_out.h"

namespace maskd {

Connection::Connection(std::string address, Options options)
    : address_(std::move(address)), options_(std::move(options)), channel_(MakeChannel()) {}

std::shared_ptr<grpc::Channel> Connection::channel() const {
  const std::lock_guard lock(mutex_);
  return channel_;
}

void Connection::BreakOff(const std::shared_ptr<grpc::Channel>& channel) {
  if (address_.empty()) return;
  const std::lock_guard lock(mutex_);
  if (channel_ != channel) return;
  sockets_.ShutDown();
  sockets_ = {};
  channel_ = MakeChannel();
}

std::shared_ptr<grpc::Channel> Connection::MakeChannel() {
  grpc::ChannelArguments arguments;
  sockets_.HoldThoseOf(arguments);
  arguments.SetMaxReceiveMessageSize(
      static_cast<int>(std::min<std::int64_t>(options_.max_message_bytes, std::numeric_limits<int>::max())));
  arguments.SetMaxSendMessageSize(-1);
  // Channels to one address would share a socket.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  for (const char* const argument : kLeftOutArguments) arguments.SetInt(argument, 0);
  if (!options_.transparent_retries) arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // So that a server that is back is found before the attempts are used up.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // How long making a connection may take, handshakes included.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  // So that a server that is gone without a word is noticed.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  // As the server has it, for the same reasons.
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 8 << 20);
  arguments.SetInt(GRPC_ARG_TCP_MIN_READ_CHUNK_SIZE, 1 << 20);
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (!options_.tls_root_certificates.empty() && !absl::StartsWith(address_, "unix:")) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = options_.tls_root_certificates;
    tls.pem_cert_chain = options_.tls_certificate_chain;
    tls.pem_private_key = options_.tls_private_key;
    credentials = grpc::SslCredentials(tls);
  }
  return grpc::CreateCustomChannel(address_, credentials, arguments);
}

absl::Status CheckAddress(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("address is \"", address, "\"; it must be host:port or unix:path"));
  }
  // gRPC would take what is left of it in 16 bits.
  const std::string port = address.substr(colon + 1);
  const bool number = std::ranges::all_of(port, [](unsigned char digit) { return std::isdigit(digit) != 0; });
  std::uint16_t value = 0;
  if (number && !absl::StartsWith(address, "unix:") &&
      std::from_chars(port.data(), port.data() + port.size(), value).ec != std::errc()) {
    return absl::InvalidArgumentError(absl::StrCat("address is \"", address, "\"; a port is at most 65535"));
  }
  return absl::OkStatus();
}

}  // namespace maskd
