#include "kernels/available_cores.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

#include "tests/unit/fake_root.h"

namespace maskd {
namespace {

// A machine whose cgroups are files.
class AvailableCoresTest : public ::testing::Test {
 protected:
  const FakeRoot root_;
  const double unbounded_ = AvailableCores(root_.path());
};

TEST_F(AvailableCoresTest, ThoseThatThreadsMayRunOn) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(unbounded_, CPU_COUNT(&before));
  double pinned = 0;
  std::thread([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    pinned = AvailableCores(root_.path());
  }).join();
  EXPECT_EQ(pinned, 1);
}

TEST_F(AvailableCoresTest, TheShareOfACgroup) {
  root_.Write("proc/self/cgroup", "0::/jobs/train\n");
  root_.Write("sys/fs/cgroup/jobs/train/cpu.max", "50000 100000\n");
  EXPECT_EQ(AvailableCores(root_.path()), 0.5);
  // One around it allows less.
  root_.Write("sys/fs/cgroup/jobs/cpu.max", "25000 100000\n");
  EXPECT_EQ(AvailableCores(root_.path()), 0.25);
}

TEST_F(AvailableCoresTest, TheShareOfAContainerThatSeesItsOwnGroupAsTheRoot) {
  root_.Write("proc/self/cgroup", "0::/\n");
  root_.Write("sys/fs/cgroup/cpu.max", "75000 100000\n");
  EXPECT_EQ(AvailableCores(root_.path()), 0.75);
}

TEST_F(AvailableCoresTest, TheShareOfACgroupOfVersion1) {
  root_.Write("proc/self/cgroup", "5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n");
  root_.Write("sys/fs/cgroup/cpu/docker/1/cpu.cfs_quota_us", "20000\n");
  root_.Write("sys/fs/cgroup/cpu/docker/1/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(AvailableCores(root_.path()), 0.4);
}

TEST_F(AvailableCoresTest, NoShareIsSet) {
  root_.Write("proc/self/cgroup", "4:cpu,cpuacct:/\n0::/\n");
  for (const char* const share : {"max 100000\n", "", "x y\n", "100000\n", "50000 0\n", "100000000 1\n"}) {
    root_.Write("sys/fs/cgroup/cpu.max", share);
    EXPECT_EQ(AvailableCores(root_.path()), unbounded_) << share;
  }
  root_.Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  root_.Write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(AvailableCores(root_.path()), unbounded_);
}

TEST_F(AvailableCoresTest, WholeOnesAreOneAtLeast) {
  EXPECT_GE(AvailableWholeCores(), 1);
  EXPECT_GE(AvailableWholeCores(), AvailableCores());
}

}  // namespace
}  // namespace maskd
