// maskctl gather, scatter, restore and select: tensors moved by indices and masks.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "client/maskctl/commands.h"
#include "client/maskctl/tensor_files.h"
#include "client/tensor_client.h"
#include "kernels/status_macros.h"

namespace maskd {
namespace {

// A subcommand whose options, given twice, have the last value.
CLI::App* AddCommand(CLI::App& app, const std::string& name, const std::string& description) {
  CLI::App* const command = app.add_subcommand(name, description);
  command->option_defaults()->take_last();
  return command;
}

struct IndexFlags {
  ServerFlags server;
  std::string input;
  std::string index;
  std::string src;
  std::int64_t dim = 0;
  std::int64_t index_rank = 0;
  bool add = false;
  std::string output;

  void AddTo(CLI::App& command) {
    AddFileOption(command, "--input", input, "a tensor")->required();
    AddFileOption(command, "--index", index, "places along --dim, int64 or int32, as many sizes as the input")
        ->required();
    command.add_option("--dim", dim, "dimension that is indexed; negative: from the last of the index")
        ->required();
    command
        .add_option("--index_rank", index_rank,
                    "number of sizes of an index that has fewer than the input: whole rows move")
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{kMaxRank}))
        ->capture_default_str();
    AddFileOption(command, "--output", output, "file to write")->required();
    server.AddTo(command);
  }
};

absl::Status Gather(const IndexFlags& flags) {
  MASKD_ASSIGN_OR_RETURN(const TensorFile input, ReadTensor("--input", flags.input, TensorUse::kMoved));
  MASKD_ASSIGN_OR_RETURN(const TensorFile index, ReadTensor("--index", flags.index, TensorUse::kIndex));
  MASKD_ASSIGN_OR_RETURN(const auto client, flags.server.ConnectTensors());
  MASKD_ASSIGN_OR_RETURN(
      const Tensor output,
      client->Gather(
          {.input = input.view(), .index = index.view(), .dim = flags.dim, .index_rank = flags.index_rank}));
  return WriteTensor(flags.output, input.array.descr, output);
}

absl::Status Scatter(const IndexFlags& flags) {
  const TensorUse use = flags.add ? TensorUse::kFloats : TensorUse::kMoved;
  MASKD_ASSIGN_OR_RETURN(const TensorFile input,
                         ReadTensor(flags.add ? "--input with --add" : "--input", flags.input, use));
  MASKD_ASSIGN_OR_RETURN(const TensorFile index, ReadTensor("--index", flags.index, TensorUse::kIndex));
  MASKD_ASSIGN_OR_RETURN(const TensorFile src, ReadTensor("--src", flags.src, TensorUse::kMoved));
  MASKD_ASSIGN_OR_RETURN(const auto client, flags.server.ConnectTensors());
  const ScatterArguments arguments = {.input = input.view(),
                                      .index = index.view(),
                                      .src = src.view(),
                                      .dim = flags.dim,
                                      .index_rank = flags.index_rank};
  MASKD_ASSIGN_OR_RETURN(const Tensor output,
                         flags.add ? client->ScatterAdd(arguments) : client->Scatter(arguments));
  return WriteTensor(flags.output, input.array.descr, output);
}

struct RestoreFlags {
  ServerFlags server;
  std::string kept_tokens;
  std::string ids_restore;
  std::string fill;
  std::int64_t num_prefix = 0;
  std::string output;
};

absl::Status Restore(const RestoreFlags& flags) {
  MASKD_ASSIGN_OR_RETURN(const TensorFile kept,
                         ReadTensor("--kept_tokens", flags.kept_tokens, TensorUse::kMoved));
  MASKD_ASSIGN_OR_RETURN(const TensorFile ids,
                         ReadTensor("--ids_restore", flags.ids_restore, TensorUse::kIds));
  RestoreTokensArguments arguments = {
      .kept_tokens = kept.view(), .ids_restore = ids.view(), .num_prefix = flags.num_prefix};
  TensorFile fill;
  if (!flags.fill.empty()) {
    MASKD_ASSIGN_OR_RETURN(fill, ReadTensor("--fill", flags.fill, TensorUse::kMoved));
    arguments.fill = fill.view();
  }
  MASKD_ASSIGN_OR_RETURN(const auto client, flags.server.ConnectTensors());
  MASKD_ASSIGN_OR_RETURN(const Tensor tokens, client->RestoreTokens(arguments));
  return WriteTensor(flags.output, kept.array.descr, tokens);
}

