// maskctl mask: .npy files in, .npy files out.
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/flags/enum_option.h"
#include "client/flags/masking_flags.h"
#include "client/flags/whole_number.h"
#include "client/maskctl/commands.h"
#include "client/npy_file.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

struct MaskFlags {
  ServerFlags server;
  MaskingFlags masking;
  std::string tokens;
  std::vector<std::int64_t> shape;
  std::string sample_ids;
  std::string noise;
  NoiseSource noise_source{};
  NoiseDirection direction{};
  float seeded_noise_scale = 0;
  std::uint64_t skip = 0;
  std::uint64_t torch_offset = 0;
  std::vector<std::int64_t> torch_device;
  IdsType ids_type{};
  MaskType mask_type{};
  MaskPolarity polarity{};
  bool with_noise = false;
  std::string out;
};

// The ids of any integer array, in its order.
absl::StatusOr<std::vector<std::uint64_t>> ReadSampleIds(const std::string& path) {
  MASKD_ASSIGN_OR_RETURN(const NpyArray array, ReadNpy(path));
  const char kind = array.descr[1];
  if ((kind != 'i' && kind != 'u') || array.descr[0] == '>' || array.element_bytes > 8) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has the element type ", array.descr, "; sample ids are little-endian integers"));
  }
  std::vector<std::uint64_t> ids(static_cast<std::size_t>(array.data_bytes / array.element_bytes));
  for (std::size_t n = 0; n < ids.size(); ++n) {
    std::memcpy(&ids[n], array.data.get() + n * array.element_bytes,
                static_cast<std::size_t>(array.element_bytes));
    if (kind == 'i' && (ids[n] >> (8 * array.element_bytes - 1)) != 0) {
      return absl::InvalidArgumentError(absl::StrCat(path, " has a negative id at index ", n));
    }
  }
  return ids;
}

absl::StatusOr<NpyArray> ReadNoise(const std::string& path, const MaskingSpec& spec) {
  MASKD_ASSIGN_OR_RETURN(NpyArray array, ReadNpy(path));
  if (array.descr != "<f4") {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has the element type ", array.descr, "; noise is float32 (<f4)"));
  }
  if (array.shape != std::vector<std::int64_t>{spec.batch_size, spec.sequence_length}) {
    return absl::InvalidArgumentError(absl::StrCat(path, " has the shape [", absl::StrJoin(array.shape, ", "),
                                                   "]; noise for these samples is [", spec.batch_size, ", ",
                                                   spec.sequence_length, "]"));
  }
  return array;
}

absl::Status SetLayout(const MaskFlags& flags, const std::optional<NpyArray>& tokens, MaskingSpec& spec) {
  if (!tokens.has_value()) {
    spec.batch_size = flags.shape[0];
    spec.sequence_length = flags.shape[1];
    return absl::OkStatus();
  }
  if (tokens->shape.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        flags.tokens, " has the shape [", absl::StrJoin(tokens->shape, ", "), "]; tokens are [N, L, ...]"));
  }
  spec.batch_size = tokens->shape[0];
  spec.sequence_length = tokens->shape[1];
  std::int64_t token_dim = 1;
  for (const std::int64_t size : std::span(tokens->shape).subspan(2)) token_dim *= size;
  spec.token_type = TokenType{.token_dim = token_dim, .element_bytes = tokens->element_bytes};
  return absl::OkStatus();
}

std::string IdsDescr(IdsType type) {
  switch (type) {
    case IdsType::kInt64:
      return "<i8";
    case IdsType::kInt32:
      return "<i4";
    case IdsType::kUint16:
      return "<u2";
  }
  return "";
}

std::string MaskDescr(MaskType type) { return type == MaskType::kFloat32 ? "<f4" : "|u1"; }

// Writes one result to DIR/NAME.npy and says so.
absl::Status Write(const std::string& dir, const std::string& name, const std::string& descr,
                   const std::vector<std::int64_t>& shape, const std::string& data) {
  const std::string path = absl::StrCat(dir, "/", name, ".npy");
  MASKD_RETURN_IF_ERROR(WriteNpy(path, descr, shape, std::as_bytes(std::span(data))));
  std::cout << path << "  " << descr << " [" << absl::StrJoin(shape, ", ") << "]\n";
  return absl::OkStatus();
}

