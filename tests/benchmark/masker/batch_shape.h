// What is timed: shapes of batches.
#ifndef MASKD_TESTS_BENCHMARK_MASKER_BATCH_SHAPE_H_
#define MASKD_TESTS_BENCHMARK_MASKER_BATCH_SHAPE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace maskd::bench {

struct BatchShape {
  std::int64_t batch_size;       // N
  std::int64_t sequence_length;  // L
  std::int64_t num_keep;         // K
  std::int64_t token_bytes;      // a multiple of 4; 0: mask and ids alone

  // "N=256 L=196 K=49 B=3072": what --filter is looked for in.
  std::string Name() const;

  std::int64_t TokensBytes() const { return batch_size * sequence_length * token_bytes; }
  std::int64_t KeptBytes() const { return batch_size * num_keep * token_bytes; }
  // int64 ids_restore and float32 mask.
  std::int64_t IdsAndMaskBytes() const { return batch_size * sequence_length * 12; }
  // What has to move: kept tokens are read and written.
  std::int64_t MovedBytes() const { return 2 * KeptBytes() + IdsAndMaskBytes(); }
};

// Those that the project has bars for; always timed.
std::vector<BatchShape> FigureShapes();

// N x L x token_bytes x K/L over what models use, and beyond it.
std::vector<BatchShape> GridShapes();

// Those of the grid with the tokens of ViT-Base at 224 x 224.
std::vector<BatchShape> QuickShapes();

}  // namespace maskd::bench

#endif  // MASKD_TESTS_BENCHMARK_MASKER_BATCH_SHAPE_H_
