#include "server/check_tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace maskd {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

// Of a key that has one: OpenSSL would ask the terminal for it.
int NoPassword(char*, int, int, void*) { return 0; }

Bio BioOf(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

Certificate FirstCertificate(const std::string& text) {
  return {PEM_read_bio_X509_AUX(BioOf(text).get(), nullptr, NoPassword, nullptr), &X509_free};
}

}  // namespace

absl::Status CheckTls(const std::string& certificate_chain, const std::string& private_key,
                      const std::string& client_certificates) {
  const Certificate certificate = FirstCertificate(certificate_chain);
  const Key key(PEM_read_bio_PrivateKey(BioOf(private_key).get(), nullptr, NoPassword, nullptr),
                &EVP_PKEY_free);
  const bool pair =
      certificate != nullptr && key != nullptr && X509_check_private_key(certificate.get(), key.get()) == 1;
  const bool for_clients = client_certificates.empty() || FirstCertificate(client_certificates) != nullptr;
  ERR_clear_error();  // gRPC would take what is left in there for its own
  if (certificate == nullptr)
    return absl::InvalidArgumentError("the certificate chain for TLS (--tls_cert) has no certificate in PEM");
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        "the key for TLS (--tls_key) has no private key in PEM, or one with a password");
  }
  if (!pair) {
    return absl::InvalidArgumentError(
        "the key for TLS (--tls_key) is not that of the first certificate of the chain (--tls_cert)");
  }
  if (!for_clients)
    return absl::InvalidArgumentError("the certificates of clients (--tls_client_ca) have none in PEM");
  return absl::OkStatus();
}

}  // namespace maskd
