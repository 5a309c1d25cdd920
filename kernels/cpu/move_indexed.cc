#include "kernels/cpu/move_indexed.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <vector>

#include "kernels/cpu/index_rows.h"
#include "kernels/float_bits.h"
#include "kernels/float_types.h"
#include "kernels/prefetch.h"
#include "kernels/value_errors.h"

namespace maskd {
namespace {

// An element of 16 bytes.
struct alignas(8) TwoWords {
  std::uint64_t words[2];
};

// Calls visit(Index* of the index).
template <typename Visit>
absl::Status WithIndex(const IndexPlan& plan, const std::byte* index, const Visit& visit) {
  switch (plan.index_type) {
    case IdsType::kInt64:
      return visit(reinterpret_cast<const std::int64_t*>(index));
    case IdsType::kInt32:
      return visit(reinterpret_cast<const std::int32_t*>(index));
    case IdsType::kUint16:
      return visit(reinterpret_cast<const std::uint16_t*>(index));
  }
  return absl::InternalError("index of an unknown type");
}

// Calls visit(place, element) for every element of the moved array and its place
// in the input, both counted in rows. `input` is as of ForIndexRows.
template <typename Index, typename Visit>
std::int64_t ForPairs(const IndexPlan& plan, const Index* index, const void* input, ThreadPool& threads,
                      const Visit& visit) {
  const IndexRows rows(plan);
  const auto move = [&](std::int64_t base, std::int64_t first, std::span<const Index> piece, bool) {
    for (std::size_t j = 0; j < piece.size(); ++j) {
      const auto column = static_cast<std::int64_t>(j);
      visit(base + piece[j] * rows.dim_stride() + column * rows.column_stride(), first + column);
    }
  };
  return ForIndexRows(plan, index, input, threads, move);
}

// Copies rows of bytes. `to_place` says in which direction.
template <typename Index>
std::int64_t MoveRows(const IndexPlan& plan, const Index* index, std::byte* places, std::byte* moved,
                      bool to_place, ThreadPool& threads) {
  const IndexRows rows(plan);
  const std::int64_t bytes = plan.element_bytes;
  const auto move = [&](std::int64_t base, std::int64_t first, std::span<const Index> piece, bool) {
    if (bytes == 0) return;  // and there may be no arrays
    const auto place_of = [&](std::size_t j) {
      const std::int64_t column = static_cast<std::int64_t>(j) * rows.column_stride();
      return places + (base + piece[j] * rows.dim_stride() + column) * bytes;
    };
    for (std::size_t j = 0; j < piece.size(); ++j) {
      std::byte* const row = moved + (first + static_cast<std::int64_t>(j)) * bytes;
      if (to_place) {
        std::memcpy(place_of(j), row, static_cast<std::size_t>(bytes));
      } else {
        if (j + 1 < piece.size()) PrefetchRow(place_of(j + 1), bytes);
        std::memcpy(row, place_of(j), static_cast<std::size_t>(bytes));
      }
    }
  };
  return ForIndexRows(plan, index, places, threads, move);
}

// Moves elements of type Element. An index that is repeated along its rows, as
// torch's users expand one, moves whole pieces.
template <typename Element, typename Index>
std::int64_t MoveElements(const IndexPlan& plan, const Index* index, Element* places, Element* moved,
                          bool to_place, ThreadPool& threads) {
  const IndexRows rows(plan);
  const std::int64_t dim_stride = rows.dim_stride();
  const std::int64_t column_stride = rows.column_stride();
  const auto move = [&](std::int64_t base, std::int64_t first, std::span<const Index> piece, bool constant) {
    if (piece.empty()) return;
    Element* const row = places + base;
    Element* const elements = moved + first;
    if (constant && column_stride == 1) {
      Element* const place = row + piece[0] * dim_stride;
      std::memcpy(to_place ? place : elements, to_place ? elements : place, piece.size() * sizeof(Element));
      return;
    }
    if (!to_place) {
      for (std::size_t j = 0; j < piece.size(); ++j)
        elements[j] = row[piece[j] * dim_stride + static_cast<std::int64_t>(j) * column_stride];
      return;
    }
    for (std::size_t j = 0; j < piece.size(); ++j) {
      row[piece[j] * dim_stride + static_cast<std::int64_t>(j) * column_stride] = elements[j];
    }
  };
  return ForIndexRows(plan, index, places, threads, move);
}

// Whether words of `size` bytes lie at both. A row is aligned to its elements
// alone.
bool AreAligned(const std::byte* a, const std::byte* b, std::int64_t size) {
  const auto word = static_cast<std::uintptr_t>(std::min<std::int64_t>(size, alignof(TwoWords)));
  return (reinterpret_cast<std::uintptr_t>(a) | reinterpret_cast<std::uintptr_t>(b)) % word == 0;
}

// Moves elements in words of their size, or as bytes.
template <typename Index>
std::int64_t Move(const IndexPlan& plan, const Index* index, std::byte* places, std::byte* moved,
                  bool to_place, ThreadPool& threads) {
  const auto as = [&]<typename Element>(Element) {
    return MoveElements(plan, index, reinterpret_cast<Element*>(places), reinterpret_cast<Element*>(moved),
                        to_place, threads);
  };
  const bool words = plan.element_bytes > 0 && AreAligned(places, moved, plan.element_bytes);
  switch (words ? plan.element_bytes : 0) {
    case 1:
      return as(std::uint8_t{});
    case 2:
      return as(std::uint16_t{});
    case 4:
      return as(std::uint32_t{});
    case 8:
      return as(std::uint64_t{});
    case 16:
      return as(TwoWords{});
    default:
      return MoveRows(plan, index, places, moved, to_place, threads);
  }
}

// Adds rows of numbers of type Float.
template <typename Float, typename Index>
std::int64_t Add(const IndexPlan& plan, const Index* index, const Float* src, Float* output,
                 ThreadPool& threads) {
  const std::int64_t width = plan.element_bytes / static_cast<std::int64_t>(sizeof(Float));
  return ForPairs(plan, index, output, threads, [=](std::int64_t place, std::int64_t element) {
    for (std::int64_t w = 0; w < width; ++w) {
      Float& sum = output[place * width + w];
      sum = CanonicalNan(sum + src[element * width + w]);
    }
  });
}

// The same for 16-bit numbers, in a float32 for each number of the output.
template <typename Index>
std::int64_t AddNarrow(const IndexPlan& plan, float (*widen)(std::uint16_t), std::uint16_t (*narrow)(float),
                       const Index* index, const std::uint16_t* src, std::uint16_t* output,
                       ThreadPool& threads) {
  const std::int64_t width = plan.element_bytes / static_cast<std::int64_t>(sizeof(std::uint16_t));
  std::vector<float> sums(static_cast<std::size_t>(plan.input_count * width));
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = widen(output[i]);
  std::vector<std::uint8_t> added(static_cast<std::size_t>(plan.input_count));
  const std::int64_t first_bad =
      ForPairs(plan, index, nullptr, threads, [&](std::int64_t place, std::int64_t element) {
        for (std::int64_t w = 0; w < width; ++w) {
          float& sum = sums[static_cast<std::size_t>(place * width + w)];
          sum = CanonicalNan(sum + widen(src[element * width + w]));
        }
        added[static_cast<std::size_t>(place)] = 1;
      });
  for (std::int64_t place = 0; place < plan.input_count; ++place) {
    if (added[static_cast<std::size_t>(place)] == 0) continue;
    for (std::int64_t i = place * width; i < (place + 1) * width; ++i)
      output[i] = narrow(sums[static_cast<std::size_t>(i)]);
  }
  return first_bad;
}

}  // namespace

absl::Status GatherIndexed(const IndexPlan& plan, const std::byte* input, const std::byte* index,
                           std::byte* output, ThreadPool& threads) {
  return WithIndex(plan, index, [&](const auto* ids) {
    // Read only.
    return IndexError(plan, index, Move(plan, ids, const_cast<std::byte*>(input), output, false, threads));
  });
}

absl::Status ScatterIndexed(const IndexPlan& plan, const std::byte* index, const std::byte* src,
                            std::byte* output, ThreadPool& threads) {
  return WithIndex(plan, index, [&](const auto* ids) {
    // Read only.
    return IndexError(plan, index, Move(plan, ids, output, const_cast<std::byte*>(src), true, threads));
  });
}

absl::Status ScatterAddIndexed(const IndexPlan& plan, FloatType type, const std::byte* index,
                               const std::byte* src, std::byte* output, ThreadPool& threads) {
  return WithIndex(plan, index, [&](const auto* ids) {
    const auto add = [&]<typename Float>(Float) {
      return Add(plan, ids, reinterpret_cast<const Float*>(src), reinterpret_cast<Float*>(output), threads);
    };
    const auto add_narrow = [&](float (*widen)(std::uint16_t), std::uint16_t (*narrow)(float)) {
      return AddNarrow(plan, widen, narrow, ids, reinterpret_cast<const std::uint16_t*>(src),
                       reinterpret_cast<std::uint16_t*>(output), threads);
    };
    try {
      switch (type) {
        case FloatType::kFloat32:
          return IndexError(plan, index, add(float{}));
        case FloatType::kFloat64:
          return IndexError(plan, index, add(double{}));
        case FloatType::kFloat16:
          return IndexError(plan, index, add_narrow(FloatOfHalf, HalfOfFloat));
        case FloatType::kBfloat16:
          return IndexError(plan, index, add_narrow(FloatOfBfloat16, Bfloat16OfFloat));
      }
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError("no memory for the sums of scatter_add; send a smaller tensor");
    }
    return absl::InternalError("numbers of an unknown type");
  });
}

}  // namespace maskd
