// From the wire to the caller's buffers: the mirror of server/encode_response.h.
#ifndef MASKD_CLIENT_DECODE_RESPONSE_H_
#define MASKD_CLIENT_DECODE_RESPONSE_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/masking_client.h"
#include "kernels/masker.h"
#include "kernels/masking_plan.h"

namespace maskd {

// The parts of `results` that samples from `first` on are written to.
MaskingBuffers ResultsOfSamples(const MaskingPlan& plan, const MaskingBuffers& results, std::int64_t first);

// INTERNAL, of an answer that is not what was asked for.
absl::Status MalformedAnswer(absl::string_view message);

// Whether `status` comes of that, and not of the server.
bool IsMalformedAnswer(const absl::Status& status);

// Parses a response that has no payload. Returns MalformedAnswer if it is none of `message`'s.
absl::Status ParseResponse(const grpc::ByteBuffer& response, google::protobuf::MessageLite& message);

// Each checks a response against the plan of its request and copies what was
// selected into `results`.
//
// Returns MalformedAnswer if it is not what was asked for.
absl::Status DecodeGenerateMask(const grpc::ByteBuffer& response, const MaskingPlan& plan,
                                const MaskingBuffers& results, MaskingFacts& facts);
absl::Status DecodeRandomMasking(const grpc::ByteBuffer& response, const MaskingPlan& plan,
                                 const MaskingBuffers& results, MaskingFacts& facts);

// A part of batch `batch_index`, which must begin with `*next_sample` of its
// `plan`; `*next_sample` becomes the one after it.
absl::Status DecodeStreamPart(const grpc::ByteBuffer& response, const MaskingPlan& plan,
                              std::int64_t batch_index, const MaskingBuffers& results,
                              std::int64_t* next_sample, MaskingFacts& facts);

}  // namespace maskd

#endif  // MASKD_CLIENT_DECODE_RESPONSE_H_
