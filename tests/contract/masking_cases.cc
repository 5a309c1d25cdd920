#include <algorithm>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>

#include "tests/contract/masking_case.h"

namespace maskd {
namespace {

// Seeded, with every result, of N = 5 sequences of L = 50 float32 pairs.
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

struct NamedNoise {
  std::string name;
  std::uint32_t (*bits)(std::int64_t element);
};

std::uint32_t RandomWord(std::int64_t element) {
  return static_cast<std::uint32_t>(MixBits(static_cast<std::uint64_t>(element)) >> 32);
}

std::uint32_t OneOf(std::initializer_list<float> values, std::int64_t element) {
  return std::bit_cast<std::uint32_t>(values.begin()[RandomWord(element) % values.size()]);
}

const std::vector<NamedNoise>& NamedNoises() {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  static const std::vector<NamedNoise> noises = {
      {"RandomBits", RandomWord},
      {"FewValues",
       [](std::int64_t e) {
         return OneOf({0.5f, 0.25f, -1.0f}, e);
       }},
      {"AllEqual", [](std::int64_t) { return std::bit_cast<std::uint32_t>(0.75f); }},
      {"AllPositiveNan", [](std::int64_t) { return 0x7fc00000u; }},
      {"AllNegativeNan", [](std::int64_t) { return 0xffc00000u; }},
      {"NanOfEveryPayload",
       [](std::int64_t e) { return RandomWord(e) | 0x7f800001u; }},  // both signs, quiet and signalling
      {"NanAmongNumbers",
       [](std::int64_t e) {
         const std::uint32_t word = RandomWord(e);
         return word % 3 == 0 ? word | 0x7fc00000u : std::bit_cast<std::uint32_t>(float(word % 10) - 5);
       }},
      {"Infinities",
       [](std::int64_t e) {
         return OneOf({-kInf, kInf, 3.0e38f, -3.0e38f, 0.0f}, e);
       }},
      {"SignedZeros", [](std::int64_t e) { return RandomWord(e) & 0x80000000u; }},
      {"SignedZerosAmongDenormals",
       [](std::int64_t e) {
         return OneOf({0.0f, -0.0f, 1e-45f, -1e-45f, 3e-45f, -3e-45f}, e);
       }},
      {"Denormals", [](std::int64_t e) { return RandomWord(e) & 0x807fffffu; }},
      {"Sorted", [](std::int64_t e) { return std::bit_cast<std::uint32_t>(static_cast<float>(e)); }},
      {"Reversed", [](std::int64_t e) { return std::bit_cast<std::uint32_t>(-static_cast<float>(e)); }},
      {"LowBitsDiffer", [](std::int64_t e) { return 0x3f800000u | (RandomWord(e) & 3u); }},
      {"HighBitsDiffer", [](std::int64_t e) { return (RandomWord(e) & 0x3u) << 29; }},
  };
  return noises;
}

MaskingCase ProvidedCase(const NamedNoise& noise, NoiseDirection direction, float scale) {
  MaskingSpec spec = SmallSpec();
  spec.sequence_length = 77;
  spec.noise_source = NoiseSource::kProvided;
  spec.noise_direction = direction;
  spec.seeded_noise_scale = scale;
  std::string name = "Provided" + noise.name;
  if (direction == NoiseDirection::kDescending) name += "Descending";
  if (scale != 0) name += "Mixed";
  return {.name = name, .spec = spec, .sample_ids = {}, .noise_bits = noise.bits};
}

MaskingCase ScaleCase(const std::string& name, float scale) {
  MaskingCase result = ProvidedCase({"", RandomWord}, NoiseDirection::kAscending, scale);
  result.name = "ProvidedScale" + name;
  result.noise_bits = [](std::int64_t e) { return OneOf({0.0f, 1.0f, -1.0f, 1e-40f, 1e30f, NAN}, e); };
  return result;
}

MaskingCase TorchCase(const std::string& name, std::uint64_t seed, std::uint64_t skip) {
  MaskingSpec spec = SmallSpec();
  spec.sequence_length = 333;
  spec.noise_source = NoiseSource::kTorchCpu;
  spec.seed = seed;
  spec.torch_skip = skip;
  return {.name = "Torch" + name, .spec = spec, .sample_ids = {}};
}

// ThreadSanitizer takes minutes for sequences this long, among whose threads
// nothing passes that does not for shorter ones.
constexpr std::int64_t kLongUnderThreadSanitizer = 200'000;

std::vector<MaskingCase> InGoodTime(std::vector<MaskingCase> cases) {
#ifdef __SANITIZE_THREAD__
  constexpr bool kSlow = true;
#else
  constexpr bool kSlow = false;
#endif
  std::erase_if(cases, [](const MaskingCase& masking_case) {
    const MaskingSpec& spec = masking_case.spec;
    return kSlow && spec.batch_size * spec.sequence_length > kLongUnderThreadSanitizer;
  });
  return cases;
}

// Several sequences of one draw of 2 x 512 threads, or of as many as elements.
MaskingCase TorchCudaCase(const std::string& name, std::int64_t batch_size, std::int64_t length,
                          const TorchCudaSpec& torch) {
  MaskingSpec spec = SmallSpec();
  spec.batch_size = batch_size;
  spec.sequence_length = length;
  spec.token_type = TokenType{.token_dim = 1, .element_bytes = 1};
  spec.noise_source = NoiseSource::kTorchCuda;
  spec.torch_cuda = torch;
  return {.name = "TorchCuda" + name, .spec = spec, .sample_ids = {}};
}

}  // namespace

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

std::vector<MaskingCase> NoiseCases() {
  std::vector<MaskingCase> cases;
  for (const NamedNoise& noise : NamedNoises()) {
    for (const auto direction : {NoiseDirection::kAscending, NoiseDirection::kDescending}) {
      for (const float scale : {0.0f, 0.5f}) cases.push_back(ProvidedCase(noise, direction, scale));
    }
    // Ties across a long sequence: the order of equal keys must survive every path.
    MaskingCase longer = ProvidedCase(noise, NoiseDirection::kAscending, 0);
    longer.name += "Length5000";
    longer.spec.batch_size = 2;
    longer.spec.sequence_length = 5000;
    longer.spec.num_keep = 1250;
    cases.push_back(longer);
    longer.name += "Raster";
    longer.spec.selection.kept_order = KeptOrder::kRaster;
    cases.push_back(longer);
  }
  cases.push_back(ScaleCase("Negative", -0.5f));
  cases.push_back(ScaleCase("NegativeZero", -0.0f));
  cases.push_back(ScaleCase("Denormal", 1e-45f));
  cases.push_back(ScaleCase("Huge", std::numeric_limits<float>::max()));
  cases.push_back(ScaleCase("HugeNegative", std::numeric_limits<float>::lowest()));
  cases.push_back(ScaleCase("Inexact", 0.1f));

  cases.push_back(TorchCase("NoSkip", 42, 0));
  cases.push_back(TorchCase("SkipOne", 42, 1));
  cases.push_back(TorchCase("SkipToEndOfState", 42, 623));
  cases.push_back(TorchCase("SkipState", 42, 624));
  cases.push_back(TorchCase("SkipStateAndOne", 42, 625));
  cases.push_back(TorchCase("SkipMany", 42, 1000003));
  cases.push_back(TorchCase("SeedAbove32Bits", (std::uint64_t{7} << 32) + 42, 0));
  cases.push_back(TorchCase("LargestSeed", ~std::uint64_t{0}, 5));
  MaskingCase raster = TorchCase("Raster", 1, 0);
  raster.spec.selection.kept_order = KeptOrder::kRaster;
  cases.push_back(raster);
  // One stream over the batch, of more draws than anyone holds at a time.
  for (const auto& [batch_size, length] :
       {std::pair{2, 65536}, std::pair{21, 60001}, std::pair{2, 1048577}}) {
    MaskingCase longer =
        TorchCase("Batch" + std::to_string(batch_size) + "Length" + std::to_string(length), 1, 0);
    longer.spec.batch_size = batch_size;
    longer.spec.sequence_length = length;
    longer.spec.token_type = TokenType{.token_dim = 1, .element_bytes = 1};
    cases.push_back(longer);
  }
  constexpr TorchCudaSpec kTwoProcessors = {.multi_processor_count = 2,
                                            .max_threads_per_multi_processor = 767};
  TorchCudaSpec late = kTwoProcessors;
  late.offset = ~std::uint64_t{0} - 3;  // the step overflows its low word
  TorchCudaSpec carry = kTwoProcessors;
  carry.offset = std::uint64_t{0xffffffff} * 4;
  TorchCudaSpec part = kTwoProcessors;
  part.first_element = 777;
  part.num_elements = 10000;
  cases.push_back(TorchCudaCase("BelowAWave", 5, 99, kTwoProcessors));
  cases.push_back(TorchCudaCase("AWave", 8, 128, kTwoProcessors));
  cases.push_back(TorchCudaCase("AWaveAndOne", 25, 41, kTwoProcessors));
  cases.push_back(TorchCudaCase("FourWavesAndMore", 7, 777, kTwoProcessors));
  cases.push_back(TorchCudaCase("ManySteps", 3, 4099, kTwoProcessors));
  cases.push_back(TorchCudaCase("LastOffset", 7, 777, late));
  cases.push_back(TorchCudaCase("StepCarries", 7, 777, carry));
  cases.push_back(TorchCudaCase("PartOfATensor", 7, 777, part));
  cases.push_back(TorchCudaCase("LargeDevice", 2, 65537,
                                {.multi_processor_count = 132, .max_threads_per_multi_processor = 2048}));
  return InGoodTime(std::move(cases));
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