absl::Status WriteResults(const MaskFlags& flags, const MaskingSpec& spec,
                          const std::optional<NpyArray>& tokens, const MaskedBatch& batch) {
  std::error_code error;
  std::filesystem::create_directories(flags.out, error);
  if (error)
    return absl::UnavailableError(absl::StrCat("cannot make the folder ", flags.out, ": ", error.message()));
  const std::int64_t N = spec.batch_size;
  const std::int64_t L = spec.sequence_length;
  const std::int64_t K = batch.num_keep;
  if (tokens.has_value()) {
    std::vector<std::int64_t> shape = tokens->shape;
    shape[1] = K;
    MASKD_RETURN_IF_ERROR(Write(flags.out, "kept_tokens", tokens->descr, shape, batch.kept_tokens));
  }
  const std::int64_t mask_columns = flags.mask_type == MaskType::kPackedBits ? (L + 7) / 8 : L;
  MASKD_RETURN_IF_ERROR(Write(flags.out, "mask", MaskDescr(flags.mask_type), {N, mask_columns}, batch.mask));
  MASKD_RETURN_IF_ERROR(Write(flags.out, "ids_restore", IdsDescr(flags.ids_type), {N, L}, batch.ids_restore));
  MASKD_RETURN_IF_ERROR(Write(flags.out, "ids_keep", IdsDescr(flags.ids_type), {N, K}, batch.ids_keep));
  if (flags.with_noise) MASKD_RETURN_IF_ERROR(Write(flags.out, "noise", "<f4", {N, L}, batch.noise));
  return absl::OkStatus();
}

absl::Status MaskArrays(const MaskFlags& flags) {
  std::optional<NpyArray> tokens;
  if (!flags.tokens.empty()) {
    MASKD_ASSIGN_OR_RETURN(tokens, ReadNpy(flags.tokens));
  }
  MaskingSpec spec;
  MASKD_RETURN_IF_ERROR(SetLayout(flags, tokens, spec));
  flags.masking.Apply(spec);
  std::vector<std::uint64_t> sample_ids;
  if (!flags.sample_ids.empty()) {
    MASKD_ASSIGN_OR_RETURN(sample_ids, ReadSampleIds(flags.sample_ids));
    spec.sample_ids = sample_ids;
  }
  NpyArray noise;
  spec.noise_source = flags.noise_source;
  spec.torch_skip = flags.skip;
  spec.torch_cuda.offset = flags.torch_offset;
  if (!flags.torch_device.empty()) {
    spec.torch_cuda.multi_processor_count = flags.torch_device[0];
    spec.torch_cuda.max_threads_per_multi_processor = flags.torch_device[1];
  }
  if (!flags.noise.empty()) {
    MASKD_ASSIGN_OR_RETURN(noise, ReadNoise(flags.noise, spec));
    spec.noise_source = NoiseSource::kProvided;
    spec.provided_noise = noise.bytes();
    spec.noise_direction = flags.direction;
    spec.seeded_noise_scale = flags.seeded_noise_scale;
  }
  ResultSelection& selection = spec.selection;
  selection.kept_tokens = tokens.has_value();
  selection.mask = selection.ids_restore = selection.ids_keep = true;
  selection.noise = flags.with_noise;
  selection.ids_type = flags.ids_type;
  selection.mask_type = flags.mask_type;
  selection.mask_polarity = flags.polarity;

  MASKD_ASSIGN_OR_RETURN(const auto client, flags.server.Connect());
  MASKD_ASSIGN_OR_RETURN(const MaskedBatch batch, tokens.has_value()
                                                      ? client->RandomMasking(spec, tokens->bytes())
                                                      : client->GenerateMask(spec));
  MASKD_RETURN_IF_ERROR(WriteResults(flags, spec, tokens, batch));
  std::cout << batch.num_keep << " of " << spec.sequence_length << " tokens kept in each of "
            << spec.batch_size << " samples (" << batch.backend << ")\n";
  return absl::OkStatus();
}

}  // namespace

