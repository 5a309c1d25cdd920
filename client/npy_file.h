// Arrays in NumPy's .npy format.
//
// Source: numpy.lib.format, versions 1.0 to 3.0.
#ifndef MASKD_CLIENT_NPY_FILE_H_
#define MASKD_CLIENT_NPY_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace maskd {

// A row-major array of fixed-size elements.
struct NpyArray {
  std::string descr;                // NumPy's element type, such as "<f4"
  std::int64_t element_bytes = 0;   // >= 1
  std::vector<std::int64_t> shape;  // every size >= 0
  std::unique_ptr<std::byte[]> data;
  std::int64_t data_bytes = 0;  // product of shape * element_bytes

  std::span<const std::byte> bytes() const { return {data.get(), static_cast<std::size_t>(data_bytes)}; }
};

// Reads an array of numbers, bools or raw bytes ("V") of up to 16 bytes an
// element. Reads and allocates no more than the file has.
//
// Returns NOT_FOUND if the file cannot be opened, and INVALID_ARGUMENT, with
// the path and what is wrong, if it is not such an array: cut short or longer
// than its header says, in column-major order, of Python objects.
absl::StatusOr<NpyArray> ReadNpy(const std::string& path);

// Writes an array, replacing the file.
//
// Returns UNAVAILABLE if the file cannot be written.
absl::Status WriteNpy(const std::string& path, const std::string& descr, std::span<const std::int64_t> shape,
                      std::span<const std::byte> data);

}  // namespace maskd

#endif  // MASKD_CLIENT_NPY_FILE_H_
