#include "server/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace maskd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kKnown = {"MASKD_LISTEN", "MASKD_DEVICE", "MASKD_MAX_INFLIGHT_BYTES",
                                         "MASKD_MAX_MESSAGE_BYTES"};

std::string MessageOf(const std::string& entry) {
  const absl::Status status = CheckEnvironment({"PATH=/bin", entry}, kKnown);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << entry;
  return std::string(status.message());
}

TEST(EnvironmentTest, VariableOfAFlag) {
  EXPECT_EQ(VariableOfFlag("max_inflight_bytes"), "MASKD_MAX_INFLIGHT_BYTES");
}

TEST(EnvironmentTest, KnownVariablesAndThoseOfOthersPass) {
  EXPECT_EQ(CheckEnvironment({}, kKnown), absl::OkStatus());
  EXPECT_EQ(CheckEnvironment(
                {"MASKD_DEVICE=cpu", "MASKD_LISTEN=", "MASKDEVICE=x", "maskd_device=x", "A", "=B"}, kKnown),
            absl::OkStatus());
}

TEST(EnvironmentTest, TheNearestNameIsTold) {
  EXPECT_THAT(MessageOf("MASKD_DEVISE=cpu"),
              HasSubstr("MASKD_DEVISE stands for no flag; the nearest is MASKD_DEVICE"));
  EXPECT_THAT(MessageOf("MASKD_LISTE=:1"), HasSubstr("the nearest is MASKD_LISTEN"));
  EXPECT_THAT(MessageOf("MASKD_MAX_INFLIGT_BYTE=1"), HasSubstr("the nearest is MASKD_MAX_INFLIGHT_BYTES"));
  EXPECT_THAT(MessageOf("MASKD_MAX_MESAGE_BYTES"), HasSubstr("the nearest is MASKD_MAX_MESSAGE_BYTES"));
  EXPECT_THAT(MessageOf("MASKD_=1"), HasSubstr("the nearest is MASKD_"));
}

TEST(EnvironmentTest, NoFlagsNoNearestName) {
  const absl::Status status = CheckEnvironment({"MASKD_DEVICE=cpu"}, {});
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("the nearest")));
}

// As kubelet sets them for a service maskd with the port 50051, named grpc, and
// for another, maskd-metrics.
TEST(EnvironmentTest, ServiceLinksOfKubernetesPass) {
  EXPECT_EQ(
      CheckEnvironment({"MASKD_SERVICE_HOST=10.0.0.11", "MASKD_SERVICE_PORT=50051",
                        "MASKD_SERVICE_PORT_GRPC=50051", "MASKD_PORT=tcp://10.0.0.11:50051",
                        "MASKD_PORT_50051_TCP=tcp://10.0.0.11:50051", "MASKD_PORT_50051_TCP_PROTO=tcp",
                        "MASKD_PORT_50051_TCP_PORT=50051", "MASKD_PORT_50051_TCP_ADDR=10.0.0.11",
                        "MASKD_METRICS_SERVICE_HOST=10.0.0.12", "MASKD_METRICS_PORT=tcp://10.0.0.12:9090"},
                       kKnown),
      absl::OkStatus());
  EXPECT_THAT(MessageOf("MASKD_PORT=50051"), HasSubstr("MASKD_PORT stands for no flag"));
}

}  // namespace
}  // namespace maskd
