#include "client/npy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace maskd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NpyFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = std::filesystem::temp_directory_path() / "npy_file_test_XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return folder_ + "/array.npy"; }

  void WriteFile(const std::string& bytes) { std::ofstream(path(), std::ios::binary) << bytes; }

  std::string ReadFile() const {
    std::ostringstream bytes;
    bytes << std::ifstream(path(), std::ios::binary).rdbuf();
    return bytes.str();
  }

  // Expects INVALID_ARGUMENT that names the path.
  void ExpectRefused(const std::string& bytes) {
    WriteFile(bytes);
    const absl::Status status = ReadNpy(path()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path()));
  }

  std::string folder_;
};

// A file as numpy.save writes it, or as it might lie.
std::string NpyBytes(const std::string& dict, const std::string& data, int version = 1) {
  std::string header = dict;
  const std::size_t prefix = version == 1 ? 10 : 12;
  header += std::string((64 - (prefix + header.size() + 1) % 64) % 64, ' ') + "\n";
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(version);
  bytes += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header + data;
}

std::string Dict(const std::string& descr, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
}

std::string DataOf(const NpyArray& array) {
  return {reinterpret_cast<const char*>(array.bytes().data()), array.bytes().size()};
}

std::span<const std::byte> AsBytes(const std::string& text) { return std::as_bytes(std::span(text)); }

// ---- Round trips.

struct NpyShape {
  const char* name;
  std::vector<std::int64_t> shape;
  std::size_t elements;
};

std::ostream& operator<<(std::ostream& out, const NpyShape& shape) { return out << shape.name; }

class NpyRoundTripTest : public NpyFileTest,
                         public ::testing::WithParamInterface<std::tuple<const char*, NpyShape>> {};

TEST_P(NpyRoundTripTest, ReadsWhatItWrote) {
  const auto& [descr, shape] = GetParam();
  const auto element_bytes = static_cast<std::size_t>(std::stoi(std::string(descr).substr(2)));
  std::string data(shape.elements * element_bytes, 0);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 + 7);
  const absl::Status written = WriteNpy(path(), descr, shape.shape, AsBytes(data));
  ASSERT_TRUE(written.ok()) << written;
  const absl::StatusOr<NpyArray> array = ReadNpy(path());
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->descr, descr);
  EXPECT_EQ(array->element_bytes, static_cast<std::int64_t>(element_bytes));
  EXPECT_EQ(array->shape, shape.shape);
  EXPECT_EQ(array->data_bytes, static_cast<std::int64_t>(data.size()));
  EXPECT_EQ(DataOf(*array), data);
  // numpy.lib.format: the data begins at a multiple of 64.
  EXPECT_EQ((ReadFile().size() - data.size()) % 64, 0u);
}

const NpyShape kShapes[] = {{"Scalar", {}, 1},
                            {"Vector", {7}, 7},
                            {"Tokens", {2, 3, 5}, 30},
                            {"Empty", {0}, 0},
                            {"NoSequence", {0, 196}, 0},
                            {"NoKeptToken", {4, 0, 768}, 0},
                            {"ManyDimensions", {1, 2, 1, 2, 1, 2, 1}, 8}};

std::string RoundTripName(const ::testing::TestParamInfo<std::tuple<const char*, NpyShape>>& info) {
  std::string descr = std::get<0>(info.param);
  const char order = descr.front();
  return std::get<1>(info.param).name + std::string(order == '|' ? "Any" : "Little") + descr.substr(1);
}

INSTANTIATE_TEST_SUITE_P(Arrays, NpyRoundTripTest,
                         ::testing::Combine(::testing::Values("<f4", "<f2", "<f8", "<i8", "<u2", "|u1", "|b1",
                                                              "|V2", "<c16"),
                                            ::testing::ValuesIn(kShapes)),
                         RoundTripName);

TEST_F(NpyFileTest, WritesWhatNumpySaves) {
  const std::string data = "abcdefghijklmnopqrstuvwx";
  const std::vector<std::int64_t> shape = {2, 3};
  ASSERT_TRUE(WriteNpy(path(), "<f4", shape, AsBytes(data)).ok());
  EXPECT_EQ(ReadFile(), NpyBytes(Dict("<f4", "(2, 3)"), data));
  const std::vector<std::int64_t> vector = {6};
  ASSERT_TRUE(WriteNpy(path(), "<f4", vector, AsBytes(data)).ok());
  EXPECT_EQ(ReadFile(), NpyBytes(Dict("<f4", "(6,)"), data)) << "a tuple of one has a comma";
  ASSERT_TRUE(WriteNpy(path(), "<f4", {}, AsBytes(data.substr(0, 4))).ok());
  EXPECT_EQ(ReadFile(), NpyBytes(Dict("<f4", "()"), data.substr(0, 4)));
}

