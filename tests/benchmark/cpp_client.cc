// RandomMasking by the C++ client: a call for each line of stdin, which is a
// seed. Prints, for each, the seconds it took and a checksum of the results, as
// grpcio_client.py beside it does; python_client_bench.py runs both.
//
// Example: echo 1 | build/default/bin/cpp_client 127.0.0.1:50051 64 196 768 0.75 tokens.bin
#include <zlib.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "client/masking_client.h"

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: cpp_client ADDRESS N L D MASK_RATIO FILE, the tokens being float32\n");
    return 2;
  }
  const std::int64_t n = std::atoll(argv[2]), length = std::atoll(argv[3]), dim = std::atoll(argv[4]);
  const double mask_ratio = std::atof(argv[5]);

  const auto elements = static_cast<std::size_t>(n * length);
  std::vector<std::byte> tokens(elements * dim * sizeof(float));
  if (!std::ifstream(argv[6], std::ios::binary)
           .read(reinterpret_cast<char*>(tokens.data()), static_cast<std::streamsize>(tokens.size()))) {
    std::fprintf(stderr, "cpp_client: cannot read %zu bytes of %s\n", tokens.size(), argv[6]);
    return 1;
  }
  const auto num_keep = static_cast<std::size_t>(static_cast<double>(length) * (1 - mask_ratio));
  std::vector<std::byte> kept_tokens(static_cast<std::size_t>(n) * num_keep * dim * sizeof(float));
  std::vector<std::byte> mask(elements * sizeof(float));
  std::vector<std::byte> ids_restore(elements * sizeof(std::int64_t));

  const auto client = maskd::MaskingClient::Connect(argv[1], {.stream_from_bytes = std::int64_t{1} << 40});
  if (!client.ok()) {
    std::cerr << client.status() << "\n";
    return 1;
  }
  maskd::MaskingSpec spec;
  spec.batch_size = n;
  spec.sequence_length = length;
  spec.token_type = maskd::TokenType{.token_dim = dim, .element_bytes = sizeof(float)};
  spec.mask_ratio = mask_ratio;
  spec.noise_source = maskd::NoiseSource::kTorchCpu;
  spec.selection.kept_tokens = spec.selection.mask = spec.selection.ids_restore = true;
  const maskd::MaskingBuffers results = {.tokens = nullptr,
                                         .kept_tokens = kept_tokens.data(),
                                         .mask = mask.data(),
                                         .ids_restore = ids_restore.data()};

  while (std::cin >> spec.seed) {
    const auto begin = std::chrono::steady_clock::now();
    const auto facts = (*client)->RandomMasking(spec, tokens, results);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    if (!facts.ok()) {
      std::cerr << facts.status() << "\n";
      return 1;
    }
    uLong checksum = 0;
    for (const auto* result : {&kept_tokens, &mask, &ids_restore}) {
      checksum =
          crc32(checksum, reinterpret_cast<const Bytef*>(result->data()), static_cast<uInt>(result->size()));
    }
    std::printf("%.9f %lu\n", elapsed.count(), checksum);
    std::fflush(stdout);
  }
  return 0;
}
