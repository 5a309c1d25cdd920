#include "client/maskctl/tensor_files.h"

#include <algorithm>
#include <iostream>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

constexpr struct {
  absl::string_view kind_and_size;  // of NumPy's, behind the byte order
  ElementType type;
} kTypes[] = {
    {"f4", ElementType::kFloat32}, {"f2", ElementType::kFloat16}, {"f8", ElementType::kFloat64},
    {"i8", ElementType::kInt64},   {"i4", ElementType::kInt32},   {"u2", ElementType::kUint16},
    {"u1", ElementType::kUint8},   {"b1", ElementType::kUint8},
};

ElementType TypeOf(absl::string_view descr) {
  if (descr.front() == '>') return ElementType::kOther;
  const auto found =
      std::ranges::find(kTypes, descr.substr(1), [](const auto& entry) { return entry.kind_and_size; });
  return found == std::end(kTypes) ? ElementType::kOther : found->type;
}

struct Uses {
  std::vector<ElementType> types;  // empty: all
  absl::string_view names;
  absl::string_view save_as;  // what an array that has another type may become
};

Uses UsesOf(TensorUse use) {
  using enum ElementType;
  switch (use) {
    case TensorUse::kMoved:
      return {};
    case TensorUse::kFloats:
      return {{kFloat32, kFloat16, kFloat64}, "float32, float16 or float64", "numpy.float32"};
    case TensorUse::kIndex:
      return {{kInt64, kInt32}, "int64 or int32", "numpy.int64"};
    case TensorUse::kIds:
      return {{kInt64, kInt32, kUint16}, "int64, int32 or uint16", "numpy.int64"};
    case TensorUse::kBoolean:
      return {{kUint8, kFloat32}, "bool, uint8 or float32", "bool"};
  }
  return {};
}

}  // namespace

TensorView TensorFile::view() const {
  return {.form = {.type = TypeOf(array.descr), .other_bytes = array.element_bytes, .shape = array.shape},
          .data = array.bytes()};
}

absl::StatusOr<TensorFile> ReadTensor(const std::string& flag, const std::string& path, TensorUse use) {
  TensorFile file;
  MASKD_ASSIGN_OR_RETURN(file.array, ReadNpy(path));
  const Uses uses = UsesOf(use);
  if (uses.types.empty() || std::ranges::count(uses.types, TypeOf(file.array.descr)) > 0) return file;
  return absl::InvalidArgumentError(absl::StrCat(path, " has the element type ", file.array.descr, "; ", flag,
                                                 " is ", uses.names, ", little-endian: save x.astype(",
                                                 uses.save_as, ")"));
}

absl::Status WriteTensor(const std::string& path, const std::string& descr, const Tensor& tensor) {
  MASKD_RETURN_IF_ERROR(WriteNpy(path, descr, tensor.form.shape, tensor.view().data));
  std::cout << path << "  " << descr << " " << ShapeName(tensor.form.shape) << "\n";
  return absl::OkStatus();
}

CLI::Option* AddFileOption(CLI::App& command, const std::string& flag, std::string& path,
                           const std::string& what) {
  return command.add_option(flag, path, what)->type_name("FILE.npy");
}

}  // namespace maskd
