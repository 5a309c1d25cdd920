// The unary calls of bulk: from request to response.
#ifndef MASKD_SERVER_BULK_WORKS_H_
#define MASKD_SERVER_BULK_WORKS_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <string_view>

#include "absl/status/statusor.h"
#include "server/calls.h"

namespace maskd {

// The method of this name; null if it is none of these.
const BulkMethod* FindBulkMethod(std::string_view name);

// maskd.v1.MaskingService/RandomMasking. The tensor operations are in
// tensor_works.cc.
absl::StatusOr<grpc::Slice> RandomMasking(const grpc::ByteBuffer& request, const CallParts& parts,
                                          const IsCancelled& is_cancelled,
                                          ByteBudget::Reservation& reservation);

}  // namespace maskd

#endif  // MASKD_SERVER_BULK_WORKS_H_
