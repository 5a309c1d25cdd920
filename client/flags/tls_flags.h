// The flags that have a client speak TLS.
#ifndef MASKD_CLIENT_FLAGS_TLS_FLAGS_H_
#define MASKD_CLIENT_FLAGS_TLS_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "client/masking_client.h"

namespace maskd {

// The texts of the files that the flags name. See AddPemOption.
struct TlsFlags {
  std::string ca;    // empty: no TLS
  std::string cert;  // empty: this client shows no certificate
  std::string key;

  void AddTo(CLI::App& command);

  // Sets what the flags say.
  void Apply(MaskingClient::Options& options) const;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_FLAGS_TLS_FLAGS_H_
