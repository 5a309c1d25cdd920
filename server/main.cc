// maskd: flags, start, wait.
#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kernels/available_cores.h"
#include "kernels/file_limit.h"
#include "kernels/host_memory.h"
#include "kernels/masker.h"
#include "kernels/status_macros.h"
#include "kernels/tensor_ops.h"
#include "proto/left_out.h"
#include "server/log.h"
#include "server/masking_server.h"
#include "server/memory_limit.h"
#include "server/metrics_listener.h"
#include "server/options.h"
#include "server/poller.h"
#include "server/version.h"

namespace maskd {
namespace {

// Requests of a large batch or two.
constexpr std::int64_t kWarmBytes = std::int64_t{64} << 20;

// gRPC's own words, for --log_level=debug; what matters of them this program
// says itself.
void LogOfGrpc(gpr_log_func_args* args) { spdlog::debug("grpc: {}", args->message); }

// The one place where a failed card shows in the log: calls go on elsewhere.
void LogDeviceError(const DeviceState& device) {
  if (device.healthy) {
    spdlog::error("{} ({}) refused a call, which the CPU answered: {}; further refusals are not logged",
                  device.id, device.name, device.error);
  } else {
    spdlog::error("{}{} has failed and takes no more calls until maskd is started again; others answer: {}",
                  device.id, device.name.empty() ? "" : " (" + device.name + ")", device.error);
  }
}

// What tensor operations run on: behind a card there is the CPU.
absl::StatusOr<std::unique_ptr<TensorDevices>> MakeTensorDevices(const ServerOptions& options) {
  MASKD_ASSIGN_OR_RETURN(std::unique_ptr<TensorOps> device, MakeTensorOps(options.device, options.threads));
  const bool card = options.device.starts_with("cuda");
  const auto on_failure = [](const absl::Status& status) {
    spdlog::error(
        "the card of the tensor operations has failed; the CPU does them until maskd is started again: {}",
        std::string(status.message()));
  };
  const bool first_card = options.device == "cuda" || options.device == "cuda:all";
  const std::string id = first_card ? "cuda:0" : options.device == "auto" ? "cpu" : options.device;
  return std::make_unique<TensorDevices>(id, std::move(device),
                                         card ? MakeCpuTensorOps(options.threads) : nullptr, on_failure);
}

// Where tokens are gathered, and why.
std::string ReasonOfGather(const ServerOptions& options, const std::string& backend) {
  if (options.gather == "device") return "by the device from pinned memory, as asked for";
  if (options.gather == "host") return "on the host, as asked for";
  if (backend != "cuda") return "on the host";
  return "on the host (auto: to copy all tokens to pinned memory moves more bytes than to gather them here)";
}

int BulkThreads(const ServerOptions& options, const Masker& masker) {
  if (options.bulk_threads > 0) return options.bulk_threads;
  const std::vector<DeviceState> devices = masker.devices();
  const auto cards = std::ranges::count(devices, "cuda", &DeviceState::backend);
  return 2 * std::max(1, static_cast<int>(cards));
}

// Small calls wait for the bulk of connections that share their thread: four make
// that rare where there are fewer cores.
int PollThreads(const ServerOptions& options) {
  if (options.poll_threads > 0) return options.poll_threads;
  return std::clamp(AvailableWholeCores(), 4, 16);
}

// Also ends a process that is the first of a container, which the kernel spares
// the signals that it does not handle.
void EndAtOnce(int signal) { std::_Exit(128 + signal); }

// Blocks them in this thread and those that it starts, so that only sigwait sees
// them.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int Run(const ServerOptions& options, const sigset_t& stop_signals, Log& log) {
  // Never shut down: gRPC would join a thread that may sleep for 10 s.
  grpc_init();

