// TLS for a run.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_SELF_SIGNED_CERTIFICATE_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_SELF_SIGNED_CERTIFICATE_H_

#include <string>

#include "absl/status/status.h"

namespace maskd::transport {

// Writes a new P-256 key and a certificate of it for `host`, valid for a day, as
// PEM files.
absl::Status WriteSelfSignedCertificate(const std::string& host, const std::string& certificate_path,
                                        const std::string& key_path);

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_SELF_SIGNED_CERTIFICATE_H_
