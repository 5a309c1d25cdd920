// Certificates and keys, before gRPC takes them: it would say nothing until callers come.
#ifndef MASKD_SERVER_CHECK_TLS_H_
#define MASKD_SERVER_CHECK_TLS_H_

#include <string>

#include "absl/status/status.h"

namespace maskd {

// All in PEM. Returns INVALID_ARGUMENT unless `certificate_chain` begins with the certificate
// of `private_key`, and `client_certificates` are such or empty.
absl::Status CheckTls(const std::string& certificate_chain, const std::string& private_key,
                      const std::string& client_certificates);

}  // namespace maskd

#endif  // MASKD_SERVER_CHECK_TLS_H_
