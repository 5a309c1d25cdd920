#include "client/maskload/prometheus_text.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace maskd::maskload {
namespace {

// Takes `name="value"` off the front of `text`.
bool TakeLabel(absl::string_view& text, std::map<std::string, std::string>& labels) {
  const auto equals = text.find('=');
  if (equals == absl::string_view::npos) return false;
  const std::string name(absl::StripAsciiWhitespace(text.substr(0, equals)));
  text.remove_prefix(equals + 1);
  if (!absl::ConsumePrefix(&text, "\"")) return false;
  std::string value;
  while (!text.empty() && text.front() != '"') {
    if (text.front() == '\\' && text.size() > 1) {
      text.remove_prefix(1);
      value += text.front() == 'n' ? '\n' : text.front();
    } else {
      value += text.front();
    }
    text.remove_prefix(1);
  }
  labels[name] = std::move(value);
  return absl::ConsumePrefix(&text, "\"");
}

bool TakeLabels(absl::string_view& text, std::map<std::string, std::string>& labels) {
  while (!absl::ConsumePrefix(&text, "}")) {
    if (!TakeLabel(text, labels)) return false;
    absl::ConsumePrefix(&text, ",");
    text = absl::StripLeadingAsciiWhitespace(text);
  }
  return true;
}

bool ParseSample(absl::string_view line, MetricSample& sample) {
  const auto end_of_name = line.find_first_of("{ \t");
  if (end_of_name == 0 || end_of_name == absl::string_view::npos) return false;
  sample.name = std::string(line.substr(0, end_of_name));
  line.remove_prefix(end_of_name);
  if (absl::ConsumePrefix(&line, "{") && !TakeLabels(line, sample.labels)) return false;
  const std::vector<absl::string_view> rest =
      absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipWhitespace());
  return !rest.empty() && rest.size() <= 2 && absl::SimpleAtod(rest.front(), &sample.value);
}

}  // namespace

absl::StatusOr<std::vector<MetricSample>> ParsePrometheusText(absl::string_view text) {
  std::vector<MetricSample> samples;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const absl::string_view stripped = absl::StripAsciiWhitespace(line);
    if (stripped.empty() || stripped.front() == '#') continue;
    MetricSample& sample = samples.emplace_back();
    if (!ParseSample(stripped, sample))
      return absl::InvalidArgumentError(absl::StrCat("\"", stripped, "\" is no metric"));
  }
  return samples;
}

}  // namespace maskd::maskload
