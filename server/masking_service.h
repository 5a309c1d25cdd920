// maskd.v1.MaskingService on a masker.
#ifndef MASKD_SERVER_MASKING_SERVICE_H_
#define MASKD_SERVER_MASKING_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "kernels/masker.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "server/call_gate.h"
#include "server/limits.h"

namespace maskd {

// Translates, delegates, translates: decode_request.h, kernels/masker.h,
// encode_response.h. Thread-safe.
class MaskingService final : public v1::MaskingService::Service {
 public:
  // `masker` and `gate` must outlive the service.
  MaskingService(Masker* masker, CallGate* gate, const Limits& limits);

  grpc::Status RandomMasking(grpc::ServerContext* context, const v1::RandomMaskingRequest* request,
                             v1::RandomMaskingResponse* response) override;
  grpc::Status GenerateMask(grpc::ServerContext* context, const v1::GenerateMaskRequest* request,
                            v1::GenerateMaskResponse* response) override;
  grpc::Status GetServerInfo(grpc::ServerContext* context, const v1::GetServerInfoRequest* request,
                             v1::GetServerInfoResponse* response) override;

 private:
  Masker* const masker_;
  CallGate* const gate_;
  const Limits limits_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_MASKING_SERVICE_H_
