#include "client/flags/tls_flags.h"

#include <fstream>
#include <iterator>

namespace maskd {
namespace {

// The text of the file that `flag` names; throws what CLI11 prints if there is none.
// Without it a connection would not speak TLS.
std::string ReadPem(const char* flag, const std::string& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) throw CLI::ValidationError(flag, "cannot read " + path);
  if (text.empty()) throw CLI::ValidationError(flag, path + " is empty");
  return text;
}

CLI::Option* AddPemOption(CLI::App& command, const char* name, std::string& text, const char* description) {
  return command
      .add_option_function<std::string>(
          name, [name, &text](const std::string& path) { text = ReadPem(name, path); }, description)
      ->check(CLI::ExistingFile);
}

}  // namespace

void TlsFlags::AddTo(CLI::App& command) {
  auto* const ca_option = AddPemOption(command, "--tls_ca", ca,
                                       "certificates in PEM that the server's must be signed by: speak TLS");
  auto* const key_option = AddPemOption(command, "--tls_key", key, "private key in PEM, of --tls_cert");
  auto* const cert_option = AddPemOption(command, "--tls_cert", cert,
                                         "certificate chain in PEM, for a server with --tls_client_ca");
  cert_option->needs(ca_option)->needs(key_option);
  key_option->needs(cert_option);
}

void TlsFlags::Apply(MaskingClient::Options& options) const {
  options.tls_root_certificates = ca;
  options.tls_certificate_chain = cert;
  options.tls_private_key = key;
}

}  // namespace maskd
