// A folder of files like those of proc and sys/fs/cgroup.
#ifndef MASKD_TESTS_UNIT_FAKE_ROOT_H_
#define MASKD_TESTS_UNIT_FAKE_ROOT_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace maskd {

// Empty at first; of this process alone; gone with this.
class FakeRoot {
 public:
  FakeRoot() {
    std::string path = ::testing::TempDir() + "/fake_root_XXXXXX";  // mkdtemp's form
    if (mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "cannot make " << path;
    path_ = path;
  }
  ~FakeRoot() { std::filesystem::remove_all(path_); }

  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  const std::filesystem::path& path() const { return path_; }

  void Write(const std::filesystem::path& file, const std::string& text) const {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace maskd

#endif  // MASKD_TESTS_UNIT_FAKE_ROOT_H_
