#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "kernels/masker.h"

namespace maskd {
namespace {

absl::StatusOr<MaskerChoice> MakeCuda(const std::string& device) {
  absl::string_view ordinal_text = device;
  int ordinal = 0;
  if (device != "cuda" && !(absl::ConsumePrefix(&ordinal_text, "cuda:") &&
                            absl::SimpleAtoi(ordinal_text, &ordinal) && ordinal >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("device is \"", device, "\"; it must be auto, cpu, cuda, cuda:N or reference"));
  }
  absl::StatusOr<std::unique_ptr<Masker>> masker = MakeCudaMasker(ordinal);
  if (!masker.ok()) return masker.status();
  return MaskerChoice{*std::move(masker), "as asked for"};
}

}  // namespace

absl::StatusOr<MaskerChoice> MakeMasker(const std::string& device, int num_threads) {
  if (device == "cpu") return MaskerChoice{MakeCpuMasker(num_threads), "as asked for"};
  if (device == "reference") return MaskerChoice{MakeReferenceMasker(), "as asked for"};
  if (device != "auto") return MakeCuda(device);
  absl::StatusOr<std::unique_ptr<Masker>> cuda = MakeCudaMasker(0);
  if (cuda.ok()) return MaskerChoice{*std::move(cuda), "auto: a CUDA device works"};
  return MaskerChoice{MakeCpuMasker(num_threads),
                      absl::StrCat("auto: no CUDA device, ", cuda.status().message())};
}

}  // namespace maskd