struct SelectFlags {
  ServerFlags server;
  std::string input;
  std::string mask;
  std::string output;
};

absl::Status Select(const SelectFlags& flags) {
  MASKD_ASSIGN_OR_RETURN(const TensorFile input, ReadTensor("--input", flags.input, TensorUse::kMoved));
  MASKD_ASSIGN_OR_RETURN(const TensorFile mask, ReadTensor("--mask", flags.mask, TensorUse::kBoolean));
  MASKD_ASSIGN_OR_RETURN(const auto client, flags.server.ConnectTensors());
  MASKD_ASSIGN_OR_RETURN(const Tensor selected,
                         client->MaskedSelect({.input = input.view(), .mask = mask.view()}));
  return WriteTensor(flags.output, input.array.descr, selected);
}

}  // namespace

Command AddGatherCommand(CLI::App& app) {
  CLI::App* const command =
      AddCommand(app, "gather",
                 "Take elements of a tensor by index: torch.gather, numpy.take_along_axis.\n\n"
                 "Examples: maskctl gather --input=x.npy --index=i.npy --dim=1 --output=y.npy\n"
                 "          maskctl gather --input=tokens.npy --index=ids_keep.npy --dim=1 --index_rank=2 "
                 "--output=kept.npy\n");
  const auto flags = std::make_shared<IndexFlags>();
  flags->AddTo(*command);
  return [flags] { return Gather(*flags); };
}

Command AddScatterCommand(CLI::App& app) {
  CLI::App* const command = AddCommand(
      app, "scatter",
      "Put elements into a tensor by index: torch.scatter, and with --add torch.scatter_add.\n\n"
      "Example: maskctl scatter --input=x.npy --index=i.npy --src=s.npy --dim=1 --add --output=y.npy\n");
  const auto flags = std::make_shared<IndexFlags>();
  AddFileOption(*command, "--src", flags->src, "what is put, of the type of the input")->required();
  command->add_flag("--add", flags->add, "add to what is there; floating-point types alone");
  flags->AddTo(*command);
  return [flags] { return Scatter(*flags); };
}

Command AddRestoreCommand(CLI::App& app) {
  CLI::App* const command = AddCommand(
      app, "restore",
      "Put kept tokens back where they were, and a fill where tokens were removed.\n\n"
      "Example: maskctl restore --kept_tokens=masked/kept_tokens.npy --ids_restore=masked/ids_restore.npy "
      "--fill=mask_token.npy --output=tokens.npy\n");
  const auto flags = std::make_shared<RestoreFlags>();
  AddFileOption(*command, "--kept_tokens", flags->kept_tokens, "kept tokens [N, num_prefix + K, ...]")
      ->required();
  AddFileOption(*command, "--ids_restore", flags->ids_restore, "[N, L], int64, int32 or uint16")->required();
  AddFileOption(*command, "--fill", flags->fill, "one token, of the type of the kept ones; not given: zeros");
  command->add_option("--num_prefix", flags->num_prefix, "tokens in front that stay, such as a class token")
      ->capture_default_str();
  AddFileOption(*command, "--output", flags->output, "file to write, [N, num_prefix + L, ...]")->required();
  flags->server.AddTo(*command);
  return [flags] { return Restore(*flags); };
}

Command AddSelectCommand(CLI::App& app) {
  CLI::App* const command =
      AddCommand(app, "select",
                 "Take the elements of a tensor where a mask is 1: torch.masked_select, x[mask] in numpy.\n\n"
                 "Example: maskctl select --input=x.npy --mask=m.npy --output=y.npy\n");
  const auto flags = std::make_shared<SelectFlags>();
  AddFileOption(*command, "--input", flags->input, "a tensor")->required();
  AddFileOption(*command, "--mask", flags->mask, "bool, uint8 or float32, 0 or 1; broadcasts to the input")
      ->required();
  AddFileOption(*command, "--output", flags->output, "file to write, [number selected]")->required();
  flags->server.AddTo(*command);
  return [flags] { return Select(*flags); };
}

}  // namespace maskd
