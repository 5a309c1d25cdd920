#include "server/server_metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "kernels/available_cores.h"
#include "server/version.h"

namespace maskd {
namespace {

using ::prometheus::ClientMetric;
using ::prometheus::MetricFamily;
using ::prometheus::MetricType;

constexpr std::chrono::seconds kMemoryAge(1);

// By NoiseSource.
constexpr std::array<std::string_view, 4> kNoiseNames = {"seeded", "provided", "torch_cpu", "torch_cuda"};

struct Label {
  const char* name;
  std::string_view value;
};

// The families of a page, one after another.
class Page {
 public:
  void Begin(const char* name, MetricType type, const char* help) {
    families_.push_back({.name = name, .help = help, .type = type, .metric = {}});
  }

  // Add a series to the family that was begun last.
  void Add(std::initializer_list<Label> labels, double value) {
    ClientMetric& metric = NewMetric(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
  }
  void Add(std::initializer_list<Label> labels, const DurationCounts& counts) {
    std::uint64_t cumulative = 0;
    ClientMetric::Histogram histogram;
    for (std::size_t i = 0; i <= DurationCounts::kBounds.size(); ++i) {
      cumulative += static_cast<std::uint64_t>(counts.bucket(i));
      const bool last = i == DurationCounts::kBounds.size();
      histogram.bucket.push_back(
          {.cumulative_count = cumulative,
           .upper_bound = last ? std::numeric_limits<double>::infinity()
                               : std::chrono::duration<double>(DurationCounts::kBounds[i]).count()});
    }
    if (cumulative == 0) return;
    histogram.sample_count = cumulative;
    histogram.sample_sum = counts.seconds();
    NewMetric(labels).histogram = std::move(histogram);
  }

  std::vector<MetricFamily> Take() && { return std::move(families_); }

 private:
  ClientMetric& NewMetric(std::initializer_list<Label> labels) {
    ClientMetric& metric = families_.back().metric.emplace_back();
    for (const Label& label : labels) metric.label.push_back({label.name, std::string(label.value)});
    return metric;
  }

  std::vector<MetricFamily> families_;
};

// Calls `add(name, counts)` for each method.
template <typename Add>
void ForEachMethod(const CallCounts& counts, Add add) {
  for (std::size_t i = 0; i < counts.methods.size(); ++i)
    add(NameOf(static_cast<Method>(i)), counts.methods[i]);
}

void AddCalls(const CallCounts& counts, Page& page) {
  // Before all else: what has ended then has been counted.
  page.Begin("maskd_calls_in_flight", MetricType::Gauge, "Calls that have begun and not ended.");
  ForEachMethod(counts, [&](std::string_view method, const MethodCounts& of) {
    page.Add({{"method", method}}, static_cast<double>(of.in_flight.load(std::memory_order_acquire)));
  });
  page.Begin("maskd_calls_total", MetricType::Counter, "Calls that have ended, by status code.");
  ForEachMethod(counts, [&](std::string_view method, const MethodCounts& of) {
    for (std::size_t code = 0; code < kCodeNames.size(); ++code)
      page.Add({{"method", method}, {"code", kCodeNames[code]}}, static_cast<double>(of.ended[code].value()));
  });
  page.Begin("maskd_call_seconds", MetricType::Histogram,
             "Time from the beginning of a call to its end; of a stream, of each batch.");
  ForEachMethod(counts, [&](std::string_view method, const MethodCounts& of) {
    page.Add({{"method", method}}, of.seconds);
  });
  page.Begin("maskd_stage_seconds", MetricType::Histogram, "The same time by what was done in it.");
  ForEachMethod(counts, [&](std::string_view method, const MethodCounts& of) {
    for (std::size_t stage = 0; stage < kStageNames.size(); ++stage)
      page.Add({{"method", method}, {"stage", kStageNames[stage]}}, of.stages[stage]);
  });
  page.Begin("maskd_received_bytes_total", MetricType::Counter, "Bytes of the messages of callers.");
  ForEachMethod(counts, [&](std::string_view method, const MethodCounts& of) {
    page.Add({{"method", method}}, static_cast<double>(of.received_bytes.value()));
  });
  page.Begin("maskd_sent_bytes_total", MetricType::Counter, "Bytes of the messages to callers.");
  ForEachMethod(counts, [&](std::string_view method, const MethodCounts& of) {
    page.Add({{"method", method}}, static_cast<double>(of.sent_bytes.value()));
  });
  page.Begin("maskd_retries_total", MetricType::Counter,
             "Calls of which the caller says that it has made them before.");
  ForEachMethod(counts, [&](std::string_view method, const MethodCounts& of) {
    page.Add({{"method", method}}, static_cast<double>(of.retries.value()));
  });
  page.Begin("maskd_refusals_total", MetricType::Counter, "Calls that were refused, by reason.");
  for (std::size_t i = 0; i < kRefusalNames.size(); ++i)
    page.Add({{"reason", kRefusalNames[i]}}, static_cast<double>(counts.refusals[i].value()));
  page.Begin("maskd_batches_total", MetricType::Counter,
             "Batches for which masks were drawn, by where noise comes from.");
  for (std::size_t i = 0; i < kNoiseNames.size(); ++i)
    page.Add({{"noise", kNoiseNames[i]}}, static_cast<double>(counts.batches[i].value()));
}

void AddMemoryOfHost(const CallParts& parts, Page& page) {
  page.Begin("maskd_budget_bytes", MetricType::Gauge, "What calls may hold together (--max_inflight_bytes).");
  page.Add({}, static_cast<double>(parts.budget.total_bytes()));
  page.Begin("maskd_budget_reserved_bytes", MetricType::Gauge, "What calls hold of it.");
  page.Add({}, static_cast<double>(parts.budget.reserved_bytes()));
  page.Begin("maskd_budget_waiting_calls", MetricType::Gauge, "Unary calls in line for it.");
  page.Add({}, static_cast<double>(parts.budget.calls_in_line()));

  std::vector<std::pair<const char*, const BlockPool*>> pools = {{"reply", &parts.pool.blocks()}};
  if (parts.landing != nullptr) pools.emplace_back("landing", parts.landing);
  page.Begin("maskd_pool_takes_total", MetricType::Counter, "Blocks of memory that calls took of a pool.");
  for (const auto& [name, pool] : pools) page.Add({{"pool", name}}, static_cast<double>(pool->takes()));
  page.Begin("maskd_pool_allocations_total", MetricType::Counter, "Those that had to be allocated.");
  for (const auto& [name, pool] : pools) page.Add({{"pool", name}}, static_cast<double>(pool->allocations()));
  page.Begin("maskd_pool_idle_bytes", MetricType::Gauge, "Memory that the pool keeps for later calls.");
  for (const auto& [name, pool] : pools) page.Add({{"pool", name}}, static_cast<double>(pool->idle_bytes()));
}

void AddDevices(const CallParts& parts, const std::vector<DeviceMemoryUse>& memory, Page& page) {
  page.Begin("maskd_device_healthy", MetricType::Gauge, "1 if calls go to the device, 0 if it has failed.");
  for (const DeviceState& device : parts.masker.devices())
    page.Add({{"device", device.id}, {"work", "masking"}}, device.healthy ? 1 : 0);
  page.Add({{"device", parts.tensor_devices.id()}, {"work", "tensors"}},
           parts.tensor_devices.healthy() ? 1 : 0);

  const Fallbacks fallbacks = parts.masker.fallbacks();
  page.Begin("maskd_fallbacks_total", MetricType::Counter,
             "Maskings and tensor operations that were done elsewhere, as a device failed or refused them.");
  page.Add({{"work", "masking"}, {"to", "card"}}, static_cast<double>(fallbacks.to_card));
  page.Add({{"work", "masking"}, {"to", "cpu"}}, static_cast<double>(fallbacks.to_last_resort));
  page.Add({{"work", "tensors"}, {"to", "cpu"}}, static_cast<double>(parts.tensor_devices.fallbacks()));

  page.Begin("maskd_device_memory_bytes", MetricType::Gauge, "Memory of a healthy device.");
  for (const DeviceMemoryUse& use : memory)
    page.Add({{"device", use.id}}, static_cast<double>(use.total_bytes));
  page.Begin("maskd_device_memory_free_bytes", MetricType::Gauge, "What of it no process has.");
  for (const DeviceMemoryUse& use : memory)
    page.Add({{"device", use.id}}, static_cast<double>(use.free_bytes));
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

void AddProcess(const CallParts& parts, Page& page) {
  page.Begin("maskd_build_info", MetricType::Gauge, "1; the labels say what runs.");
  page.Add({{"version", kVersion}, {"backend", parts.masker.backend()}}, 1);
  page.Begin("maskd_cores", MetricType::Gauge, "Cores that the process may use, or the share of their time.");
  page.Add({}, AvailableCores());
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  page.Begin("process_cpu_seconds_total", MetricType::Counter, "Time of cores, of the user and the system.");
  page.Add({}, Seconds(usage.ru_utime) + Seconds(usage.ru_stime));
  std::ifstream statm("/proc/self/statm");
  std::int64_t size_pages = 0;
  std::int64_t resident_pages = 0;
  statm >> size_pages >> resident_pages;
  page.Begin("process_resident_memory_bytes", MetricType::Gauge, "Memory of the process that is resident.");
  page.Add({}, static_cast<double>(resident_pages * sysconf(_SC_PAGESIZE)));
}

}  // namespace

std::vector<MetricFamily> ServerMetrics::Collect() const {
  Page page;
  AddCalls(parts_.counts, page);
  page.Begin("maskd_idle_cancellations_total", MetricType::Counter,
             "Calls that were cancelled as their callers kept them waiting (--idle_seconds).");
  page.Add({}, static_cast<double>(parts_.idle_watch.cancelled()));
  page.Begin("maskd_refused_connections_total", MetricType::Counter,
             "Connections that were closed at once as too many were open (--max_connections).");
  page.Add({}, static_cast<double>(parts_.counts.refused_connections.value()));
  AddMemoryOfHost(parts_, page);
  AddDevices(parts_, Memory(), page);
  AddProcess(parts_, page);
  return std::move(page).Take();
}

std::vector<DeviceMemoryUse> ServerMetrics::Memory() const {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (memory_time_.time_since_epoch().count() == 0 || now - memory_time_ > kMemoryAge) {
    memory_ = parts_.masker.memory();
    memory_time_ = now;
  }
  return memory_;
}

}  // namespace maskd
