#include "tests/benchmark/transport/self_signed_certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"

namespace maskd::transport {
namespace {

constexpr long kDay = 24 * 60 * 60;

template <auto kFree>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
using File = std::unique_ptr<std::FILE, FreeWith<std::fclose>>;

bool Sign(X509* certificate, EVP_PKEY* key, const std::string& host) {
  const bool is_address = host.find_first_not_of("0123456789.") == std::string::npos;
  const std::string name = absl::StrCat(is_address ? "IP:" : "DNS:", host);
  const Extension names(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str()));
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const auto* const common_name = reinterpret_cast<const unsigned char*>(host.c_str());
  return names != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kDay) != nullptr &&
         X509_set_pubkey(certificate, key) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1 && X509_add_ext(certificate, names.get(), -1) == 1 &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

absl::Status WriteSelfSignedCertificate(const std::string& host, const std::string& certificate_path,
                                        const std::string& key_path) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  if (key == nullptr || certificate == nullptr || !Sign(certificate.get(), key.get(), host)) {
    return absl::InternalError("libcrypto made no certificate");
  }
  const File key_file(std::fopen(key_path.c_str(), "w"));
  const File certificate_file(std::fopen(certificate_path.c_str(), "w"));
  if (key_file == nullptr || certificate_file == nullptr ||
      PEM_write_PrivateKey(key_file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_X509(certificate_file.get(), certificate.get()) != 1) {
    return absl::UnavailableError(absl::StrCat("cannot write ", key_path, " and ", certificate_path));
  }
  return absl::OkStatus();
}

}  // namespace maskd::transport
