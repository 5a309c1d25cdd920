#include "client/npy_file.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are written as they lie in memory");

constexpr absl::string_view kMagic("\x93NUMPY", 6);
constexpr std::int64_t kMaxHeaderBytes = std::int64_t{1} << 20;
constexpr std::int64_t kMaxElementBytes = 16;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

// An open file and how much of it is left.
class Reader {
 public:
  static absl::StatusOr<Reader> Open(const std::string& path) {
    File file(std::fopen(path.c_str(), "rb"));
    if (file == nullptr)
      return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
    if (std::fseek(file.get(), 0, SEEK_END) != 0) return NotAFile(path);
    const std::int64_t size = std::ftell(file.get());
    // A folder opens, and has a size of its own.
    if (size < 0 || size == std::numeric_limits<std::int64_t>::max()) return NotAFile(path);
    std::rewind(file.get());
    return Reader(std::move(file), size);
  }

  // False if fewer bytes are left or can be read.
  bool Read(void* out, std::int64_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return std::fread(out, 1, static_cast<std::size_t>(bytes), file_.get()) ==
           static_cast<std::size_t>(bytes);
  }

  std::int64_t left() const { return left_; }

 private:
  Reader(File file, std::int64_t size) : file_(std::move(file)), left_(size) {}

  static absl::Status NotAFile(const std::string& path) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a regular file"));
  }

  File file_;
  std::int64_t left_;
};

// The text behind `'key':` in a header such as
// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
std::optional<absl::string_view> ValueOf(absl::string_view header, absl::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = absl::StrCat(std::string(1, quote), key, std::string(1, quote));
    const auto at = header.find(quoted);
    if (at == absl::string_view::npos) continue;
    absl::string_view rest = absl::StripLeadingAsciiWhitespace(header.substr(at + quoted.size()));
    if (!absl::StartsWith(rest, ":")) continue;
    return absl::StripLeadingAsciiWhitespace(rest.substr(1));
  }
  return std::nullopt;
}

// Size of one element of a plain type such as '<f4', or nothing.
std::optional<std::int64_t> ElementBytes(absl::string_view descr) {
  if (descr.size() < 3 || !absl::StrContains("<>|=", descr[0]) || !absl::StrContains("fiubcV", descr[1])) {
    return std::nullopt;
  }
  std::int64_t bytes = 0;
  if (!absl::SimpleAtoi(descr.substr(2), &bytes) || bytes < 1 || bytes > kMaxElementBytes)
    return std::nullopt;
  return bytes;
}

std::optional<std::vector<std::int64_t>> ParseShape(absl::string_view value) {
  if (!absl::StartsWith(value, "(")) return std::nullopt;
  const auto end = value.find(')');
  if (end == absl::string_view::npos) return std::nullopt;
  std::vector<std::int64_t> shape;
  for (absl::string_view size_text : absl::StrSplit(value.substr(1, end - 1), ',')) {
    size_text = absl::StripAsciiWhitespace(size_text);
    if (size_text.empty()) continue;
    std::int64_t size = 0;
    if (!absl::SimpleAtoi(size_text, &size) || size < 0) return std::nullopt;
    shape.push_back(size);
  }
  return shape;
}

// Fills in all of the array but the data.
absl::StatusOr<NpyArray> ParseHeader(const std::string& path, absl::string_view header) {
  const auto invalid = [&path](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(path, " ", what));
  };
  const auto descr = ValueOf(header, "descr");
  const auto fortran_order = ValueOf(header, "fortran_order");
  const auto shape = ValueOf(header, "shape");
  if (!descr || !fortran_order || !shape)
    return invalid("has a .npy header without descr, fortran_order or shape");
  if (!absl::StartsWith(*fortran_order, "False")) {
    return invalid("is in column-major (Fortran) order; save numpy.ascontiguousarray(x)");
  }
  NpyArray array;
  const char quote = descr->empty() ? '\0' : descr->front();
  const auto end = quote == '\'' || quote == '"' ? descr->find(quote, 1) : absl::string_view::npos;
  const auto element_bytes =
      end == absl::string_view::npos ? std::nullopt : ElementBytes(descr->substr(1, end - 1));
  if (!element_bytes) {
    return invalid(absl::StrCat("has the element type ",
                                descr->substr(0, std::min<std::size_t>(descr->find(','), 40)),
                                "; numbers, bools and raw bytes of 1 to 16 bytes are read"));
  }
  array.descr = std::string(descr->substr(1, end - 1));
  array.element_bytes = *element_bytes;
  auto sizes = ParseShape(*shape);
  if (!sizes) return invalid("has a .npy header with a malformed shape");
  array.shape = *std::move(sizes);
  array.data_bytes = array.element_bytes;
  bool overflowed = false;
  for (const std::int64_t size : array.shape) {
    overflowed |= __builtin_mul_overflow(array.data_bytes, size, &array.data_bytes);
  }
  if (overflowed) return invalid("has a .npy header whose shape overflows");
  return array;
}

}  // namespace

absl::StatusOr<NpyArray> ReadNpy(const std::string& path) {
  MASKD_ASSIGN_OR_RETURN(Reader reader, Reader::Open(path));
  const absl::Status cut_short =
      absl::InvalidArgumentError(absl::StrCat(path, " is cut short, or not a .npy file"));
  char start[8];  // magic, major and minor version
  if (!reader.Read(start, sizeof(start))) return cut_short;
  if (absl::string_view(start, kMagic.size()) != kMagic) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a .npy file"));
  }
  const int version = start[6];
  if (version < 1 || version > 3) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is of .npy version ", version, "; 1 to 3 are read"));
  }
  std::uint32_t header_bytes = 0;
  if (!reader.Read(&header_bytes, version == 1 ? 2 : 4)) return cut_short;
  if (header_bytes > kMaxHeaderBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, " has a .npy header of ", header_bytes, " bytes"));
  }
  if (header_bytes > reader.left()) return cut_short;
  std::string header(header_bytes, '\0');
  if (!reader.Read(header.data(), header_bytes)) return cut_short;
  MASKD_ASSIGN_OR_RETURN(NpyArray array, ParseHeader(path, header));
  if (array.data_bytes != reader.left()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " has ", reader.left(), " bytes of data; ",
                                                   array.descr, " [", absl::StrJoin(array.shape, ", "),
                                                   "] has ", array.data_bytes));
  }
  array.data = std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(array.data_bytes));
  if (!reader.Read(array.data.get(), array.data_bytes)) return cut_short;
  return array;
}

absl::Status WriteNpy(const std::string& path, const std::string& descr, std::span<const std::int64_t> shape,
                      std::span<const std::byte> data) {
  std::string header = absl::StrCat("{'descr': '", descr, "', 'fortran_order': False, 'shape': (",
                                    absl::StrJoin(shape, ", "), shape.size() == 1 ? "," : "", "), }");
  // Magic, version and length take 10 bytes; the data begins at a multiple of 64.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header.push_back('\n');
  const auto header_bytes = static_cast<std::uint16_t>(header.size());

  const auto failed = [&path] {
    return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  };
  File file(std::fopen(path.c_str(), "wb"));
  if (file == nullptr) return failed();
  const auto write = [&file](const void* bytes, std::size_t size) {
    return size == 0 || std::fwrite(bytes, 1, size, file.get()) == size;
  };
  if (!write(kMagic.data(), kMagic.size()) || !write("\x01", 2) || !write(&header_bytes, 2) ||
      !write(header.data(), header.size()) || !write(data.data(), data.size()) ||
      std::fflush(file.get()) != 0) {
    return failed();
  }
  return absl::OkStatus();
}

}  // namespace maskd
