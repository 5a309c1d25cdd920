// From a masking spec to the wire: the mirror of server/decode_request.h.
#ifndef MASKD_CLIENT_ENCODE_REQUEST_H_
#define MASKD_CLIENT_ENCODE_REQUEST_H_

#include "kernels/masking_spec.h"
#include "maskd/v1/masking_service.pb.h"

namespace maskd {

// Translates without checking: the server does. `tokens` of the request is left
// to the caller.
v1::RandomMaskingRequest EncodeRandomMaskingRequest(const MaskingSpec& spec);
v1::GenerateMaskRequest EncodeGenerateMaskRequest(const MaskingSpec& spec);

}  // namespace maskd

#endif  // MASKD_CLIENT_ENCODE_REQUEST_H_
