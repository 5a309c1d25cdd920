// The way from absl::Status and exceptions to maskd_error.
#ifndef MASKD_CLIENT_C_ABI_ERROR_H_
#define MASKD_CLIENT_C_ABI_ERROR_H_

#include <exception>
#include <new>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "client/maskd.h"

struct maskd_error {
  absl::StatusCode code;
  std::string code_name;
  std::string message;
};

namespace maskd {

// NULL of OK. Throws std::bad_alloc.
maskd_error* MakeError(const absl::Status& status);

// One that needs no memory; maskd_error_free leaves it alone.
maskd_error* OutOfMemory() noexcept;

// What `body` returns, an absl::Status, or throws.
template <typename Body>
maskd_error* Guarded(const Body& body) noexcept {
  try {
    try {
      return MakeError(body());
    } catch (const std::bad_alloc&) {
      return OutOfMemory();
    } catch (const std::exception& error) {
      return MakeError(absl::InternalError(absl::StrCat("libmaskd: ", error.what())));
    }
  } catch (...) {
    return OutOfMemory();
  }
}

}  // namespace maskd

#endif  // MASKD_CLIENT_C_ABI_ERROR_H_
