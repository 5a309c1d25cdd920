// Scratch memory that is cheap to have for short sequences.
#ifndef MASKD_KERNELS_CPU_SCRATCH_ARRAY_H_
#define MASKD_KERNELS_CPU_SCRATCH_ARRAY_H_

#include <array>
#include <cstddef>
#include <memory>
#include <span>

namespace maskd {

// `size` elements that are not initialized: up to `kFew` of them in the object,
// more on the heap.
template <typename Element, std::size_t kFew>
class ScratchArray {
 public:
  // Throws std::bad_alloc.
  explicit ScratchArray(std::size_t size)
      : many_(size > kFew ? std::make_unique_for_overwrite<Element[]>(size) : nullptr),
        elements_(many_ != nullptr ? many_.get() : few_.data(), size) {}

  ScratchArray(const ScratchArray&) = delete;
  ScratchArray& operator=(const ScratchArray&) = delete;

  std::span<Element> elements() { return elements_; }

 private:
  std::array<Element, kFew> few_;
  const std::unique_ptr<Element[]> many_;
  const std::span<Element> elements_;
};

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_SCRATCH_ARRAY_H_
