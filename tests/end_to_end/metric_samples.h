// What a server tells Prometheus, as numbers by name and labels.
#ifndef MASKD_TESTS_END_TO_END_METRIC_SAMPLES_H_
#define MASKD_TESTS_END_TO_END_METRIC_SAMPLES_H_

#include <functional>
#include <map>
#include <string>

#include "server/masking_server.h"

namespace maskd {

// By name and labels, such as maskd_calls_total{method="Gather",code="OK"}. Of a
// histogram there is the count, as name_count{..}.
using MetricSamples = std::map<std::string, double>;

MetricSamples SamplesOf(const MaskingServer& server);

// Those that are not 0, once `num_calls` calls have ended and none is in flight, or
// after kPatience.
MetricSamples SamplesAfter(const MaskingServer& server, int num_calls);

// The samples once `condition` holds for them, or after kPatience.
MetricSamples SamplesWhen(const MaskingServer& server,
                          const std::function<bool(const MetricSamples&)>& condition);

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_METRIC_SAMPLES_H_
