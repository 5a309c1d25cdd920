#include "client/c_abi/error.h"

namespace maskd {
namespace {

// Made when there was memory.
maskd_error out_of_memory = {absl::StatusCode::kResourceExhausted, "RESOURCE_EXHAUSTED", "out of memory"};

}  // namespace

maskd_error* MakeError(const absl::Status& status) {
  if (status.ok()) return nullptr;
  return new maskd_error{status.code(), absl::StatusCodeToString(status.code()),
                         std::string(status.message())};
}

maskd_error* OutOfMemory() noexcept { return &out_of_memory; }

}  // namespace maskd

extern "C" {

int32_t maskd_error_code(const maskd_error* error) {
  return error == nullptr ? 0 : static_cast<int32_t>(error->code);
}

const char* maskd_error_code_name(const maskd_error* error) {
  return error == nullptr ? "OK" : error->code_name.c_str();
}

const char* maskd_error_message(const maskd_error* error) {
  return error == nullptr ? "" : error->message.c_str();
}

void maskd_error_free(maskd_error* error) {
  if (error != &maskd::out_of_memory) delete error;
}

}  // extern "C"
