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

namespace maskd {
namespace {

MaskerChoice WithCpuBehind(std::vector<std::unique_ptr<Masker>> cards, std::vector<DeviceState> lost_cards,
                           int num_threads, const OnDeviceError& on_error, std::string reason) {
  return {std::make_unique<FailoverMasker>(std::move(cards), std::move(lost_cards),
                                           MakeCpuMasker(num_threads), on_error),
          std::move(reason)};
}

absl::StatusOr<MaskerChoice> MakeOneCuda(int ordinal, int num_threads, const OnDeviceError& on_error,
                                         const std::string& reason) {
  absl::StatusOr<std::unique_ptr<Masker>> card = MakeCudaMasker(ordinal);
  if (!card.ok()) return card.status();
  std::vector<std::unique_ptr<Masker>> cards;
  cards.push_back(*std::move(card));
  return WithCpuBehind(std::move(cards), {}, num_threads, on_error, reason);
}

// Cards that are too old are left out; one that does not work counts as failed.
absl::StatusOr<MaskerChoice> MakeAllCuda(int num_threads, const OnDeviceError& on_error) {
  const absl::StatusOr<int> count = CountCudaDevices();
  if (!count.ok()) return count.status();
  std::vector<std::unique_ptr<Masker>> cards;
  std::vector<DeviceState> lost_cards;
  std::string reason;
  for (int ordinal = 0; ordinal < *count; ++ordinal) {
    absl::StatusOr<std::unique_ptr<Masker>> card = MakeCudaMasker(ordinal);
    if (card.ok()) {
      cards.push_back(*std::move(card));
      continue;
    }
    absl::StrAppend(&reason, "; without ", card.status().message());
    if (absl::IsFailedPrecondition(card.status())) continue;
    lost_cards.push_back({.id = absl::StrCat("cuda:", ordinal),
                          .backend = "cuda",
                          .healthy = false,
                          .error = std::string(card.status().message())});
    if (on_error) on_error(lost_cards.back());
  }
  if (cards.empty()) return absl::UnavailableError(absl::StrCat("no CUDA device works", reason));
  reason = absl::StrCat(cards.size(), " of ", *count, " CUDA devices", reason);
  return WithCpuBehind(std::move(cards), std::move(lost_cards), num_threads, on_error, reason);
}

}  // namespace

absl::StatusOr<MaskerChoice> MakeMasker(const std::string& device, int num_threads,
                                        const OnDeviceError& on_error) {
  if (device == "cpu") return MaskerChoice{MakeCpuMasker(num_threads), "as asked for"};
  if (device == "reference") return MaskerChoice{MakeReferenceMasker(), "as asked for"};
  if (device == "cuda:all") return MakeAllCuda(num_threads, on_error);
  if (device == "auto") {
    absl::StatusOr<MaskerChoice> cuda = MakeOneCuda(0, num_threads, on_error, "auto: a CUDA device works");
    if (cuda.ok()) return cuda;
    return MaskerChoice{MakeCpuMasker(num_threads),
                        absl::StrCat("auto: no CUDA device, ", cuda.status().message())};
  }
  absl::string_view ordinal_text = device;
  int ordinal = 0;
  if (device == "cuda" || (absl::ConsumePrefix(&ordinal_text, "cuda:") &&
                           absl::SimpleAtoi(ordinal_text, &ordinal) && ordinal >= 0))
    return MakeOneCuda(ordinal, num_threads, on_error, "as asked for");
  return absl::InvalidArgumentError(
      absl::StrCat("device is \"", device, "\"; it must be auto, cpu, cuda, cuda:N, cuda:all or reference"));
}

}  // namespace maskd
