#include "client/maskctl/png_file.h"

#include <png.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace maskd {
namespace {

constexpr std::int64_t kMaxPixels = std::int64_t{1} << 28;

png_image NewImage() {
  png_image image;
  std::memset(&image, 0, sizeof(image));
  image.version = PNG_IMAGE_VERSION;
  return image;
}

}  // namespace

absl::StatusOr<Picture> ReadPng(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (file == nullptr)
    return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  png_image image = NewImage();
  const absl::Cleanup free_image = [&image] { png_image_free(&image); };
  const auto unreadable = [&] {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a readable PNG: ", image.message));
  };
  if (png_image_begin_read_from_stdio(&image, file.get()) == 0) return unreadable();
  if (std::int64_t{image.width} * image.height > kMaxPixels) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has ", image.width, " x ", image.height, " pixels; at most 2^28 are read"));
  }
  image.format = PNG_FORMAT_RGB;
  Picture picture{.height = image.height, .width = image.width, .pixels = {}};
  picture.pixels.resize(PNG_IMAGE_SIZE(image));
  const png_color white = {255, 255, 255};
  if (png_image_finish_read(&image, &white, picture.pixels.data(), 0, nullptr) == 0) return unreadable();
  return picture;
}

absl::Status WritePng(const std::string& path, const Picture& picture) {
  png_image image = NewImage();
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_RGB;
  const absl::Cleanup free_image = [&image] { png_image_free(&image); };
  if (png_image_write_to_file(&image, path.c_str(), 0, picture.pixels.data(), 0, nullptr) == 0) {
    return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", image.message));
  }
  return absl::OkStatus();
}

}  // namespace maskd
