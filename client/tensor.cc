#include "client/tensor.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace maskd {

absl::Status CheckData(absl::string_view name, const TensorView& tensor) {
  const TensorForm& form = tensor.form;
  if (form.bytes() >= 0 && tensor.data.size() == static_cast<std::uint64_t>(form.bytes()))
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " has ", tensor.data.size(), " bytes; its shape ",
                                                 ShapeName(form.shape), " of ", form.element_bytes(),
                                                 "-byte elements has another number"));
}

}  // namespace maskd
