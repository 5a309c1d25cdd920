// Masking on one device: the seam between maskd and its backends.
#ifndef MASKD_KERNELS_MASKER_H_
#define MASKD_KERNELS_MASKER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/host_memory.h"
#include "kernels/masking_plan.h"

namespace maskd {

// What copies between host and device took of a call, as its thread saw it.
struct CopyTimes {
  std::chrono::nanoseconds to_device{0};
  std::chrono::nanoseconds from_device{0};
};

// Operands of Masker::Mask in host memory, row-major, any alignment. Results
// that the plan does not select are ignored and may be null.
struct MaskingBuffers {
  const std::byte* tokens = nullptr;  // [N, L, token_bytes]
  std::byte* kept_tokens = nullptr;   // [N, K, token_bytes], written
  std::byte* mask = nullptr;          // [N, L] of mask_type, written
  std::byte* ids_restore = nullptr;   // [N, L] of ids_type, written
  std::byte* ids_keep = nullptr;      // [N, K] of ids_type, written
  std::byte* ids_mask = nullptr;      // [N, L - K] of ids_type, written
  std::byte* noise = nullptr;         // [N, L] float32, written
  // Added to by a device that copies, at the cost of a few microseconds; may be null.
  CopyTimes* copy_times = nullptr;
};

// Says whether the caller of Masker::Mask has gone. Called on the caller's
// thread alone.
using IsCancelled = std::function<bool()>;

// One device of a masker.
struct DeviceState {
  std::string id = {};       // as --device takes it, such as "cpu" or "cuda:0"
  std::string backend = {};  // "cpu", "cuda" or "reference"
  std::string name = {};     // what the vendor calls it
  bool healthy = true;       // whether calls go there
  std::string error = {};    // why not, or of the first call that it refused
};

// The memory of a device of its own.
struct DeviceMemoryUse {
  std::string id;  // as of DeviceState
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;
};

// Calls that went on elsewhere than where they were to run.
struct Fallbacks {
  std::int64_t to_card = 0;         // to another card
  std::int64_t to_last_resort = 0;  // to the CPU, also when no card is left
};

// Draws masks and gathers kept tokens. All backends write the same bytes.
//
// Thread-safe: calls may overlap.
class Masker {
 public:
  virtual ~Masker() = default;

  // Writes every result that `plan` selects; returns when all are written. The
  // buffers must not overlap.
  //
  // `is_cancelled` is asked now and then, at the latest after each sequence or
  // each 2^20 draws that are passed over.
  //
  // Returns CANCELLED if it says so, RESOURCE_EXHAUSTED if the device has no
  // memory for the call (later calls may succeed), UNKNOWN if the device refuses
  // this call alone, and INTERNAL if it has failed: no later call will succeed.
  // Results are then unspecified, and the buffers no longer in use.
  virtual absl::Status Mask(const MaskingPlan& plan, const MaskingBuffers& buffers,
                            const IsCancelled& is_cancelled) = 0;

  // The same for a caller that stays.
  absl::Status Mask(const MaskingPlan& plan, const MaskingBuffers& buffers) {
    return Mask(plan, buffers, [] { return false; });
  }

  // Whether Mask waits for more than a core, such as a device. Where it does
  // not, a small call may be made on a thread that has others to serve.
  virtual bool waits() const { return true; }

  // "cpu", "cuda" or "reference".
  virtual std::string backend() const = 0;

  // What the vendor calls the device.
  virtual std::string device_name() const = 0;

  // Memory from which Mask reads tokens at least as fast as from any other: pinned,
  // for a device to read in place, if the driver has any, else as of
  // AllocateHostBlock. May outlive the masker. Throws std::bad_alloc.
  virtual HostBlock AllocateTokenMemory(std::size_t bytes) { return AllocateHostBlock(bytes); }

  // The devices that calls run on, best first.
  virtual std::vector<DeviceState> devices() const {
    return {{.id = backend(), .backend = backend(), .name = device_name()}};
  }

  // Of the healthy devices that have memory of their own. Asks their driver.
  virtual std::vector<DeviceMemoryUse> memory() const { return {}; }

  // Since the start.
  virtual Fallbacks fallbacks() const { return {}; }
};

// Plain loops, one thread, obviously right: what tests compare with.
std::unique_ptr<Masker> MakeReferenceMasker();

// The fast CPU backend on `num_threads` threads, the caller's included; 0 takes
// one a core.
std::unique_ptr<Masker> MakeCpuMasker(int num_threads);

// How the CUDA backend brings kept tokens from one place in host memory to
// another. The order is drawn on the device in any case, and the bytes are the
// same. docs/performance.md ("Tokens in host memory") counts what each moves.
enum class GatherWay {
  kHost,      // the order comes to the host, whose threads gather by it
  kKeptRows,  // the device reads the kept rows alone, in place: of tokens in memory
              // of AllocateTokenMemory or otherwise pinned; others are copied in
  kCopyIn,    // all tokens are copied to the device and gathered there
};

struct CudaOptions {
  GatherWay gather_way = GatherWay::kCopyIn;
  int host_threads = 0;  // for kHost, the caller's included; 0 takes one a core
};

// CUDA on device `ordinal`.
//
// Returns UNAVAILABLE if maskd was built without CUDA or there is no driver or
// no such device, and FAILED_PRECONDITION if the device is too old.
absl::StatusOr<std::unique_ptr<Masker>> MakeCudaMasker(int ordinal, const CudaOptions& options = {});

// How many CUDA devices there are: 1 or more, or UNAVAILABLE and why not.
absl::StatusOr<int> CountCudaDevices();

// Told of a device whose calls fail, once when it first refuses one and once when
// it has failed. Called on the threads of calls; must not block.
using OnDeviceError = std::function<void(const DeviceState&)>;

// A backend by name: "auto", "cpu", "reference", "cuda", "cuda:N" or "cuda:all".
struct MaskerChoice {
  std::unique_ptr<Masker> masker;
  std::string reason;  // what was chosen and why, for the log
};

struct MaskerOptions {
  int num_threads = 0;  // of the CPU backend
  GatherWay gather_way = GatherWay::kCopyIn;
  OnDeviceError on_error = {};
};

// "auto" takes device 0 of CUDA where it works and else the CPU; "cuda:all"
// spreads calls over all devices that work. Behind CUDA there is the CPU, which
// answers when a device has failed (failover_masker.h).
//
// Returns INVALID_ARGUMENT for an unknown name, or the error of MakeCudaMasker.
absl::StatusOr<MaskerChoice> MakeMasker(const std::string& device, const MaskerOptions& options);

}  // namespace maskd

#endif  // MASKD_KERNELS_MASKER_H_
