#include "tests/end_to_end/metric_samples.h"

#include <prometheus/metric_family.h>

#include <chrono>
#include <thread>

#include "tests/end_to_end/served_masker.h"

namespace maskd {
namespace {

double SumOf(const MetricSamples& samples, const std::string& name) {
  double sum = 0;
  for (const auto& [key, value] : samples) {
    if (key.starts_with(name + "{")) sum += value;
  }
  return sum;
}

}  // namespace

MetricSamples SamplesOf(const MaskingServer& server) {
  MetricSamples samples;
  for (const prometheus::MetricFamily& family : server.metrics()->Collect()) {
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::string labels;
      for (const auto& label : metric.label)
        labels += (labels.empty() ? "{" : ",") + label.name + "=\"" + label.value + "\"";
      if (!labels.empty()) labels += "}";
      if (family.type == prometheus::MetricType::Histogram) {
        samples[family.name + "_count" + labels] = static_cast<double>(metric.histogram.sample_count);
      } else {
        samples[family.name + labels] =
            family.type == prometheus::MetricType::Gauge ? metric.gauge.value : metric.counter.value;
      }
    }
  }
  return samples;
}

MetricSamples SamplesAfter(const MaskingServer& server, int num_calls) {
  MetricSamples samples = SamplesWhen(server, [num_calls](const MetricSamples& now) {
    return SumOf(now, "maskd_calls_total") >= num_calls && SumOf(now, "maskd_calls_in_flight") == 0;
  });
  std::erase_if(samples, [](const auto& sample) { return sample.second == 0; });
  return samples;
}

MetricSamples SamplesWhen(const MaskingServer& server,
                          const std::function<bool(const MetricSamples&)>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  MetricSamples samples = SamplesOf(server);
  while (!condition(samples) && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::yield();
    samples = SamplesOf(server);
  }
  return samples;
}

}  // namespace maskd
