// Which batches are sent, and how often each.
#ifndef MASKD_CLIENT_MASKLOAD_SHAPE_MIX_H_
#define MASKD_CLIENT_MASKLOAD_SHAPE_MIX_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace maskd::maskload {

// A batch [N, L, D].
struct BatchShape {
  std::string label;                 // as it was given, without the weight
  std::int64_t batch_size = 0;       // N
  std::int64_t sequence_length = 0;  // L
  std::int64_t token_dim = 0;        // D; 0: masks alone are drawn
  std::int64_t element_bytes = 0;
  double weight = 1;
};

class ShapeMix {
 public:
  // Of "NxLxD:type=weight" with commas or line breaks between, such as
  // "64x196x768:f32=9,1x196x0=1"; what follows a # is not read. Type f32 and weight
  // 1 may be left out; types are f64, f32, f16, bf16, f8, i64, i32, i16, i8, u8.
  //
  // With `masks_alone`, every D is taken as 0.
  //
  // Returns INVALID_ARGUMENT with the entry that is wrong.
  static absl::StatusOr<ShapeMix> Parse(absl::string_view text, bool masks_alone = false);

  const std::vector<BatchShape>& shapes() const { return shapes_; }

  // The shape of call `number`: drawn with the weights as probabilities, the same
  // in every run.
  std::size_t Pick(std::int64_t number) const;

 private:
  std::vector<BatchShape> shapes_;  // at least one
  std::vector<double> ends_;        // of each shape's part of [0, 1]
};

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_SHAPE_MIX_H_
