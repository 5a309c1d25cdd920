#include <algorithm>
#include <utility>

#include "tests/contract/masking_case.h"

namespace maskd {

MaskingSpec SmallSpec() {
  return {.batch_size = 5,
          .sequence_length = 50,
          .token_type = TokenType{.token_dim = 2, .element_bytes = 4},
          .num_keep = 13,
          .seed = 0x0123456789abcdef,
          .first_sample_id = 1000,
          .epoch = 7,
          .mask_index = 3,
          .selection = kAllResults};
}

std::vector<MaskingCase> LengthCases() {
  std::vector<MaskingCase> cases;
  for (const std::int64_t length : {1,    2,    7,    31,   32,   33,   128,  129,  196,   256,   257,
                                    1023, 1024, 1025, 1568, 2048, 2049, 4096, 4097, 65535, 65536, 100003}) {
    const std::vector<std::pair<std::string, std::int64_t>> keeps = {{"KeepNone", 0},
                                                                     {"KeepOne", 1},
                                                                     {"KeepQuarter", length / 4},
                                                                     {"RemoveOne", length - 1},
                                                                     {"KeepAll", length}};
    for (std::size_t i = 0; i < keeps.size(); ++i) {
      const bool seen = std::any_of(keeps.begin(), keeps.begin() + static_cast<std::ptrdiff_t>(i),
                                    [&](const auto& other) { return other.second == keeps[i].second; });
      if (seen) continue;
      MaskingSpec spec = SmallSpec();
      spec.batch_size = length <= 4097 ? 5 : 2;
      spec.sequence_length = length;
      spec.num_keep = keeps[i].second;
      cases.push_back({"Length" + std::to_string(length) + keeps[i].first, spec, {}});
    }
  }
  return InGoodTime(std::move(cases));
}

std::vector<MaskingCase> TokenBytesCases() {
  const std::vector<TokenType> types = {{1, 1},  {1, 2},  {3, 1},  {1, 4},   {5, 1},   {3, 4},   {1, 16},
                                        {17, 1}, {12, 4}, {21, 3}, {147, 4}, {125, 8}, {768, 4}, {4099, 1}};
  std::vector<MaskingCase> cases;
  for (const TokenType& type : types) {
    MaskingSpec spec = SmallSpec();
    spec.token_type = type;
    cases.push_back({"TokenBytes" + std::to_string(type.token_dim * type.element_bytes), spec, {}});
  }
  return cases;
}

std::vector<MaskingCase> ResultTypeCases() {
  std::vector<MaskingCase> cases;
  for (const auto& [ids_name, ids_type] :
       {std::pair{"Int64", IdsType::kInt64}, std::pair{"Int32", IdsType::kInt32},
        std::pair{"Uint16", IdsType::kUint16}}) {
    for (const auto& [mask_name, mask_type] :
         {std::pair{"Float32", MaskType::kFloat32}, std::pair{"Uint8", MaskType::kUint8},
          std::pair{"PackedBits", MaskType::kPackedBits}}) {
      for (const auto polarity : {MaskPolarity::kMaskedIsOne, MaskPolarity::kKeptIsOne}) {
        for (const auto order : {KeptOrder::kNoise, KeptOrder::kRaster}) {
          MaskingSpec spec = SmallSpec();
          spec.selection.ids_type = ids_type;
          spec.selection.mask_type = mask_type;
          spec.selection.mask_polarity = polarity;
          spec.selection.kept_order = order;
          cases.push_back({std::string("Ids") + ids_name + "Mask" + mask_name +
                               (polarity == MaskPolarity::kKeptIsOne ? "KeptIsOne" : "MaskedIsOne") +
                               (order == KeptOrder::kRaster ? "Raster" : "NoiseOrder"),
                           spec,
                           {}});
        }
      }
    }
  }
  // Rows of bits around whole bytes and words.
  for (const std::int64_t length : {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 4097}) {
    MaskingSpec spec = SmallSpec();
    spec.sequence_length = length;
    spec.num_keep = (length + 1) / 2;
    spec.selection.mask_type = MaskType::kPackedBits;
    cases.push_back({"PackedBitsLength" + std::to_string(length), spec, {}});
  }
  // Raster order, and the widest uint16 id.
  for (const std::int64_t length : {1, 2, 196, 4097, 65536}) {
    MaskingSpec spec = SmallSpec();
    spec.batch_size = 2;
    spec.sequence_length = length;
    spec.num_keep = (length + 1) / 2;
    spec.selection.ids_type = IdsType::kUint16;
    spec.selection.kept_order = KeptOrder::kRaster;
    cases.push_back({"Uint16RasterLength" + std::to_string(length), spec, {}});
  }
  return cases;
}

std::vector<MaskingCase> IdentityCases() {
  std::vector<MaskingCase> cases;
  const auto add = [&cases](const std::string& name, const auto& change) -> MaskingCase& {
    MaskingCase added = {name, SmallSpec(), {}};
    change(added);
    cases.push_back(added);
    return cases.back();
  };
  constexpr std::uint64_t kHigh = std::uint64_t{1} << 63;
  constexpr std::uint64_t kLast = ~std::uint64_t{0};
  add("SampleIdsRepeated", [](MaskingCase& c) { c.sample_ids = {3, 3, 9, 3, 9}; });
  add("SampleIdsFromTwoTo63", [](MaskingCase& c) { c.sample_ids = {kHigh, kHigh + 1, kLast, 0, kLast - 1}; });
  add("SampleIdsDifferInHighWord", [](MaskingCase& c) {
    c.sample_ids = {1, (1ull << 32) + 1, (1ull << 63) + 1, 1ull << 32, 1ull << 33};
  });
  add("FirstSampleIdWrapsAround", [](MaskingCase& c) { c.spec.first_sample_id = kLast - 1; });
  add("FirstSampleIdCrosses32Bits", [](MaskingCase& c) { c.spec.first_sample_id = 0xfffffffeu; });
  add("LargestEpochAndMaskIndex", [](MaskingCase& c) { c.spec.epoch = 0xffffff, c.spec.mask_index = 255; });
  add("SmallestEpochAndMaskIndex", [](MaskingCase& c) { c.spec.epoch = 0, c.spec.mask_index = 0; });
  add("SeedZero", [](MaskingCase& c) { c.spec.seed = 0; });
  add("SeedHighWordAlone", [](MaskingCase& c) { c.spec.seed = 1ull << 32; });
  add("LargestSeed", [](MaskingCase& c) { c.spec.seed = kLast; });
  add("MixedNoiseOfSampleIds", [](MaskingCase& c) {
    c.sample_ids = {kLast, 1, 1, kHigh, 2};
    c.spec.noise_source = NoiseSource::kProvided;
    c.spec.seeded_noise_scale = 1;
    c.noise_bits = [](std::int64_t) { return 0u; };
  });
  return cases;
}

std::vector<MaskingCase> ModelCases() {
  const auto model = [](const std::string& name, std::int64_t batch_size, std::int64_t length,
                        std::int64_t token_dim, double ratio) {
    MaskingSpec spec = SmallSpec();
    spec.batch_size = batch_size;
    spec.sequence_length = length;
    spec.token_type = TokenType{.token_dim = token_dim, .element_bytes = 4};
    spec.num_keep.reset();
    spec.mask_ratio = ratio;
    return MaskingCase{name, spec, {}};
  };
  std::vector<MaskingCase> cases = {
      model("VitBase", 64, 196, 768, 0.75),    model("VitHuge", 4, 256, 1280, 0.75),
      model("VideoMae", 3, 1568, 768, 0.9),    model("AudioMae", 3, 512, 768, 0.8),
      model("OneSequence", 1, 196, 768, 0.75), model("ManyShortSequences", 1000, 9, 3, 0.5)};
  MaskingCase masks_alone = model("MasksAlone", 8, 196, 1, 0.75);
  masks_alone.spec.token_type.reset();
  masks_alone.spec.selection.kept_tokens = false;
  cases.push_back(masks_alone);
  return cases;
}

}  // namespace maskd
