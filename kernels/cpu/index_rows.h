// The loops of gather and scatter: the rows of an index, checked and followed.
#ifndef MASKD_KERNELS_CPU_INDEX_ROWS_H_
#define MASKD_KERNELS_CPU_INDEX_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "kernels/cpu/first_place.h"
#include "kernels/cpu/scan_index.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/masking_plan.h"
#include "kernels/prefetch.h"
#include "kernels/tensor_plans.h"

namespace maskd {

// A row runs along the last dimension of the index. All counts in elements.
class IndexRows {
 public:
  explicit IndexRows(const IndexPlan& plan);

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  std::int64_t size_along_dim() const { return size_along_dim_; }
  // From one place along dim to the next in the input, and from one column.
  std::int64_t dim_stride() const { return dim_stride_; }
  std::int64_t column_stride() const { return column_stride_; }
  // Rows that share their places in the input with no others. Those places are
  // group_input_rows() rows of input_columns(), one behind the other.
  std::int64_t group_rows() const { return group_rows_; }
  std::int64_t group_input_rows() const { return group_input_rows_; }
  std::int64_t input_columns() const { return plan_.input_shape.back(); }

  // Columns that are followed through all rows of a group before the next ones:
  // two cache lines of each row of the input, so that what they choose from at
  // random can be brought into the cache while those before them are followed. 0
  // if the index chooses too few places for that, or they would not stay there.
  std::int64_t band_columns() const { return band_columns_; }

  // Where in the input place 0 of column 0 of a row is; whether that is the same
  // for all rows of a group.
  std::int64_t Base(std::int64_t row) const;
  bool groups_share_base() const { return groups_share_base_; }

 private:
  std::int64_t BandColumns() const;

  const IndexPlan& plan_;
  std::int64_t rows_ = 1;
  std::int64_t columns_;
  std::int64_t size_along_dim_;
  std::int64_t dim_stride_;
  std::int64_t column_stride_;
  std::int64_t group_rows_ = 1;
  std::int64_t group_input_rows_ = 1;
  std::int64_t band_columns_ = 0;
  bool groups_share_base_;
  std::int64_t strides_[kMaxRank] = {};  // of the input; 0 along dim
};

// Calls move(base, first, index, constant) for pieces of rows that cover the index:
// element first + j of the moved array goes with place
// base + index[j] * dim_stride + j * column_stride of the input; `constant` says
// that all of index is the same. Returns the
// position of the first index that is out of range, or -1; its piece is not
// moved. Pieces that share places of the input come in row-major order.
//
// `input` is where the elements of the input are fetched from ahead, if not null.
template <typename Index, typename Move>
std::int64_t ForIndexRows(const IndexPlan& plan, const Index* index, const void* input, ThreadPool& threads,
                          const Move& move) {
  constexpr std::int64_t kRangeBytes = std::int64_t{256} << 10;
  constexpr std::int64_t kMinColumns = 256;
  const IndexRows rows(plan);
  FirstPlace first_bad;
  const auto piece_of = [&](std::int64_t row, std::int64_t begin, std::int64_t end) {
    return std::span<const Index>(index + row * rows.columns() + begin,
                                  static_cast<std::size_t>(end - begin));
  };
  const auto follow = [&](std::int64_t row, std::int64_t base, std::int64_t begin, std::int64_t end) {
    const std::int64_t first = row * rows.columns() + begin;
    const std::span<const Index> piece = piece_of(row, begin, end);
    const IndexScan scan = ScanIndex(piece, rows.size_along_dim());
    if (scan.in_range) return move(base + begin * rows.column_stride(), first, piece, scan.constant);
    std::int64_t bad = first;
    for (std::size_t j = 0; ScanIndex(piece.subspan(j, 1), rows.size_along_dim()).in_range; ++j) ++bad;
    first_bad.Note(bad);
  };

  const auto follow_group = [&](std::int64_t row, std::int64_t begin, std::int64_t end) {
    const std::int64_t base = rows.Base(row);
    const std::int64_t next_row = row + rows.group_rows();
    // An index that is the same along its rows moves pieces, which are better long.
    const bool banded = input != nullptr && rows.band_columns() > 0 && end > begin &&
                        !ScanIndex(piece_of(row, begin, end), rows.size_along_dim()).constant;
    const std::int64_t step = banded ? rows.band_columns() : std::max<std::int64_t>(1, end - begin);
    for (std::int64_t column = begin; column < end; column += step) {
      const bool last = column + step >= end;
      const bool fetches = banded && (!last || (begin == 0 && next_row < rows.rows()));
      const std::int64_t next = fetches && last ? rows.Base(next_row) : base + column + step;
      for (std::int64_t r = 0; r < rows.group_rows(); ++r) {
        if (fetches) {
          const std::int64_t input_end = rows.group_input_rows() * (r + 1) / rows.group_rows();
          for (std::int64_t i = rows.group_input_rows() * r / rows.group_rows(); i < input_end; ++i) {
            PrefetchAll(
                static_cast<const std::byte*>(input) + (next + i * rows.input_columns()) * plan.element_bytes,
                rows.band_columns() * plan.element_bytes);
          }
        }
        follow(row + r, rows.groups_share_base() ? base : rows.Base(row + r), column,
               std::min(column + step, end));
      }
    }
  };

  const std::int64_t group = rows.group_rows();
  const std::int64_t groups = group == 0 ? 0 : rows.rows() / group;
  const std::int64_t bytes = std::max<std::int64_t>(1, plan.element_bytes + IdBytes(plan.index_type));
  if (groups > 1 || rows.column_stride() == 0) {
    const std::int64_t group_bytes = std::max<std::int64_t>(1, group * rows.columns() * bytes);
    const auto range = [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t g = begin; g < end; ++g) follow_group(g * group, 0, rows.columns());
    };
    threads.ForRanges(groups, std::max<std::int64_t>(1, kRangeBytes / group_bytes), std::cref(range));
  } else if (groups == 1) {
    const std::int64_t column_bytes = std::max<std::int64_t>(1, rows.rows() * bytes);
    const auto range = [&](std::int64_t begin, std::int64_t end) { follow_group(0, begin, end); };
    threads.ForRanges(rows.columns(), std::max<std::int64_t>(kMinColumns, kRangeBytes / column_bytes),
                      std::cref(range));
  }
  return first_bad.value();
}

}  // namespace maskd

#endif  // MASKD_KERNELS_CPU_INDEX_ROWS_H_
