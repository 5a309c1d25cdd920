#include "server/request_ids.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "proto/metadata_keys.h"

namespace maskd {
namespace {

constexpr std::size_t kMaxRequestIdSize = 128;

std::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

bool IsPrintable(char c) { return c > ' ' && c <= '~'; }

bool IsLowerHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::uint64_t RandomWord() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

}  // namespace

CallerWords WordsOf(const CallMetadata& metadata) {
  CallerWords words;
  for (const auto& [key, value] : metadata) {
    const std::string_view name = View(key);
    if (name == kRequestIdKey) {
      const std::string_view id = View(value);
      if (id.size() <= kMaxRequestIdSize && std::ranges::all_of(id, IsPrintable)) words.request_id = id;
    } else if (name == kAttemptKey || name == "grpc-previous-rpc-attempts") {
      words.retries = true;
    }
  }
  return words;
}

// A bijection of the numbers of ids, so that no two of a process are the same.
std::string MakeRequestId() {
  static const std::uint64_t first = RandomWord();
  static std::atomic<std::uint64_t> ids = 0;
  std::uint64_t word = first + ids.fetch_add(1, std::memory_order_relaxed);
  word = (word ^ word >> 31) * 0xbf58476d1ce4e5b9u;
  return absl::StrCat(absl::Hex(word ^ word >> 31, absl::kZeroPad16));
}

// version "-" trace id "-" parent id "-" flags, and in later versions more.
std::string TraceIdOf(const CallMetadata& metadata) {
  const auto found = metadata.find("traceparent");
  if (found == metadata.end()) return {};
  const std::string_view parent = View(found->second);
  if (parent.size() < 55 || parent[2] != '-' || parent[35] != '-' || parent[52] != '-') return {};
  const std::string_view version = parent.substr(0, 2);
  const std::string_view id = parent.substr(3, 32);
  const bool right_size = parent.size() == 55 || (version != "00" && parent[55] == '-');
  if (!right_size || version == "ff" || !IsLowerHex(version) || !IsLowerHex(id) ||
      !IsLowerHex(parent.substr(36, 16)) || !IsLowerHex(parent.substr(53, 2)) ||
      id.find_first_not_of('0') == std::string_view::npos)
    return {};
  return std::string(id);
}

}  // namespace maskd
