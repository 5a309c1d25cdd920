#include "kernels/philox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maskd {
namespace {

using ::testing::ElementsAre;

// kat_vectors of Random123, and docs/semantics.md, section 3.
TEST(PhiloxTest, KnownAnswerOfZeros) {
  EXPECT_THAT(Philox4x32({{0, 0, 0, 0}}, 0).word,
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
}

TEST(PhiloxTest, KnownAnswerOfOnes) {
  EXPECT_THAT(Philox4x32({{~0u, ~0u, ~0u, ~0u}}, ~0ull).word,
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
}

TEST(PhiloxTest, KnownAnswerOfPi) {
  EXPECT_THAT(Philox4x32({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0x299f31d0a4093822).word,
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(SeededNoise24Test, IsTheHigh24BitsOfTheDocumentedCounter) {
  const SeededStream stream = {.seed = 0x1122334455667788,
                               .sample_id = 0x99aabbccddeeff00,
                               .epoch_and_mask_index = (0xabcdefu << 8) | 0x12u};
  const PhiloxBlock bits = Philox4x32({{77, 0xddeeff00, 0x99aabbcc, 0xabcdef12}}, 0x1122334455667788);
  EXPECT_THAT(SeededNoise24(stream, 77).word,
              ElementsAre(bits.word[0] >> 8, bits.word[1] >> 8, bits.word[2] >> 8, bits.word[3] >> 8));
}

TEST(SeededNoise24Test, FirstBlockOfAllZeros) {
  EXPECT_THAT(SeededNoise24({}, 0).word, ElementsAre(0x6627e8, 0xe169c5, 0xbc57ac, 0x9b00db));
}

}  // namespace
}  // namespace maskd
