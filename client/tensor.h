// Tensors as the caller has them.
#ifndef MASKD_CLIENT_TENSOR_H_
#define MASKD_CLIENT_TENSOR_H_

#include <cstddef>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "kernels/tensor_form.h"

namespace maskd {

// A tensor in the caller's memory, from which it is sent.
struct TensorView {
  TensorForm form = {};
  std::span<const std::byte> data = {};  // row-major, little-endian, of any alignment
};

// Returns INVALID_ARGUMENT if the data of `tensor`, called `name`, is not of the
// size of its form.
absl::Status CheckData(absl::string_view name, const TensorView& tensor);

// A tensor in memory of its own.
struct Tensor {
  TensorForm form = {};
  std::string data = {};

  TensorView view() const { return {.form = form, .data = std::as_bytes(std::span(data))}; }
};

}  // namespace maskd

#endif  // MASKD_CLIENT_TENSOR_H_
