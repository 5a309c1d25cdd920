#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "kernels/failover_masker.h"
#include "kernels/masker.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_ops.h"

namespace maskd {
namespace {

// What CUDA runs on, while it is looked for.
struct Cards {
  std::vector<std::unique_ptr<Masker>> maskers;
  std::vector<DeviceState> lost;
};

absl::StatusOr<std::unique_ptr<Masker>> MakeCard(int ordinal, const MaskerOptions& options) {
  return MakeCudaMasker(ordinal, {.gather_way = options.gather_way, .host_threads = options.num_threads});
}

MaskerChoice WithCpuBehind(Cards cards, const MaskerOptions& options, std::string reason) {
  return {std::make_unique<FailoverMasker>(std::move(cards.maskers), std::move(cards.lost),
                                           MakeCpuMasker(options.num_threads), options.on_error),
          std::move(reason)};
}

absl::StatusOr<MaskerChoice> MakeOneCuda(int ordinal, const MaskerOptions& options, std::string reason) {
  MASKD_ASSIGN_OR_RETURN(std::unique_ptr<Masker> card, MakeCard(ordinal, options));
  Cards cards;
  cards.maskers.push_back(std::move(card));
  return WithCpuBehind(std::move(cards), options, std::move(reason));
}

// Cards that are too old are left out; one that does not work counts as failed.
absl::StatusOr<MaskerChoice> MakeAllCuda(const MaskerOptions& options) {
  MASKD_ASSIGN_OR_RETURN(const int count, CountCudaDevices());
  Cards cards;
  std::string without;
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    absl::StatusOr<std::unique_ptr<Masker>> card = MakeCard(ordinal, options);
    if (card.ok()) {
      cards.maskers.push_back(*std::move(card));
      continue;
    }
    absl::StrAppend(&without, "; not: ", card.status().message());
    if (absl::IsFailedPrecondition(card.status())) continue;
    cards.lost.push_back({.id = absl::StrCat("cuda:", ordinal),
                          .backend = "cuda",
                          .healthy = false,
                          .error = std::string(card.status().message())});
    if (options.on_error) options.on_error(cards.lost.back());
  }
  if (cards.maskers.empty()) return absl::UnavailableError(absl::StrCat("no CUDA device works", without));
  std::string reason = absl::StrCat(cards.maskers.size(), " of ", count, " CUDA devices", without);
  return WithCpuBehind(std::move(cards), options, std::move(reason));
}

// N of "cuda:N", 0 of "cuda".
absl::StatusOr<int> CudaOrdinal(const std::string& device) {
  absl::string_view text = device;
  int ordinal = 0;
  if (device == "cuda" ||
      (absl::ConsumePrefix(&text, "cuda:") && absl::SimpleAtoi(text, &ordinal) && ordinal >= 0))
    return ordinal;
  return absl::InvalidArgumentError(
      absl::StrCat("device is \"", device, "\"; it must be auto, cpu, cuda, cuda:N, cuda:all or reference"));
}

}  // namespace

absl::StatusOr<MaskerChoice> MakeMasker(const std::string& device, const MaskerOptions& options) {
  if (device == "cpu") return MaskerChoice{MakeCpuMasker(options.num_threads), "as asked for"};
  if (device == "reference") return MaskerChoice{MakeReferenceMasker(), "as asked for"};
  if (device == "cuda:all") return MakeAllCuda(options);
  if (device == "auto") {
    absl::StatusOr<MaskerChoice> cuda = MakeOneCuda(0, options, "auto: a CUDA device works");
    if (cuda.ok()) return cuda;
    return MaskerChoice{MakeCpuMasker(options.num_threads),
                        absl::StrCat("auto: no CUDA device, ", cuda.status().message())};
  }
  MASKD_ASSIGN_OR_RETURN(const int ordinal, CudaOrdinal(device));
  return MakeOneCuda(ordinal, options, "as asked for");
}

absl::StatusOr<std::unique_ptr<TensorOps>> MakeTensorOps(const std::string& device, int num_threads) {
  // Their tensors are in the host's memory: to copy them to a card moves more than
  // the operations do.
  if (device == "cpu" || device == "auto") return MakeCpuTensorOps(num_threads);
  if (device == "reference") return MakeReferenceTensorOps();
  // Of all cards the first: a call's tensors are copied to it and back, and no bus
  // is faster for there being another card.
  if (device == "cuda:all") return MakeCudaTensorOps(0);
  MASKD_ASSIGN_OR_RETURN(const int ordinal, CudaOrdinal(device));
  return MakeCudaTensorOps(ordinal);
}

}  // namespace maskd
