// From a masking spec to the wire: the mirror of server/decode_request.h.
#ifndef MASKD_CLIENT_ENCODE_REQUEST_H_
#define MASKD_CLIENT_ENCODE_REQUEST_H_

#include <cstdint>
#include <string>

#include "kernels/masking_spec.h"
#include "maskd/v1/masking_service.pb.h"

namespace maskd {

inline constexpr char kGenerateMaskMethod[] = "/maskd.v1.MaskingService/GenerateMask";

// Translate without checking: the server does.
v1::GenerateMaskRequest EncodeGenerateMask(const MaskingSpec& spec);
void EncodeBatchHeader(const MaskingSpec& spec, v1::BatchHeader& header);

// Without tokens, which are the last field: a message goes on with
// EncodePayloadHead and the tokens.
v1::RandomMaskingRequest EncodeRandomMasking(const MaskingSpec& spec);

}  // namespace maskd

#endif  // MASKD_CLIENT_ENCODE_REQUEST_H_
