// The golden files: what real torch drew, and what an independent
// implementation of seeded noise did.
#ifndef MASKD_TESTS_GOLDEN_GOLDEN_FILES_H_
#define MASKD_TESTS_GOLDEN_GOLDEN_FILES_H_

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "maskd/v1/masking_service.pb.h"

namespace maskd {

struct GoldenCase {
  std::string name;
  v1::RandomMaskingRequest request;  // selects every result; int64 ids, float32 mask
  std::int64_t num_keep = 0;
  // Lower-case hexadecimal SHA-256 of results, by the name of the result.
  std::map<std::string, std::string> sha256;
  // First few ids of the first few rows of ids_keep.
  std::vector<std::vector<std::int64_t>> keep_head;
  // Results spelled out, by the name of the result; where the file has them.
  std::map<std::string, std::vector<std::vector<double>>> arrays;

  friend std::ostream& operator<<(std::ostream& out, const GoldenCase& c) { return out << c.name; }
};

// Every case of both files. Throws if one cannot be read.
std::vector<GoldenCase> ReadGoldenCases();

// SHA-256 of `bytes` in lower-case hexadecimal.
std::string Sha256(const std::string& bytes);

}  // namespace maskd

#endif  // MASKD_TESTS_GOLDEN_GOLDEN_FILES_H_
