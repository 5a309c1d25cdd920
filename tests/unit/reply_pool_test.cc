// Memory of responses.
#include "server/reply_pool.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <utility>

#include "proto/send_offset.h"

namespace maskd {
namespace {

TEST(ReplyPoolTest, LargeResponsesBeginWhereTheyAreSentFast) {
  ReplyPool pool(std::int64_t{1} << 30);
  for (const std::size_t size : {std::size_t{64} << 10, std::size_t{1} << 20, (std::size_t{9} << 20) + 13}) {
    for (int again = 0; again < 2; ++again) {
      ReplyPool::Buffer buffer = pool.Take(size);
      ASSERT_EQ(buffer.bytes().size(), size);
      EXPECT_EQ(PastSendOffset(buffer.bytes().data()), 0);
      buffer.bytes().front() = buffer.bytes().back() = std::byte{7};
      const std::byte* const first = buffer.bytes().data();
      const grpc::Slice slice = std::move(buffer).ToSlice();
      EXPECT_EQ(reinterpret_cast<const std::byte*>(slice.begin()), first);
      EXPECT_EQ(slice.size(), size);
    }
  }
}

}  // namespace
}  // namespace maskd
