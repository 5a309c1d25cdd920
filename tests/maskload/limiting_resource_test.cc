#include "client/maskload/limiting_resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maskd::maskload {
namespace {

using ::testing::HasSubstr;

TEST(LimitTest, IsTheServersCpu) {
  EXPECT_EQ(NameLimit({.server_cores_used = 1.8, .server_cores = 2, .machine_busy = 1}),
            "The server's CPU is the limit: 1.80 of 2 cores.");
  // Of a container, on a machine that has more.
  EXPECT_EQ(
      NameLimit({.server_cores_used = 1.4, .server_cores = 1.5, .machine_busy = 0.4, .machine_cores = 4}),
      "The server's CPU is the limit: 1.40 of 1.5 cores.");
}

TEST(LimitTest, IsTheLink) {
  EXPECT_EQ(NameLimit({.server_cores_used = 1.0,
                       .server_cores = 2,
                       .bytes_per_second = 1.2e9,
                       .link_bytes_per_second = 1.25e9}),
            "The link is the limit: 1.20 GB/s of 1.25 GB/s.");
}

TEST(LimitTest, IsTheCpuThatBothShare) {
  EXPECT_EQ(
      NameLimit({.server_cores_used = 0.6,
                 .server_cores = 1,
                 .client_cores_used = 1.25,
                 .machine_busy = 0.975,
                 .machine_cores = 2}),
      "The CPU that server and client share is the limit: 97.5 % busy; server 0.60 of 1 core, client 1.25, "
      "others 0.10.");
}

TEST(LimitTest, IsNotSeen) {
  EXPECT_EQ(NameLimit({.server_cores_used = 0.5,
                       .server_cores = 2,
                       .machine_busy = 0.5,
                       .bytes_per_second = 1e6,
                       .link_bytes_per_second = 1.25e9}),
            "No limit was reached that can be seen from here. The server's CPU: 0.50 of 2 cores; the link: "
            "1.00 MB/s of "
            "1.25 GB/s; this machine: 50.0 % busy.");
}

TEST(LimitTest, SaysWhatIsNotKnown) {
  const std::string limit = NameLimit({.client_cores_used = 4});
  EXPECT_THAT(limit, HasSubstr("The server's CPU: unknown (--metrics tells it)"));
  EXPECT_THAT(limit, HasSubstr("the link: unknown (--link_gbps tells it)"));
  // Without their number, no use of cores is all of them.
  EXPECT_THAT(NameLimit({.server_cores_used = 100}), HasSubstr("No limit was reached"));
}

}  // namespace
}  // namespace maskd::maskload
