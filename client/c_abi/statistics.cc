#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/c_abi/client.h"
#include "client/c_abi/error.h"
#include "client/client_statistics.h"
#include "client/maskd_statistics.h"
#include "client/masking_client.h"
#include "client/sharded_client.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

// A list as C sees it, whose elements may grow in later versions.
template <typename Element>
struct PointedAt {
  std::vector<Element> elements;
  std::vector<const Element*> pointers;

  void Point() {
    for (const Element& element : elements) pointers.push_back(&element);
  }
};

// What is behind a maskd_statistics, and what its pointers refer to.
struct OwnedStatistics : maskd_statistics {
  ClientStatistics values;
  PointedAt<maskd_replica> listed;
};

struct OwnedServerInfo : maskd_server_info {
  ServerInfo values;
  PointedAt<maskd_device> listed;
};

std::unique_ptr<OwnedStatistics> Own(ClientStatistics values) {
  auto owned = std::make_unique<OwnedStatistics>();
  owned->values = std::move(values);
  const ClientStatistics& from = owned->values;
  for (const ClientStatistics::Replica& replica : from.replicas) {
    owned->listed.elements.push_back({.struct_size = sizeof(maskd_replica),
                                      .address = replica.address.c_str(),
                                      .healthy = replica.healthy,
                                      .calls = replica.calls,
                                      .samples = replica.samples,
                                      .failures = replica.failures,
                                      .samples_per_second = replica.samples_per_second});
  }
  owned->listed.Point();
  static_cast<maskd_statistics&>(*owned) = {.struct_size = sizeof(maskd_statistics),
                                            .calls = from.calls,
                                            .failed_calls = from.failed_calls,
                                            .retries = from.retries,
                                            .fallbacks = from.fallbacks,
                                            .bytes_sent = from.bytes_sent,
                                            .bytes_received = from.bytes_received,
                                            .wait_seconds = from.wait_seconds,
                                            .waits = from.waits,
                                            .num_replicas = owned->listed.pointers.size(),
                                            .replicas = owned->listed.pointers.data()};
  return owned;
}

std::unique_ptr<OwnedServerInfo> Own(ServerInfo values) {
  auto owned = std::make_unique<OwnedServerInfo>();
  owned->values = std::move(values);
  const ServerInfo& from = owned->values;
  for (const DeviceState& device : from.devices) {
    owned->listed.elements.push_back({.struct_size = sizeof(maskd_device),
                                      .id = device.id.c_str(),
                                      .backend = device.backend.c_str(),
                                      .name = device.name.c_str(),
                                      .healthy = device.healthy,
                                      .error = device.error.c_str()});
  }
  owned->listed.Point();
  static_cast<maskd_server_info&>(*owned) = {.struct_size = sizeof(maskd_server_info),
                                             .version = from.version.c_str(),
                                             .backend = from.backend.c_str(),
                                             .device_name = from.device_name.c_str(),
                                             .algorithm_version = from.algorithm_version,
                                             .max_message_bytes = from.max_message_bytes,
                                             .max_sequence_length = from.max_sequence_length,
                                             .max_batch_tokens = from.max_batch_tokens,
                                             .max_element_bytes = from.max_element_bytes,
                                             .max_inflight_bytes = from.max_inflight_bytes,
                                             .num_devices = owned->listed.pointers.size(),
                                             .devices = owned->listed.pointers.data()};
  return owned;
}

}  // namespace
}  // namespace maskd

using maskd::Guarded;

extern "C" {

maskd_error* maskd_get_statistics(const maskd_client* client, maskd_statistics** statistics) {
  return Guarded([&]() -> absl::Status {
    *statistics = nullptr;
    MASKD_RETURN_IF_ERROR(maskd::CheckClient(client));
    *statistics = maskd::Own(client->client->statistics()).release();
    return absl::OkStatus();
  });
}

void maskd_statistics_free(maskd_statistics* statistics) {
  delete static_cast<maskd::OwnedStatistics*>(statistics);
}

maskd_error* maskd_get_prometheus_text(const maskd_client* client, char** text) {
  return Guarded([&]() -> absl::Status {
    *text = nullptr;
    MASKD_RETURN_IF_ERROR(maskd::CheckClient(client));
    const std::string written = maskd::PrometheusText(client->client->statistics());
    *text = strdup(written.c_str());
    return *text != nullptr ? absl::OkStatus() : absl::ResourceExhaustedError("out of memory");
  });
}

void maskd_text_free(char* text) { std::free(text); }

void maskd_add_wait(maskd_client* client, int64_t nanoseconds) {
  if (maskd::CheckClient(client).ok()) client->client->AddWait(std::chrono::nanoseconds(nanoseconds));
}

maskd_error* maskd_get_server_info(maskd_client* client, const maskd_call_limits* limits,
                                   maskd_server_info** info) {
  return Guarded([&]() -> absl::Status {
    *info = nullptr;
    MASKD_RETURN_IF_ERROR(maskd::CheckClient(client));
    MASKD_ASSIGN_OR_RETURN(const maskd::CallLimits call_limits, maskd::DecodeCallLimits(limits));
    MASKD_ASSIGN_OR_RETURN(maskd::ServerInfo values, client->client->GetServerInfo(call_limits));
    *info = maskd::Own(std::move(values)).release();
    return absl::OkStatus();
  });
}

void maskd_server_info_free(maskd_server_info* info) { delete static_cast<maskd::OwnedServerInfo*>(info); }

}  // extern "C"