Command AddMaskCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "mask",
      "Mask a batch of tokens, or draw masks for a shape.\n\n"
      "Examples: maskctl mask --tokens=x.npy --mask_ratio=0.75 --seed=1 --out=masked\n"
      "          maskctl mask --shape=64,196 --mask_ratio=0.75 --seed=1 --epoch=3 --out=masks\n\n"
      "Writes kept_tokens.npy (with --tokens), mask.npy, ids_restore.npy and ids_keep.npy to the folder "
      "--out.\n");
  command->option_defaults()->take_last();
  const auto flags = std::make_shared<MaskFlags>();
  auto* const tokens =
      command->add_option("--tokens", flags->tokens, "tokens [N, L, ...], a .npy file of any element type");
  auto* const shape = command->add_option("--shape", flags->shape, "N,L: draw masks alone, no tokens travel")
                          ->delimiter(',')
                          ->expected(2)
                          ->type_name("N,L");
  tokens->excludes(shape);
  CLI::Option* const first_sample_id = flags->masking.AddTo(*command);
  command->add_option("--sample_ids", flags->sample_ids, "ids of the samples [N], a .npy file of integers")
      ->excludes(first_sample_id);
  auto* const noise =
      command->add_option("--noise", flags->noise, "noise or scores [N, L], a .npy file of float32");
  AddEnumOption<NoiseDirection>(
      *command, "--direction", flags->direction,
      {{"ascending", NoiseDirection::kAscending}, {"descending", NoiseDirection::kDescending}},
      "with --noise, what is kept first")
      ->needs(noise);
  command
      ->add_option("--seeded_noise_scale", flags->seeded_noise_scale,
                   "with --noise, sort noise + this * seeded noise")
      ->needs(noise);
  AddEnumOption<NoiseSource>(*command, "--noise_source", flags->noise_source,
                             {{"seeded", NoiseSource::kSeeded},
                              {"torch_cpu", NoiseSource::kTorchCpu},
                              {"torch_cuda", NoiseSource::kTorchCuda}},
                             "without --noise, where it comes from")
      ->excludes(noise);
  command->add_option("--skip", flags->skip, "with torch_cpu, draws to pass over first")
      ->check(CheckWholeNumber)
      ->excludes(noise)
      ->capture_default_str();
  command
      ->add_option("--torch_offset", flags->torch_offset,
                   "with torch_cuda, offset of torch's generator before the draw")
      ->check(CheckWholeNumber)
      ->excludes(noise)
      ->capture_default_str();
  command
      ->add_option("--torch_device", flags->torch_device,
                   "with torch_cuda, multi_processor_count and max_threads_per_multi_processor of its device")
      ->delimiter(',')
      ->expected(2)
      ->excludes(noise);
  AddEnumOption<IdsType>(
      *command, "--ids_type", flags->ids_type,
      {{"int64", IdsType::kInt64}, {"int32", IdsType::kInt32}, {"uint16", IdsType::kUint16}},
      "type of the ids");
  AddEnumOption<MaskType>(
      *command, "--mask_type", flags->mask_type,
      {{"float32", MaskType::kFloat32}, {"uint8", MaskType::kUint8}, {"bits", MaskType::kPackedBits}},
      "type of the mask");
  AddEnumOption<MaskPolarity>(
      *command, "--polarity", flags->polarity,
      {{"masked_is_one", MaskPolarity::kMaskedIsOne}, {"kept_is_one", MaskPolarity::kKeptIsOne}},
      "what a 1 in the mask means");
  command->add_flag("--with_noise", flags->with_noise, "write noise.npy too");
  command->add_option("--out", flags->out, "folder to write to")->required();
  flags->server.AddTo(*command);
  command->callback([tokens, shape] {
    if (tokens->count() + shape->count() == 0) throw CLI::RequiredError("--tokens or --shape");
  });
  return [flags] { return MaskArrays(*flags); };
}

}  // namespace maskd