TEST_F(NpyFileTest, ReplacesALongerFile) {
  const std::vector<std::int64_t> long_shape = {1000}, short_shape = {1};
  ASSERT_TRUE(WriteNpy(path(), "|u1", long_shape, AsBytes(std::string(1000, 'x'))).ok());
  ASSERT_TRUE(WriteNpy(path(), "|u1", short_shape, AsBytes("y")).ok());
  const absl::StatusOr<NpyArray> array = ReadNpy(path());
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(DataOf(*array), "y");
}

// ---- What others may write.

TEST_F(NpyFileTest, ReadsVersionsOneToThree) {
  for (const int version : {1, 2, 3}) {
    WriteFile(NpyBytes(Dict("<f4", "(1, 2)"), "abcdefgh", version));
    const absl::StatusOr<NpyArray> array = ReadNpy(path());
    ASSERT_TRUE(array.ok()) << "version " << version << ": " << array.status();
    EXPECT_THAT(array->shape, ElementsAre(1, 2));
    EXPECT_EQ(array->element_bytes, 4);
    EXPECT_EQ(DataOf(*array), "abcdefgh");
  }
}

TEST_F(NpyFileTest, ReadsKeysInAnyOrderAndOtherQuotesAndSpaces) {
  for (const char* const dict : {"{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}",
                                 "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2,)}",
                                 "{ 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , ) , }"}) {
    WriteFile(NpyBytes(dict, "abcdefgh"));
    const absl::StatusOr<NpyArray> array = ReadNpy(path());
    ASSERT_TRUE(array.ok()) << dict << ": " << array.status();
    EXPECT_EQ(array->descr, "<f4");
    EXPECT_THAT(array->shape, ElementsAre(2));
  }
}

TEST_F(NpyFileTest, ReadsAScalar) {
  WriteFile(NpyBytes(Dict("<f4", "()"), "abcd"));
  const absl::StatusOr<NpyArray> array = ReadNpy(path());
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_THAT(array->shape, IsEmpty());
  EXPECT_EQ(array->data_bytes, 4);
}

// ---- What is no such array.

TEST_F(NpyFileTest, CutShortAtAnyByteIsRefused) {
  for (const int version : {1, 2, 3}) {
    const std::string whole = NpyBytes(Dict("<f4", "(2, 3)"), "abcdefghijklmnopqrstuvwx", version);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      SCOPED_TRACE("version " + std::to_string(version) + " cut to " + std::to_string(size));
      ExpectRefused(whole.substr(0, size));
    }
  }
}

TEST_F(NpyFileTest, LongerThanItsHeaderSaysIsRefused) {
  ExpectRefused(NpyBytes(Dict("<f4", "(2, 3)"), "abcdefghijklmnopqrstuvwxy"));
  ExpectRefused(NpyBytes(Dict("<f4", "(0,)"), "a"));
}

// Every byte of a small file changed, in several ways: an answer, never a crash.
TEST_F(NpyFileTest, AnyByteChangedIsReadOrRefused) {
  const std::string whole = NpyBytes(Dict("<f4", "(2, 3)"), "abcdefghijklmnopqrstuvwx");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int change : {0x01, 0x10, 0x80, 0xff}) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(bytes[i] ^ change);
      WriteFile(bytes);
      const absl::StatusOr<NpyArray> array = ReadNpy(path());
      if (!array.ok()) {
        EXPECT_EQ(array.status().code(), absl::StatusCode::kInvalidArgument) << array.status();
      } else {
        EXPECT_EQ(array->data_bytes, 24) << "byte " << i << " xor " << change;
      }
    }
  }
}

struct BadNpy {
  const char* name;
  std::string bytes;
};

std::ostream& operator<<(std::ostream& out, const BadNpy& bad) { return out << bad.name; }

std::string WithHeaderLength(std::string bytes, int at, unsigned length) {
  bytes[8 + static_cast<std::size_t>(at)] = static_cast<char>(length);
  return bytes;
}

const std::string kData(8, 'x');

