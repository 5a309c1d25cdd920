// The unary calls of bulk, and the operations of streamed tensors: by name and
// number.
#ifndef MASKD_SERVER_BULK_WORKS_H_
#define MASKD_SERVER_BULK_WORKS_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <string_view>

#include "absl/status/statusor.h"
#include "server/calls.h"
#include "server/tensor_call.h"

namespace maskd {

// The method of this path; null if it is none of these.
const BulkMethod* FindBulkMethod(std::string_view path);

// The operation of field `number` of StreamTensorsRequest; null if there is none.
TensorPlanner FindStreamedOperation(int number);

// maskd.v1.MaskingService/RandomMasking.
absl::StatusOr<grpc::Slice> RandomMasking(const grpc::ByteBuffer& request, const CallParts& parts,
                                          const IsCancelled& is_cancelled,
                                          ByteBudget::Reservation& reservation, CallRecord& record);

}  // namespace maskd

#endif  // MASKD_SERVER_BULK_WORKS_H_
