// Memory that notices writes beside it.
#ifndef MASKD_TESTS_CONTRACT_GUARDED_BYTES_H_
#define MASKD_TESTS_CONTRACT_GUARDED_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace maskd {

// `size` bytes at an address that is `misalignment` (0 to 63) past a multiple
// of 64, between guard bytes.
class GuardedBytes {
 public:
  GuardedBytes(std::int64_t size, std::int64_t misalignment);

  std::byte* data() { return storage_.data() + begin_; }

  // A copy of the bytes.
  std::vector<std::byte> Copy() const;

  // Fails the test, with `what` in the message, if a guard byte was written.
  void ExpectGuardsIntact(std::string_view what) const;

  // Fails the test if any byte at all was written.
  void ExpectUntouched(std::string_view what) const;

 private:
  std::vector<std::byte> storage_;
  std::int64_t begin_;
  std::int64_t size_;
};

}  // namespace maskd

#endif  // MASKD_TESTS_CONTRACT_GUARDED_BYTES_H_
