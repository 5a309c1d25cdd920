// The methods that this server has, by number.
#ifndef MASKD_SERVER_METHODS_H_
#define MASKD_SERVER_METHODS_H_

#include <array>
#include <cstddef>
#include <string_view>

namespace maskd {

enum class Method {
  kRandomMasking,
  kStreamRandomMasking,
  kGenerateMask,
  kRestoreTokens,
  kGetServerInfo,
  kGather,
  kScatter,
  kScatterAdd,
  kMaskedSelect,
  kPadSequences,
  kMaskedNllLoss,
  kMaskedReconstructionLoss,
  kStreamTensors,
  kHealthCheck,
  kHealthWatch,
  kOther,  // any that there is not
};

inline constexpr std::array<std::string_view, 16> kMethodPaths = {
    "/maskd.v1.MaskingService/RandomMasking", "/maskd.v1.MaskingService/StreamRandomMasking",
    "/maskd.v1.MaskingService/GenerateMask",  "/maskd.v1.MaskingService/RestoreTokens",
    "/maskd.v1.MaskingService/GetServerInfo", "/maskd.v1.TensorService/Gather",
    "/maskd.v1.TensorService/Scatter",        "/maskd.v1.TensorService/ScatterAdd",
    "/maskd.v1.TensorService/MaskedSelect",   "/maskd.v1.TensorService/PadSequences",
    "/maskd.v1.TensorService/MaskedNllLoss",  "/maskd.v1.TensorService/MaskedReconstructionLoss",
    "/maskd.v1.TensorService/StreamTensors",  "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",           "/other"};

// Such as "/maskd.v1.TensorService/Gather".
constexpr std::string_view PathOf(Method method) { return kMethodPaths[static_cast<std::size_t>(method)]; }

// Such as "Gather".
constexpr std::string_view NameOf(Method method) {
  const std::string_view path = PathOf(method);
  return path.substr(path.rfind('/') + 1);
}

}  // namespace maskd

#endif  // MASKD_SERVER_METHODS_H_
