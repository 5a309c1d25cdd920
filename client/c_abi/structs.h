// Structs that begin with struct_size, of callers built with any version of the
// headers.
#ifndef MASKD_CLIENT_C_ABI_STRUCTS_H_
#define MASKD_CLIENT_C_ABI_STRUCTS_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace maskd {

// No version of a struct is larger; a struct_size that is, was not set.
inline constexpr std::size_t kMaxStructBytes = 4096;

template <typename Struct>
absl::Status CheckStructSize(const char* name, const Struct* from) {
  if (from == nullptr) return absl::InvalidArgumentError(absl::StrCat(name, " is NULL"));
  if (from->struct_size < sizeof(std::size_t) || from->struct_size > kMaxStructBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("struct_size of ", name, " is ", from->struct_size, "; it must be that of the struct"));
  }
  return absl::OkStatus();
}

// `from` as this library knows it: with zeros for what an older caller does not
// have. Returns INVALID_ARGUMENT if a newer caller set what this library does not
// have, or struct_size was not set.
template <typename Struct>
absl::StatusOr<Struct> ReadStruct(const char* name, const Struct* from) {
  if (const absl::Status status = CheckStructSize(name, from); !status.ok()) return status;
  const std::size_t size = from->struct_size;
  Struct known = {};
  std::memcpy(&known, from, std::min(size, sizeof(Struct)));
  const std::span bytes(reinterpret_cast<const std::byte*>(from), size);
  if (size > sizeof(Struct) && !std::ranges::all_of(bytes.subspan(sizeof(Struct)),
                                                    [](std::byte byte) { return byte == std::byte{}; })) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " sets a field that this version of libmaskd does not have; take a newer one"));
  }
  return known;
}

// Writes to `to`, whose struct_size has been checked, what its caller knows of
// `values`.
template <typename Struct>
void WriteStruct(Struct values, Struct* to) {
  values.struct_size = to->struct_size;
  std::memcpy(to, &values, std::min(to->struct_size, sizeof(Struct)));
}

}  // namespace maskd

#endif  // MASKD_CLIENT_C_ABI_STRUCTS_H_
