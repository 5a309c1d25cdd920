// Chunks of what the client sends begin where the kernel copies them fast, and no byte
// is left out.
#include "proto/send_offset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "client/borrowed_bytes.h"
#include "client/encode_tensors.h"
#include "client/tensor.h"
#include "maskd/v1/tensor_service.pb.h"

namespace maskd {
namespace {

constexpr std::int64_t kChunk = 3 * kPageBytes;

TEST(SendOffsetTest, IsJustBeforeAPage) {
  alignas(kPageBytes) static std::byte page[2 * kPageBytes];
  EXPECT_EQ(PastSendOffset(page + kSendOffset), 0);
  EXPECT_EQ(PastSendOffset(page + kSendOffset + 1), 1);
  EXPECT_EQ(PastSendOffset(page + kPageBytes), 64);
  EXPECT_EQ(PastSendOffset(page + kPageBytes + kSendOffset - 1), 4095);
}

class ChunksTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ChunksTest, AllButTheFirstBeginThere) {
  const std::vector<std::byte> memory(20 * kPageBytes);
  const std::span<const std::byte> part = std::span(memory).subspan(GetParam(), 19 * kPageBytes - 5);
  const BorrowedBytes bytes{part};
  std::int64_t sent = 0;
  while (std::ssize(part) - sent > kChunk) {
    const std::int64_t chunk = bytes.ChunkBytes(sent, kChunk);
    ASSERT_GT(chunk, kChunk - static_cast<std::int64_t>(kPageBytes));
    ASSERT_LE(chunk, kChunk);
    sent += chunk;
    EXPECT_EQ(PastSendOffset(part.data() + sent), 0) << sent;
  }
  EXPECT_EQ(bytes.ChunkBytes(sent, kChunk), std::ssize(part) - sent);
}

TEST_P(ChunksTest, OfTensorsOneBehindTheOther) {
  const std::vector<std::byte> memory(20 * kPageBytes);
  const std::size_t sizes[] = {5 * kPageBytes + 7, 0, 30, 9 * kPageBytes};
  TensorMessage message((v1::GatherRequest()));
  std::vector<std::span<const std::byte>> tensors;
  std::size_t first = GetParam();
  for (const std::size_t size : sizes) {
    tensors.push_back(std::span(memory).subspan(first, size));
    const TensorView view = {
        .form = {.type = ElementType::kUint8, .shape = {static_cast<std::int64_t>(size)}},
        .data = tensors.back()};
    ASSERT_TRUE(message.Add("tensor", 1, view).ok());
    first += size + 100;
  }
  std::int64_t sent = 0;
  while (sent < message.payload_bytes()) {
    const std::int64_t chunk = message.ChunkBytes(sent, kChunk);
    ASSERT_GT(chunk, 0);
    ASSERT_LE(chunk, kChunk);
    sent += chunk;
    std::int64_t of_tensor = sent;
    std::size_t i = 0;
    while (i < tensors.size() && of_tensor >= std::ssize(tensors[i])) of_tensor -= std::ssize(tensors[i++]);
    if (i < tensors.size() && of_tensor > kChunk) {
      EXPECT_EQ(PastSendOffset(tensors[i].data() + of_tensor), 0) << "byte " << of_tensor << " of " << i;
    }
  }
  EXPECT_EQ(sent, message.payload_bytes());
}

INSTANTIATE_TEST_SUITE_P(Offsets, ChunksTest, ::testing::Values(0, 1, 16, 64, 4000, 4032, 4095));

}  // namespace
}  // namespace maskd
