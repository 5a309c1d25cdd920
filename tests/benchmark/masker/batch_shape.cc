#include "tests/benchmark/masker/batch_shape.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace maskd::bench {

std::string BatchShape::Name() const {
  return absl::StrCat("N=", batch_size, " L=", sequence_length, " K=", num_keep, " B=", token_bytes);
}

std::vector<BatchShape> FigureShapes() {
  return {{1024, 196, 49, 768 * 4}, {1024, 196, 49, 768 * 2}, {256, 196, 49, 768 * 4},
          {256, 196, 49, 768 * 2},  {4096, 196, 49, 0},       {16, 65536, 16384, 0}};
}

std::vector<BatchShape> GridShapes() {
  std::vector<BatchShape> shapes;
  for (const std::int64_t batch_size : {1, 16, 64, 256, 1024, 4096}) {
    for (const std::int64_t length : {49, 196, 576, 1568, 4096, 65536}) {
      for (const std::int64_t token_bytes : {768 * 2, 768 * 4, 1024 * 2, 1280 * 4, 588}) {
        for (const double share : {0.1, 0.25, 0.5}) {
          const auto num_keep = static_cast<std::int64_t>(static_cast<double>(length) * share);
          shapes.push_back({batch_size, length, num_keep, token_bytes});
        }
      }
    }
  }
  return shapes;
}

std::vector<BatchShape> QuickShapes() {
  std::vector<BatchShape> shapes = GridShapes();
  std::erase_if(shapes, [](const BatchShape& shape) {
    return shape.sequence_length != 196 || shape.num_keep != 49 || shape.token_bytes != 768 * 4;
  });
  return shapes;
}

}  // namespace maskd::bench
