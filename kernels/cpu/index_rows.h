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
  // Rows that share their places in the input with no others.
  std::int64_t group_rows() const { return group_rows_; }

  // Where in the input place 0 of column 0 of a row is; whether that is the same
  // for all rows of a group.
  std::int64_t Base(std::int64_t row) const;
  bool groups_share_base() const { return groups_share_base_; }

 private:
  const IndexPlan& plan_;
  std::int64_t rows_ = 1;
  std::int64_t columns_;
  std::int64_t size_along_dim_;
  std::int64_t dim_stride_;
  std::int64_t column_stride_;
  std::int64_t group_rows_ = 1;
  bool groups_share_base_;
  std::int64_t strides_[kMaxRank] = {};  // of the input; 0 along dim
};

// Calls move(base, first, index, constant) for pieces of rows that cover the index: element
// first + j of the moved array goes with place
// base + index[j] * dim_stride + j * column_stride of the input; `constant` says
// that all of index is the same. Returns the
// position of the first index that is out of range, or -1; its piece is not
// moved. Pieces that share places of the input come in row-major order.
template <typename Index, typename Move>
std::int64_t ForIndexRows(const IndexPlan& plan, const Index* index, ThreadPool& threads, const Move& move) {
  constexpr std::int64_t kRangeBytes = std::int64_t{256} << 10;
  constexpr std::int64_t kMinColumns = 256;
  const IndexRows rows(plan);
  FirstPlace first_bad;
  const auto follow = [&](std::int64_t row, std::int64_t base, std::int64_t begin, std::int64_t end) {
    const std::int64_t first = row * rows.columns() + begin;
    const std::span<const Index> piece(index + first, static_cast<std::size_t>(end - begin));
    const IndexScan scan = ScanIndex(piece, rows.size_along_dim());
    if (scan.in_range) return move(base + begin * rows.column_stride(), first, piece, scan.constant);
    std::int64_t bad = first;
    for (std::size_t j = 0; ScanIndex(piece.subspan(j, 1), rows.size_along_dim()).in_range; ++j) ++bad;
    first_bad.Note(bad);
  };

  const auto follow_group = [&](std::int64_t row, std::int64_t begin, std::int64_t end) {
    const std::int64_t base = rows.Base(row);
    for (std::int64_t r = row; r < row + rows.group_rows(); ++r)
      follow(r, rows.groups_share_base() ? base : rows.Base(r), begin, end);
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
