#include "client/flags/tls_flags.h"

#include <fstream>
#include <iterator>

namespace maskd {
namespace {

// Empty if there is no path.
std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

void TlsFlags::AddTo(CLI::App& command) {
  auto* const ca_option =
      command
          .add_option("--tls_ca", ca, "certificates in PEM that the server's must be signed by: speak TLS")
          ->check(CLI::ExistingFile);
  auto* const key_option =
      command.add_option("--tls_key", key, "private key in PEM, of --tls_cert")->check(CLI::ExistingFile);
  auto* const cert_option =
      command.add_option("--tls_cert", cert, "certificate chain in PEM, for a server with --tls_client_ca")
          ->check(CLI::ExistingFile)
          ->needs(ca_option)
          ->needs(key_option);
  key_option->needs(cert_option);
}

void TlsFlags::Apply(MaskingClient::Options& options) const {
  options.tls_root_certificates = ReadFile(ca);
  options.tls_certificate_chain = ReadFile(cert);
  options.tls_private_key = ReadFile(key);
}

}  // namespace maskd
