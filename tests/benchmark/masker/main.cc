// masker_bench: times masking on a CUDA device, and checks every result.
#include <cuda_runtime_api.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/benchmark/masker/check.h"
#include "tests/benchmark/masker/sections.h"

namespace maskd::bench {
namespace {

constexpr int kSkipped = 77;  // what ctest and scripts/gpu-check take as absent

constexpr char kHelp[] =
    "Times masking on a CUDA device: tokens in device memory (between two events) and in host memory (by "
    "the\n"
    "clock, through the backend that the server uses, gathered each way that it knows).\n\n"
    "Example: masker_bench --quick\n"
    "         masker_bench --filter=L=4096 --json=masker.json\n\n"
    "Columns:\n"
    "  shape     N sequences of L tokens of B bytes, K kept; B=0: mask and ids alone\n"
    "  bytes     what has to move: kept tokens read and written, 12 bytes of mask and ids a token; in host "
    "memory,\n"
    "            all tokens to the device and the results back\n"
    "  us        median of the times\n"
    "  spread    distance of the quartiles over the median\n"
    "  of copy   rate over that of a device-to-device copy of 512 MiB in the same run; in host memory, time "
    "of the\n"
    "            same bytes to the device and back from pinned memory over the time\n"
    "  / copy    time over that of a copy of the same bytes\n"
    "  launches  kernels, copies and fills of one masking\n\n"
    "In device memory, masking is what the backend does: order, then gather. With an early gather that "
    "kernel is launched "
    "while the\n"
    "one before it ends (programmatic dependent launch); as one kernel, a block orders a sequence and copies "
    "it.\n\n"
    "Buffers rotate past the L2, which a large copy clears before each timing. Every result is compared with "
    "the CPU\n"
    "backend's. Exits with 1 if one differs or a call fails, and with 77 if there is no device.\n";

struct Flags {
  bool quick = false;
  bool all_ways = false;
  std::string filter;
  std::string json;
  int repeats = 31;
  double device_gib = 16;
  double host_gib = 1;
};

std::int64_t Gibibytes(double count) { return static_cast<std::int64_t>(count * (std::int64_t{1} << 30)); }

std::vector<BatchShape> ChosenShapes(const Flags& flags) {
  std::vector<BatchShape> shapes = flags.quick ? QuickShapes() : GridShapes();
  std::erase_if(shapes, [&flags](const BatchShape& shape) {
    return (shape.Name() + " ").find(flags.filter) == std::string::npos;
  });
  return shapes;
}

int Run(const Flags& flags) {
  int num_devices = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&num_devices); error != cudaSuccess || num_devices == 0) {
    std::printf("skipped: no CUDA device: %s\n", cudaGetErrorString(error));
    return kSkipped;
  }
  cudaDeviceProp device;
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  Check(cudaSetDevice(0), "cudaSetDevice");
  Check(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  CudaStream stream;
  Check(MakeCudaStream(&stream), "cudaStreamCreate");
  const EventTimer timer(stream.get(), flags.repeats);
  Check(cudaMemGetInfo(&free_bytes, &total_bytes), "cudaMemGetInfo");
  const std::unique_ptr<Masker> cpu = MakeCpuMasker(0);
  const auto make = [](GatherWay way) {
    absl::StatusOr<std::unique_ptr<Masker>> masker = MakeCudaMasker(0, {.gather_way = way});
    Check(masker.status());
    return *std::move(masker);
  };
  const std::unique_ptr<Masker> by_host = make(GatherWay::kHost);
  const std::unique_ptr<Masker> by_rows = make(GatherWay::kKeptRows);
  const std::unique_ptr<Masker> by_copy = make(GatherWay::kCopyIn);
  const HostWay host_ways[] = {{.what = "gather on the host", .masker = *by_host, .pinned = false},
                               {.what = "kept rows, pinned", .masker = *by_rows, .pinned = true},
                               {.what = "all copied in", .masker = *by_copy, .pinned = false},
                               {.what = "all copied in, pinned", .masker = *by_copy, .pinned = true}};

  const Setting setting = {
      .timer = timer,
      .cpu = *cpu,
      .host_ways = host_ways,
      .copy_rate = timer.CopyRate(),
      .l2_bytes = device.l2CacheSize,
      .device_bytes = std::min(Gibibytes(flags.device_gib), static_cast<std::int64_t>(free_bytes / 10 * 8)),
      .host_bytes = Gibibytes(flags.host_gib)};
  Report report(device.name, setting.copy_rate);
  report.Begin("figures", "The figures that the project has bars for, in device memory");
  TimeDeviceResident(setting, FigureShapes(), true, report);
  report.Begin("sort", "A long order beside a sort");
  TimeOrderBesideSort(setting, report);
  const std::vector<BatchShape> shapes = ChosenShapes(flags);
  report.Begin("device", "Tokens and results in device memory");
  TimeDeviceResident(setting, shapes, flags.all_ways, report);
  report.Begin("host", "Tokens and results in host memory");
  TimeHostResident(setting, shapes, report);
  if (!flags.json.empty()) Check(report.WriteJson(flags.json));
  return 0;
}

int Main(int argc, char** argv) {
  Flags flags;
  CLI::App app(kHelp);
  app.add_flag("--quick", flags.quick, "of the grid, L=196, K=49, B=3072 alone");
  app.add_flag("--all_ways", flags.all_ways, "of the grid too, early gather and one kernel");
  app.add_option("--filter", flags.filter,
                 "of the grid, shapes whose name has this, such as \"N=16 L=196 \"");
  app.add_option("--json", flags.json, "file to write the figures to");
  app.add_option("--repeats", flags.repeats, "timings of each masking in device memory")
      ->check(CLI::Range(5, 10001))
      ->capture_default_str();
  app.add_option("--device_gib", flags.device_gib, "skip what needs more memory on the device")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--host_gib", flags.host_gib, "skip what has more tokens in host memory")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return Run(flags);
}

}  // namespace
}  // namespace maskd::bench

int main(int argc, char** argv) { return maskd::bench::Main(argc, argv); }