const BadNpy kBadFiles[] = {
    {"Empty", ""},
    {"Text", "hello, this is not an array at all, but long enough to be one"},
    {"OtherMagic", std::string("\x94").append(NpyBytes(Dict("<f4", "(2,)"), kData), 1)},
    {"VersionZero", NpyBytes(Dict("<f4", "(2,)"), kData, 0)},
    {"VersionFour", NpyBytes(Dict("<f4", "(2,)"), kData, 4)},
    {"ColumnMajor", NpyBytes(Dict("<f4", "(1, 2)", "True"), kData)},
    {"Objects", NpyBytes(Dict("|O", "(1,)"), kData)},
    {"ObjectsOfEightBytes", NpyBytes(Dict("|O8", "(1,)"), kData)},
    {"Structured", NpyBytes("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", kData)},
    {"ElementsOf17Bytes", NpyBytes(Dict("|V17", "(1,)"), std::string(17, 'x'))},
    {"ElementsOfZeroBytes", NpyBytes(Dict("|V0", "(1,)"), "")},
    {"ElementsOfHugeSize", NpyBytes(Dict("|V99999999999999999999", "(1,)"), kData)},
    {"ElementsOfNegativeSize", NpyBytes(Dict("<f-4", "(2,)"), kData)},
    {"DescrEmpty", NpyBytes(Dict("", "(2,)"), kData)},
    {"DescrOneLetter", NpyBytes(Dict("f", "(2,)"), kData)},
    {"NegativeSize", NpyBytes(Dict("<f4", "(-2,)"), kData)},
    {"NegativeSizes", NpyBytes(Dict("<f4", "(-1, -2)"), kData)},
    {"SizeOver64Bits", NpyBytes(Dict("<f4", "(18446744073709551618,)"), kData)},
    {"SizesWrapToTwo", NpyBytes(Dict("<f4", "(4611686018427387905, 4)"), kData + kData)},
    {"SizesWrapToZero", NpyBytes(Dict("<f4", "(4294967296, 4294967296)"), "")},
    {"BytesWrapToZero", NpyBytes(Dict("<f4", "(4611686018427387904,)"), "")},
    {"HugeSize", NpyBytes(Dict("<f4", "(1000000000000,)"), kData)},
    {"SizeNoNumber", NpyBytes(Dict("<f4", "(two,)"), kData)},
    {"ShapeNoTuple", NpyBytes(Dict("<f4", "2"), kData)},
    {"ShapeUnclosed", NpyBytes("{'descr': '<f4', 'fortran_order': False, 'shape': (2,", kData)},
    {"NoShape", NpyBytes("{'descr': '<f4', 'fortran_order': False, }", kData)},
    {"NoDescr", NpyBytes("{'fortran_order': False, 'shape': (2,), }", kData)},
    {"NoOrder", NpyBytes("{'descr': '<f4', 'shape': (2,), }", kData)},
    {"NoDict", NpyBytes("hello", kData)},
    {"EmptyHeader", std::string("\x93NUMPY\x01\x00\x00\x00", 10) + kData},
    {"HeaderLongerThanFile", WithHeaderLength(NpyBytes(Dict("<f4", "(2,)"), kData), 1, 0xff)},
    {"HeaderOneShorter", WithHeaderLength(NpyBytes(Dict("<f4", "(2,)"), kData), 0, 117)},
    {"HeaderOf4Gib", WithHeaderLength(NpyBytes(Dict("<f4", "(2,)"), kData, 2), 3, 0xff)},
};

class BadNpyTest : public NpyFileTest, public ::testing::WithParamInterface<BadNpy> {};

TEST_P(BadNpyTest, IsRefused) { ExpectRefused(GetParam().bytes); }

std::string BadNpyName(const ::testing::TestParamInfo<BadNpy>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Files, BadNpyTest, ::testing::ValuesIn(kBadFiles), BadNpyName);

// ---- Files that are not there.

TEST_F(NpyFileTest, AFileThatIsNotThereIsNotFound) {
  const absl::Status status = ReadNpy(folder_ + "/none.npy").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("none.npy"));
}

TEST_F(NpyFileTest, AFolderIsNoArray) { EXPECT_FALSE(ReadNpy(folder_).ok()); }

TEST_F(NpyFileTest, AFileThatCannotBeWrittenIsUnavailable) {
  const std::vector<std::int64_t> shape = {1};
  const absl::Status status = WriteNpy(folder_ + "/none/array.npy", "|u1", shape, AsBytes("x"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

TEST_F(NpyFileTest, AFullDeviceIsUnavailable) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  const std::vector<std::int64_t> shape = {100000};
  const absl::Status status = WriteNpy("/dev/full", "|u1", shape, AsBytes(std::string(100000, 'x')));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

}  // namespace
}  // namespace maskd
