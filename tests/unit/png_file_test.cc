#include "client/maskctl/png_file.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace maskd {
namespace {

class PngFileTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  static std::string Contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  static void Write(const std::string& path, const std::string& contents) {
    std::ofstream(path, std::ios::binary) << contents;
  }

  static Picture NoisePicture(std::int64_t height, std::int64_t width) {
    std::mt19937 engine(7);
    Picture picture{.height = height, .width = width, .pixels = {}};
    for (std::int64_t i = 0; i < height * width * kRgbBytes; ++i)
      picture.pixels.push_back(std::byte(engine() & 255));
    return picture;
  }

 private:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      ("png_file_test_" + std::to_string(std::random_device()()) + std::to_string(std::random_device()()));
};

TEST_F(PngFileTest, ReadsWhatItWrote) {
  const Picture picture = NoisePicture(5, 9);
  ASSERT_TRUE(WritePng(Path("a.png"), picture).ok());
  const auto read = ReadPng(Path("a.png"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->height, 5);
  EXPECT_EQ(read->width, 9);
  EXPECT_EQ(read->pixels, picture.pixels);
}

TEST_F(PngFileTest, MissingFileIsNotFound) {
  const absl::Status status = ReadPng(Path("none.png")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("none.png"), std::string::npos);
}

TEST_F(PngFileTest, CutShortAnywhereIsInvalid) {
  ASSERT_TRUE(WritePng(Path("a.png"), NoisePicture(6, 6)).ok());
  const std::string whole = Contents(Path("a.png"));
  // All but the end chunk, which holds nothing.
  for (std::size_t size = 0; size + 12 < whole.size(); ++size) {
    Write(Path("cut.png"), whole.substr(0, size));
    EXPECT_EQ(ReadPng(Path("cut.png")).status().code(), absl::StatusCode::kInvalidArgument) << size;
  }
}

TEST_F(PngFileTest, DamageIsInvalid) {
  ASSERT_TRUE(WritePng(Path("a.png"), NoisePicture(6, 6)).ok());
  std::string damaged = Contents(Path("a.png"));
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  Write(Path("damaged.png"), damaged);
  EXPECT_EQ(ReadPng(Path("damaged.png")).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PngFileTest, HugePictureIsRefusedBeforeItIsAllocated) {
  // Signature and header of a 100,000 x 100,000 picture, and nothing else.
  const std::string header(
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\x02\0\0\0\xfe\x5c\x57\x66\0\0\0\0IDAT",
      41);
  Write(Path("huge.png"), header);
  EXPECT_EQ(ReadPng(Path("huge.png")).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PngFileTest, UnwritablePathIsUnavailable) {
  const absl::Status status = WritePng(Path("no/such/folder.png"), NoisePicture(1, 1));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace maskd
