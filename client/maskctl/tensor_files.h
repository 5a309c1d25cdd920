// Tensors in .npy files.
#ifndef MASKD_CLIENT_MASKCTL_TENSOR_FILES_H_
#define MASKD_CLIENT_MASKCTL_TENSOR_FILES_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/npy_file.h"
#include "client/tensor.h"

namespace maskd {

// What the elements of a tensor are for.
enum class TensorUse {
  kMoved,    // any type
  kFloats,   // float32, float16 or float64
  kIndex,    // int64 or int32
  kIds,      // int64, int32 or uint16
  kBoolean,  // bool, uint8 or float32
};

// A tensor and where it came from.
struct TensorFile {
  NpyArray array;

  // Bools are uint8; what the wire has no type for is moved by its size.
  TensorView view() const;
};

// Reads the file that `flag`, such as "--index", names.
//
// Returns the errors of ReadNpy, and INVALID_ARGUMENT if elements of that type
// have no such use.
absl::StatusOr<TensorFile> ReadTensor(const std::string& flag, const std::string& path, TensorUse use);

// Writes `tensor` with elements of NumPy's type `descr`, and says so.
absl::Status WriteTensor(const std::string& path, const std::string& descr, const Tensor& tensor);

// Adds an option that names a .npy file, of which `what` says what it has.
CLI::Option* AddFileOption(CLI::App& command, const std::string& flag, std::string& path,
                           const std::string& what);

}  // namespace maskd

#endif  // MASKD_CLIENT_MASKCTL_TENSOR_FILES_H_
