// Errors of broken rules.
#ifndef MASKD_TESTS_TENSOR_EXPECT_REFUSED_H_
#define MASKD_TESTS_TENSOR_EXPECT_REFUSED_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace maskd {

// A size whose square overflows.
inline constexpr std::int64_t kHuge = std::int64_t{1} << 40;

// INVALID_ARGUMENT, with a message that has each of `words`.
inline void ExpectRefused(const absl::Status& status, const std::vector<std::string>& words) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  for (const std::string& word : words) {
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(word));
  }
}

template <typename Value>
void ExpectRefused(const absl::StatusOr<Value>& value, const std::vector<std::string>& words) {
  ExpectRefused(value.status(), words);
}

}  // namespace maskd

#endif  // MASKD_TESTS_TENSOR_EXPECT_REFUSED_H_
