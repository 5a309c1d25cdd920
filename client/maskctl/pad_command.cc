// maskctl pad: sequences of different lengths as one tensor.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/flags/enum_option.h"
#include "client/maskctl/commands.h"
#include "client/maskctl/tensor_files.h"
#include "client/tensor_client.h"
#include "kernels/float_types.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

struct PadFlags {
  ServerFlags server;
  std::string values;
  std::vector<std::int64_t> lengths;
  std::string padding_value = "0";
  bool time_major = false;
  std::int64_t padded_length = 0;
  MaskType mask_type{};
  std::string output;
  std::string mask;
};

template <typename Value>
std::string BytesOf(Value value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

// The number that `text` says as an element of a floating-point type.
std::optional<std::string> FloatElement(const std::string& text, std::int64_t element_bytes) {
  double value = 0;
  if (!absl::SimpleAtod(text, &value)) return std::nullopt;
  std::string bytes;
  bool overflowed = false;
  if (element_bytes == 8) {
    bytes = BytesOf(value);
  } else if (element_bytes == 4) {
    bytes = BytesOf(static_cast<float>(value));
    overflowed = std::isinf(static_cast<float>(value));
  } else {
    const std::uint16_t half = HalfOfFloat(static_cast<float>(value));
    bytes = BytesOf(half);
    overflowed = std::isinf(FloatOfHalf(half));
  }
  if (overflowed && !std::isinf(value)) return std::nullopt;
  return bytes;
}

// The same of an integer type.
std::optional<std::string> IntegerElement(const std::string& text, char kind, std::int64_t element_bytes) {
  const auto bits = static_cast<int>(8 * element_bytes);
  std::string bytes;
  if (kind == 'i') {
    std::int64_t value = 0;
    if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
    if (bits < 64 && (value >> (bits - 1)) != (value < 0 ? -1 : 0)) return std::nullopt;
    bytes = BytesOf(value);
  } else {
    std::uint64_t value = 0;
    if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
    if ((kind == 'b' && value > 1) || (bits < 64 && (value >> bits) != 0)) return std::nullopt;
    bytes = BytesOf(value);
  }
  bytes.resize(static_cast<std::size_t>(element_bytes));
  return bytes;
}

// --padding_value as an element of `values`; empty for zero.
absl::StatusOr<std::string> PaddingOf(const PadFlags& flags, const NpyArray& values) {
  if (flags.padding_value == "0") return std::string();
  const char kind = values.descr[1];
  const bool floats = kind == 'f' && values.element_bytes <= 8;
  const bool integers = (kind == 'i' || kind == 'u' || kind == 'b') && values.element_bytes <= 8;
  if (values.descr[0] == '>' || !(floats || integers)) {
    return absl::InvalidArgumentError(absl::StrCat(
        flags.values, " has the element type ", values.descr, ", which --padding_value=", flags.padding_value,
        " cannot be; pad with 0, or save little-endian numbers of up to 8 bytes"));
  }
  const auto element = floats ? FloatElement(flags.padding_value, values.element_bytes)
                              : IntegerElement(flags.padding_value, kind, values.element_bytes);
  if (element.has_value()) return *element;
  return absl::InvalidArgumentError(absl::StrCat("--padding_value=", flags.padding_value,
                                                 " is no number of the element type of ", flags.values, ", ",
                                                 values.descr));
}

absl::Status Pad(const PadFlags& flags) {
  MASKD_ASSIGN_OR_RETURN(const TensorFile values, ReadTensor("--values", flags.values, TensorUse::kMoved));
  MASKD_ASSIGN_OR_RETURN(const std::string padding, PaddingOf(flags, values.array));
  MASKD_ASSIGN_OR_RETURN(const auto client, flags.server.ConnectTensors());
  MASKD_ASSIGN_OR_RETURN(const PaddedTensors result,
                         client->PadSequences({.values = values.view(),
                                               .lengths = flags.lengths,
                                               .padding_value = std::as_bytes(std::span(padding)),
                                               .time_major = flags.time_major,
                                               .mask_type = flags.mask_type,
                                               .padded_length = flags.padded_length}));
  MASKD_RETURN_IF_ERROR(WriteTensor(flags.output, values.array.descr, result.padded));
  if (flags.mask.empty()) return absl::OkStatus();
  return WriteTensor(flags.mask, flags.mask_type == MaskType::kUint8 ? "|u1" : "<f4", result.mask);
}

}  // namespace

Command AddPadCommand(CLI::App& app) {
  CLI::App* const command = app.add_subcommand(
      "pad",
      "Pad sequences of different lengths to one tensor, and say which of its steps are real.\n\n"
      "Example: maskctl pad --values=v.npy --lengths=3,2,1 --output=padded.npy --mask=m.npy\n");
  command->option_defaults()->take_last();
  const auto flags = std::make_shared<PadFlags>();
  AddFileOption(*command, "--values", flags->values,
                "[sum of lengths, ...]: the sequences, one behind the other")
      ->required();
  command->add_option("--lengths", flags->lengths, "number of steps of each sequence")
      ->delimiter(',')
      ->type_name("N,N,...")
      ->required();
  command->add_option("--padding_value", flags->padding_value, "a number, for steps that are not real")
      ->type_name("NUMBER")
      ->capture_default_str();
  command->add_flag("--time_major", flags->time_major, "write [T, B, ...] instead of [B, T, ...]");
  command->add_option("--padded_length", flags->padded_length, "T; 0 is the longest length")
      ->capture_default_str();
  AddFileOption(*command, "--output", flags->output, "file to write")->required();
  AddFileOption(*command, "--mask", flags->mask, "file to write the mask to: 1 where a step is real");
  AddEnumOption<MaskType>(*command, "--mask_type", flags->mask_type,
                          {{"float32", MaskType::kFloat32}, {"uint8", MaskType::kUint8}}, "type of the mask");
  flags->server.AddTo(*command);
  return [flags] { return Pad(*flags); };
}

}  // namespace maskd
