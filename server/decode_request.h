// Decode: from the wire to a masking spec.
#ifndef MASKD_SERVER_DECODE_REQUEST_H_
#define MASKD_SERVER_DECODE_REQUEST_H_

#include "absl/status/statusor.h"
#include "kernels/masking_spec.h"
#include "maskd/v1/masking_service.pb.h"

namespace maskd {

// Translates, and checks only what a MaskingSpec cannot express; the rules of
// the fields are MakeMaskingPlan's. The spec refers to the sample ids and noise
// of `request`, which must outlive it.
//
// Returns INVALID_ARGUMENT for a result that is unknown.
absl::StatusOr<MaskingSpec> DecodeSpec(const v1::RandomMaskingRequest& request);
absl::StatusOr<MaskingSpec> DecodeSpec(const v1::BatchHeader& header);
absl::StatusOr<MaskingSpec> DecodeSpec(const v1::GenerateMaskRequest& request);

}  // namespace maskd

#endif  // MASKD_SERVER_DECODE_REQUEST_H_
