#include "server/memory_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/unit/fake_root.h"

namespace maskd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;

// A machine of 8 GiB, of files.
class MemoryLimitTest : public ::testing::Test {
 protected:
  MemoryLimitTest() { root_.Write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree:         1 kB\n"); }

  void ExpectLimit(std::int64_t bytes, const std::string& source) {
    const MemoryLimit limit = FindMemoryLimit(root_.path());
    EXPECT_EQ(limit.bytes, bytes);
    EXPECT_THAT(limit.source, HasSubstr(source));
  }

  const FakeRoot root_;
};

TEST_F(MemoryLimitTest, OfTheMachine) { ExpectLimit(8192 * kMebibyte, "the machine"); }

TEST_F(MemoryLimitTest, NothingIsKnown) {
  fs::remove_all(root_.path());
  EXPECT_EQ(FindMemoryLimit(root_.path()).bytes, INT64_MAX);
}

TEST_F(MemoryLimitTest, OfAContainerThatSeesItsOwnGroupAsTheRoot) {
  root_.Write("proc/self/cgroup", "0::/\n");
  root_.Write("sys/fs/cgroup/memory.max", "536870912\n");
  ExpectLimit(512 * kMebibyte, "memory.max");
}

TEST_F(MemoryLimitTest, OfAGroupAboveThisOne) {
  root_.Write("proc/self/cgroup", "0::/system.slice/maskd.service\n");
  root_.Write("sys/fs/cgroup/system.slice/maskd.service/memory.max", "max\n");
  root_.Write("sys/fs/cgroup/system.slice/memory.max", "1073741824\n");
  ExpectLimit(1024 * kMebibyte, "memory.max");
}

TEST_F(MemoryLimitTest, MaxIsNoLimit) {
  root_.Write("proc/self/cgroup", "0::/\n");
  root_.Write("sys/fs/cgroup/memory.max", "max\n");
  ExpectLimit(8192 * kMebibyte, "the machine");
}

TEST_F(MemoryLimitTest, OfVersion1) {
  root_.Write("proc/self/cgroup", "9:name=systemd:/\n5:cpu,memory:/a:b/c\n0::/\n");
  root_.Write("sys/fs/cgroup/memory/a:b/c/memory.limit_in_bytes", "9223372036854771712\n");
  root_.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  ExpectLimit(8192 * kMebibyte, "the machine");
  root_.Write("sys/fs/cgroup/memory/a:b/c/memory.limit_in_bytes", "536870912\n");
  ExpectLimit(512 * kMebibyte, "memory.limit_in_bytes");
}

TEST_F(MemoryLimitTest, OfVersion1WherePathsAreOfTheHost) {
  root_.Write("proc/self/cgroup", "4:memory:/docker/0123\n");
  root_.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
  ExpectLimit(512 * kMebibyte, "memory.limit_in_bytes");
}

TEST(BudgetFitsTest, WhatIsBesideTheBudgetHasRoomToo) {
  const MemoryLimit limit{.bytes = 1024 * kMebibyte, .source = "the cgroup (memory.max)"};
  const absl::Status status = CheckBudgetFits(1024 * kMebibyte, limit);
  ASSERT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  const std::string message(status.message());
  EXPECT_THAT(message, AllOf(HasSubstr("--max_inflight_bytes=1073741824"), HasSubstr("memory.max")));
  // What it says to set is taken, and no more.
  const std::string words = "to at most ";
  const std::int64_t said = std::stoll(message.substr(message.find(words) + words.size()));
  EXPECT_EQ(CheckBudgetFits(said, limit), absl::OkStatus());
  EXPECT_FALSE(CheckBudgetFits(said + 1, limit).ok());
}

TEST(BudgetFitsTest, NoBudgetFits) {
  const absl::Status status = CheckBudgetFits(kMebibyte, {.bytes = 64 * kMebibyte, .source = "the machine"});
  ASSERT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("more memory"), Not(HasSubstr("at most"))));
}

TEST(BudgetFitsTest, NoLimitIsKnown) { EXPECT_EQ(CheckBudgetFits(INT64_MAX / 2, {}), absl::OkStatus()); }

}  // namespace
}  // namespace maskd
