// maskd.v1.MaskingService, TensorService and grpc.health.v1.Health on pollers.
#ifndef MASKD_SERVER_MASKING_SERVICE_H_
#define MASKD_SERVER_MASKING_SERVICE_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "maskd/v1/masking_service.grpc.pb.h"
#include "maskd/v1/tensor_service.grpc.pb.h"
#include "server/calls.h"
#include "server/event.h"
#include "server/live_count.h"
#include "server/poller.h"

namespace maskd {

// Accepts calls on threads that poll. Small calls run there; the long copies of
// others run on the bulk workers.
//
// Messages are bytes to gRPC, so that tokens are not copied into messages of
// protobuf. The two methods with tokens are accepted by their headers alone:
// nothing is read before there is room for it.
class MaskingService {
 public:
  // `parts` must outlive the service.
  explicit MaskingService(CallParts& parts) : parts_(parts) {}
  ~MaskingService() { Stop(); }

  MaskingService(const MaskingService&) = delete;
  MaskingService& operator=(const MaskingService&) = delete;

  // To be called before the server is built.
  void Register(grpc::ServerBuilder& builder, int num_pollers);

  // To be called once the server is built.
  void Serve();

  // Waits until every call has ended, without a bound, and stops the threads. To
  // be called when the server has been shut down, and before it is destroyed.
  void Stop();

 private:
  using Methods = v1::MaskingService::WithRawMethod_GenerateMask<
      v1::MaskingService::WithRawMethod_GetServerInfo<v1::MaskingService::WithGenericMethod_RandomMasking<
          v1::MaskingService::WithGenericMethod_StreamRandomMasking<
              v1::MaskingService::WithGenericMethod_RestoreTokens<v1::MaskingService::Service>>>>>;
  using Tensors = v1::TensorService;
  // All of them are served as generic calls; registered to be found by reflection.
  using TensorMethods = Tensors::WithGenericMethod_Gather<
      Tensors::WithGenericMethod_Scatter<Tensors::WithGenericMethod_ScatterAdd<
          Tensors::WithGenericMethod_MaskedSelect<Tensors::WithGenericMethod_PadSequences<
              Tensors::WithGenericMethod_MaskedNllLoss<Tensors::WithGenericMethod_MaskedReconstructionLoss<
                  Tensors::WithGenericMethod_StreamTensors<Tensors::Service>>>>>>>>;

  using HealthMethods = grpc::health::v1::Health::WithRawMethod_Check<
      grpc::health::v1::Health::WithGenericMethod_Watch<grpc::health::v1::Health::Service>>;

  // Accept calls of one method, or of all others, until the server shuts down.
  Detached AcceptGenerateMask(Poller& poller);
  Detached AcceptGetServerInfo(Poller& poller);
  Detached AcceptHealthCheck(Poller& poller);
  Detached AcceptOthers(Poller& poller);

  CallParts& parts_;
  Methods methods_;
  TensorMethods tensor_methods_;
  HealthMethods health_methods_;
  grpc::AsyncGenericService others_;
  std::vector<std::unique_ptr<Poller>> pollers_;
  LiveCount live_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_MASKING_SERVICE_H_
