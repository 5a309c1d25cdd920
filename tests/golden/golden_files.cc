#include "tests/golden/golden_files.h"

#include <openssl/sha.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace maskd {
namespace {

nlohmann::json ReadCases(const std::string& file_name) {
  const char* const folder = std::getenv("MASKD_TEST_DATA");
  const std::string path = std::string(folder != nullptr ? folder : MASKD_GOLDEN_DIR) + "/" + file_name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return nlohmann::json::parse(file).at("cases");
}

// arange(N * L * D) as float32: what the reference was run on.
std::string CountingTokens(std::int64_t count) {
  std::vector<float> tokens(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<float>(i);
  return {reinterpret_cast<const char*>(tokens.data()), tokens.size() * sizeof(float)};
}

GoldenCase ReadCommon(const nlohmann::json& json, std::int64_t batch_size, std::int64_t token_dim) {
  GoldenCase golden;
  v1::TokenLayout& layout = *golden.request.mutable_layout();
  layout.set_batch_size(batch_size);
  layout.set_sequence_length(json.at("sequence_length"));
  layout.set_token_dim(token_dim);
  layout.set_element_bytes(4);
  golden.request.set_tokens(CountingTokens(batch_size * layout.sequence_length() * token_dim));
  golden.request.mutable_spec()->set_mask_ratio(json.at("mask_ratio"));
  golden.request.mutable_spec()->set_seed(json.at("seed").get<std::uint64_t>());
  for (const v1::MaskingResult result :
       {v1::MASKING_RESULT_KEPT_TOKENS, v1::MASKING_RESULT_MASK, v1::MASKING_RESULT_IDS_RESTORE,
        v1::MASKING_RESULT_IDS_KEEP, v1::MASKING_RESULT_IDS_MASK, v1::MASKING_RESULT_NOISE}) {
    golden.request.mutable_selection()->add_results(result);
  }
  golden.num_keep = json.at("num_keep");
  golden.keep_head = json.at("keep_head");
  for (const std::string array : {"noise", "ids_restore", "ids_keep", "mask"}) {
    if (json.contains(array)) golden.arrays[array] = json.at(array);
  }
  golden.name = "Seed" + std::to_string(golden.request.spec().seed()) + "Batch" + std::to_string(batch_size) +
                "Length" + std::to_string(layout.sequence_length());
  return golden;
}

GoldenCase ReadTorchCase(const nlohmann::json& json) {
  GoldenCase golden = ReadCommon(json, json.at("batch_size"), json.at("token_dim"));
  golden.name = "Torch" + golden.name;
  golden.request.mutable_spec()->mutable_torch_cpu();
  for (const auto& [name, hash] : json.at("sha256").items()) {
    golden.sha256[name.substr(0, name.rfind('_'))] = hash;  // "ids_keep_i64": name and type
  }
  return golden;
}

GoldenCase ReadSeededCase(const nlohmann::json& json) {
  const std::vector<std::uint64_t> sample_ids = json.at("sample_ids");
  GoldenCase golden = ReadCommon(json, static_cast<std::int64_t>(sample_ids.size()), 1);
  golden.name = "Seeded" + golden.name;
  v1::MaskSpec& spec = *golden.request.mutable_spec();
  spec.mutable_sample_ids()->mutable_ids()->Add(sample_ids.begin(), sample_ids.end());
  spec.set_epoch(json.at("epoch"));
  spec.set_mask_index(json.at("mask_index"));
  golden.sha256 = {{"ids_restore", json.at("ids_restore_sha256")}, {"noise", json.at("noise_sha256")}};
  return golden;
}

}  // namespace

std::vector<GoldenCase> ReadGoldenCases() {
  std::vector<GoldenCase> cases;
  for (const auto& json : ReadCases("random_masking_torch.json")) cases.push_back(ReadTorchCase(json));
  for (const auto& json : ReadCases("random_masking_seeded.json")) cases.push_back(ReadSeededCase(json));
  return cases;
}

std::string Sha256(const std::string& bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string text;
  for (const unsigned char byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace maskd
