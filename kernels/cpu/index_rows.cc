#include "kernels/cpu/index_rows.h"

#include "kernels/prefetch.h"

namespace maskd {

IndexRows::IndexRows(const IndexPlan& plan) : plan_(plan) {
  const std::size_t last = plan.index_shape.size() - 1;
  std::int64_t stride = 1;
  for (std::size_t d = last + 1; d-- > 0;) {
    strides_[d] = stride;
    stride *= plan.input_shape[d];
  }
  columns_ = plan.index_shape[last];
  size_along_dim_ = plan.input_shape[plan.dim];
  dim_stride_ = strides_[plan.dim];
  column_stride_ = plan.dim == last ? 0 : 1;
  strides_[plan.dim] = 0;
  groups_share_base_ = plan.dim + 2 >= plan.index_shape.size();
  for (std::size_t d = 0; d < last; ++d) rows_ *= plan.index_shape[d];
  for (std::size_t d = plan.dim; d < last; ++d) {
    group_rows_ *= plan.index_shape[d];
    group_input_rows_ *= plan.input_shape[d];
  }
  if (column_stride_ == 1) band_columns_ = BandColumns();
}

std::int64_t IndexRows::BandColumns() const {
  constexpr std::int64_t kBandBytes = 2 * kCacheLineBytes;
  constexpr std::int64_t kMaxInputRows = 8192;  // 1 MiB
  if (plan_.element_bytes < 1 || plan_.element_bytes > kMaxElementBytes) return 0;
  if (group_input_rows_ > kMaxInputRows) return 0;
  const std::int64_t lines = group_input_rows_ * input_columns() * plan_.element_bytes / kCacheLineBytes;
  return group_rows_ * columns_ >= lines / 2 ? kBandBytes / plan_.element_bytes : 0;
}

std::int64_t IndexRows::Base(std::int64_t row) const {
  std::int64_t base = 0;
  for (std::size_t d = plan_.index_shape.size() - 1; d-- > 0;) {
    base += row % plan_.index_shape[d] * strides_[d];
    row /= plan_.index_shape[d];
  }
  return base;
}

}  // namespace maskd
