#include "client/flags/tls_flags.h"

#include "proto/pem_option.h"

namespace maskd {

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
