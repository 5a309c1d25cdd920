#include "proto/retry_info.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cstdint>

#include "google/rpc/status.pb.h"

namespace maskd {

using ::google::protobuf::util::TimeUtil;

std::string EncodeRetryInfo(int code, const std::string& message, std::chrono::milliseconds delay) {
  google::rpc::RetryInfo info;
  *info.mutable_retry_delay() = TimeUtil::MillisecondsToDuration(delay.count());
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(info);
  return status.SerializeAsString();
}

std::optional<std::chrono::milliseconds> DecodeRetryInfo(const std::string& error_details) {
  google::rpc::Status status;
  if (error_details.empty() || !status.ParseFromString(error_details)) return std::nullopt;
  for (const auto& detail : status.details()) {
    google::rpc::RetryInfo info;
    if (!detail.UnpackTo(&info)) continue;
    return std::chrono::milliseconds(
        std::max<std::int64_t>(0, TimeUtil::DurationToMilliseconds(info.retry_delay())));
  }
  return std::nullopt;
}

}  // namespace maskd