  const absl::Status fits = CheckBudgetFits(options.limits.max_inflight_bytes, FindMemoryLimit());
  if (!fits.ok()) {
    spdlog::critical("{}", std::string(fits.message()));
    return EXIT_FAILURE;
  }
  const bool gather_on_device = options.gather == "device";
  auto choice =
      MakeMasker(options.device, {.num_threads = options.threads,
                                  .gather_way = gather_on_device ? GatherWay::kKeptRows : GatherWay::kCopyIn,
                                  .on_error = LogDeviceError});
  if (!choice.ok()) {
    spdlog::critical("--device={}: {}", options.device, std::string(choice.status().message()));
    return EXIT_FAILURE;
  }
  if (gather_on_device && choice->masker->backend() != "cuda") {
    spdlog::critical("--gather=device needs a card, and maskd is on {} ({}); use --gather=host",
                     choice->masker->backend(), choice->reason);
    return EXIT_FAILURE;
  }
  auto tensor_devices = MakeTensorDevices(options);
  if (!tensor_devices.ok()) {
    spdlog::critical("--device={}: {}", options.device, std::string(tensor_devices.status().message()));
    return EXIT_FAILURE;
  }
  // So that the first callers do not wait for the kernel to find memory.
  GrowHeap(static_cast<std::size_t>(std::min(kWarmBytes, options.limits.max_inflight_bytes / 4)));
  const std::string backend = choice->masker->backend();
  const std::string device_name = choice->masker->device_name();
  const int bulk_threads = BulkThreads(options, *choice->masker);
  auto server =
      MaskingServer::Start(std::move(choice->masker), *std::move(tensor_devices),
                           {.listen = options.listen,
                            .max_connections = options.max_connections,
                            .limits = options.limits,
                            .poll_threads = PollThreads(options),
                            .bulk_threads = bulk_threads,
                            .gather_threads = options.threads,
                            .gather_on_device = gather_on_device,
                            .reflection = options.reflection,
                            .reporting = {.report = [&log](const CallReport& call) { log.Write(call); },
                                          .slow = options.slow_call},
                            .warn = [](const std::string& sentence) { spdlog::warn("{}", sentence); },
                            .tls_certificate_chain = options.tls_cert,
                            .tls_private_key = options.tls_key,
                            .tls_client_certificates = options.tls_client_ca});
  if (!server.ok()) {
    spdlog::critical("{}", std::string(server.status().message()));
    return EXIT_FAILURE;
  }
  absl::StatusOr<std::unique_ptr<MetricsListener>> metrics(nullptr);
  if (!options.metrics_listen.empty()) {
    metrics = MetricsListener::Start(options.metrics_listen, (*server)->metrics());
    if (!metrics.ok()) {
      spdlog::critical("--metrics_listen: {}", std::string(metrics.status().message()));
      return EXIT_FAILURE;
    }
  }
  spdlog::info("maskd {} on {} ({}): {}", kVersion, backend, device_name, choice->reason);
  spdlog::info("kept tokens are gathered {}", ReasonOfGather(options, backend));
  for (const std::string& address : (*server)->addresses()) std::printf("listening on %s\n", address.c_str());
  if (*metrics != nullptr) std::printf("metrics on %s\n", (*metrics)->address().c_str());
  std::fflush(stdout);

  int signal = 0;
  sigwait(&stop_signals, &signal);
  spdlog::info("{}: draining for at most {} s", signal == SIGTERM ? "SIGTERM" : "SIGINT",
               options.drain.count());
  ::signal(SIGTERM, EndAtOnce);
  ::signal(SIGINT, EndAtOnce);
  pthread_sigmask(SIG_UNBLOCK, &stop_signals, nullptr);
  if ((*server)->Drain(options.drain)) {
    spdlog::info("drained");
    return EXIT_SUCCESS;
  }
  spdlog::warn("calls that did not finish within --drain_seconds={} were cancelled", options.drain.count());
  // Their handlers may never return, and destroying the server would wait for
  // them.
  log.Stop();
  std::_Exit(EXIT_SUCCESS);
}

}  // namespace
}  // namespace maskd

int main(int argc, char** argv) {
  maskd::KeepFreedMemory();
  maskd::LeaveOutMutexChecks();
  maskd::SeparatePollers();
  maskd::AllowManyFiles();
  const auto parsed = maskd::ParseServerOptions(argc, argv);
  if (const auto* exit_now = std::get_if<maskd::ExitNow>(&parsed)) return exit_now->status;
  const auto& options = std::get<maskd::ServerOptions>(parsed);
  gpr_set_log_function(maskd::LogOfGrpc);
  // The log has a thread.
  const sigset_t stop_signals = maskd::BlockStopSignals();
  maskd::Log log(options.log_level, options.log_format);
  const int status = maskd::Run(options, stop_signals, log);
  // The thread of a log that nobody reads would keep the process.
  if (!log.Stop()) std::_Exit(status);
  return status;
}
