// Where and how long the benchmark runs: what all its sections share.
#ifndef MASKD_TESTS_BENCHMARK_TRANSPORT_SETTING_H_
#define MASKD_TESTS_BENCHMARK_TRANSPORT_SETTING_H_

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace maskd::transport {

struct Setting {
  std::string program;  // path of this program, which is its own servers and clients
  std::string maskd;    // path of maskd
  std::string folder;   // for sockets and keys
  int threads = 0;      // of every server's masker, as MakeCpuMasker takes them
  int rounds = 7;

  // Of throughput.
  int calls = 640;  // of N=1 in a round; N times fewer of N, at least 3
  std::vector<std::int64_t> batch_sizes = {1, 8, 64, 256};
  std::vector<std::string> paths = {""};  // words of their names
};

// Says on stderr which round begins; rounds count from 0.
inline void ShowProgress(const std::string& what, int round, int rounds) {
  std::fprintf(stderr, "%s: round %d of %d\n", what.c_str(), round + 1, rounds);
}

}  // namespace maskd::transport

#endif  // MASKD_TESTS_BENCHMARK_TRANSPORT_SETTING_H_
