// Encode: from a plan to the response that its results are written into.
#ifndef MASKD_SERVER_ENCODE_RESPONSE_H_
#define MASKD_SERVER_ENCODE_RESPONSE_H_

#include <string>

#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "maskd/v1/masking_service.pb.h"

namespace maskd {

// Fills in all of `response` but the values of the results, and returns where
// the masker writes those. `tokens` is left null.
MaskingBuffers ReserveResponse(const MaskingPlan& plan, const std::string& backend,
                               v1::GenerateMaskResponse* response);

// The same; `request_layout` is the layout that `plan` was made from.
MaskingBuffers ReserveResponse(const MaskingPlan& plan, const std::string& backend,
                               const v1::TokenLayout& request_layout, v1::RandomMaskingResponse* response);

}  // namespace maskd

#endif  // MASKD_SERVER_ENCODE_RESPONSE_H_
