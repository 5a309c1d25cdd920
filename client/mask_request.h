// A GenerateMask request that is made many times, of other samples each time.
#ifndef MASKD_CLIENT_MASK_REQUEST_H_
#define MASKD_CLIENT_MASK_REQUEST_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "kernels/masking_plan.h"
#include "kernels/masking_spec.h"

namespace maskd {

// Encoded once but for the samples.
class MaskRequest {
 public:
  // The spec must have no token_type, not select kept_tokens, and count its samples up
  // from first_sample_id. It need not be kept, but its noise must.
  //
  // Returns INVALID_ARGUMENT as MakeMaskingPlan does.
  static absl::StatusOr<MaskRequest> Make(const MaskingSpec& spec);

  // Of the spec; that of other samples has the same sizes.
  const MaskingPlan& plan() const { return plan_; }

  grpc::ByteBuffer Encode(std::uint64_t first_sample_id) const;

 private:
  explicit MaskRequest(const MaskingPlan& plan) : plan_(plan) {}

  MaskingPlan plan_;
  std::string encoded_;
};

}  // namespace maskd

#endif  // MASKD_CLIENT_MASK_REQUEST_H_
