// Encode: from a plan to the response that its results are written into.
//
// A response is one buffer that is serialized before its results are known:
// every size follows from the plan, so tags and lengths are written first, and
// masker and gather write the rest where it is sent from.
#ifndef MASKD_SERVER_ENCODE_RESPONSE_H_
#define MASKD_SERVER_ENCODE_RESPONSE_H_

#include <cstdint>
#include <string>

#include "kernels/masker.h"
#include "kernels/masking_plan.h"
#include "server/reply_pool.h"

namespace maskd {

struct ReservedResponse {
  ReplyPool::Buffer buffer;  // the serialized message, but for the results
  MaskingBuffers results;    // where they go in it; `tokens` is null
};

// A GenerateMaskResponse.
ReservedResponse ReserveGenerateMask(const MaskingPlan& plan, const std::string& backend, ReplyPool& pool);

// A RandomMaskingResponse; `token_type` is what `plan` was made from.
ReservedResponse ReserveRandomMasking(const MaskingPlan& plan, const TokenType& token_type,
                                      const std::string& backend, ReplyPool& pool);

// A StreamRandomMaskingResponse with the samples of `plan`, the first of which
// is sample `first_sample` of batch `batch_index`.
ReservedResponse ReserveStreamPart(const MaskingPlan& plan, const TokenType& token_type,
                                   std::int64_t batch_index, std::int64_t first_sample,
                                   const std::string& backend, ReplyPool& pool);

}  // namespace maskd

#endif  // MASKD_SERVER_ENCODE_RESPONSE_H_
