// The flags that have a client speak TLS.
#ifndef MASKD_CLIENT_FLAGS_TLS_FLAGS_H_
#define MASKD_CLIENT_FLAGS_TLS_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "client/masking_client.h"

namespace maskd {

struct TlsFlags {
  std::string ca;    // path; empty: no TLS
  std::string cert;  // path; empty: this client shows no certificate
  std::string key;   // path

  void AddTo(CLI::App& command);

  // Reads the files, and sets what the flags say.
  void Apply(MaskingClient::Options& options) const;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_FLAGS_TLS_FLAGS_H_
