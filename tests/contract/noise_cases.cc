// Noise of every kind and source.
#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>

#include "tests/contract/masking_case.h"

namespace maskd {
namespace {

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

}  // namespace maskd
