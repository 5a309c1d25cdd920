#include "client/maskload/report_files.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace maskd::maskload {
namespace {

using Json = nlohmann::ordered_json;

Json NumberOrNull(double number) { return std::isfinite(number) ? Json(number) : Json(nullptr); }

Json ToJson(const std::vector<Fact>& facts) {
  Json json = Json::object();
  for (const Fact& fact : facts) json[fact.name] = fact.value;
  return json;
}

Json ToJson(const LatencyFigures& figures) {
  return {{"mean", figures.mean}, {"p50", figures.p50},    {"p90", figures.p90}, {"p95", figures.p95},
          {"p99", figures.p99},   {"p99.9", figures.p999}, {"max", figures.max}};
}

Json ToJson(const GroupFigures& group) {
  return {{"label", group.label},
          {"calls", group.calls},
          {"errors", group.errors},
          {"bytes", group.bytes},
          {"calls_per_second", group.calls_per_second},
          {"bytes_per_second", group.bytes_per_second},
          {"latency", ToJson(group.latency)},
          {"service", ToJson(group.service)}};
}

Json ToJson(const SearchStep& step) {
  return {{"rate", step.rate},     {"calls_per_second", step.calls_per_second},
          {"p50", step.p50},       {"p99", step.p99},
          {"errors", step.errors}, {"backlog", step.backlog},
          {"met", step.met}};
}

Json ToJson(const SliceFigures& slice) {
  return {{"begin", slice.begin},
          {"calls_per_second", slice.calls_per_second},
          {"errors_per_second", slice.errors_per_second},
          {"bytes_per_second", slice.bytes_per_second},
          {"p50", slice.p50},
          {"p99", slice.p99}};
}

Json ToJson(const CurvePoint& point) {
  return {{"share_above", point.share_above}, {"latency", point.latency}, {"service", point.service}};
}

Json ToJson(const StageFigures& stage) {
  return {{"name", stage.name}, {"calls", stage.calls}, {"seconds", stage.seconds}};
}

Json ToJson(const ErrorFigures& error) {
  return {{"code", error.code}, {"count", error.count}, {"first_message", error.first_message}};
}

Json ToJson(const SloVerdict& verdict) {
  return {{"text", verdict.slo.text}, {"value", NumberOrNull(verdict.value)}, {"met", verdict.met}};
}

template <typename Item>
Json ToJson(const std::vector<Item>& items) {
  Json json = Json::array();
  for (const Item& item : items) json.push_back(ToJson(item));
  return json;
}

std::string CsvRow(const std::vector<std::string>& cells) { return absl::StrJoin(cells, ",") + "\n"; }

std::string Quoted(const std::string& text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

std::string GroupRow(const std::string& kind, const GroupFigures& group) {
  std::vector<std::string> cells = {kind, Quoted(group.label)};
  for (const std::int64_t number : {group.calls, group.errors, group.bytes})
    cells.push_back(absl::StrCat(number));
  cells.push_back(absl::StrCat(group.calls_per_second));
  cells.push_back(absl::StrCat(group.bytes_per_second));
  for (const LatencyFigures* const times : {&group.latency, &group.service}) {
    for (const double seconds :
         {times->mean, times->p50, times->p90, times->p95, times->p99, times->p999, times->max})
      cells.push_back(absl::StrCat(seconds));
  }
  return CsvRow(cells);
}

absl::Status CannotWrite(const std::string& path, int error) {
  return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", std::strerror(error)));
}

// Returns 0, or errno if not every byte was written.
int Write(std::FILE* file, absl::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0) return 0;
  return errno != 0 ? errno : EIO;
}

int WriteAndClose(std::FILE* file, absl::string_view text) {
  const int error = Write(file, text);
  const bool closed = std::fclose(file) == 0;
  return error == 0 && !closed ? errno : error;
}

// Whether another file may take its name: not of a device or a link.
bool IsReplaceable(const std::string& path) {
  std::error_code unused;
  const std::filesystem::file_type type = std::filesystem::symlink_status(path, unused).type();
  return type == std::filesystem::file_type::regular || type == std::filesystem::file_type::not_found;
}

}  // namespace

std::string ToJson(const LoadReport& report) {
  const Json json = {
      {"started", report.started},
      {"configuration", ToJson(report.configuration)},
      {"machine", ToJson(report.machine)},
      {"servers", ToJson(report.servers)},
      {"open_loop", report.open_loop},
      {"seconds", report.seconds},
      {"stopped", report.stopped},
      {"all", ToJson(report.all)},
      {"addresses", ToJson(report.addresses)},
      {"shapes", ToJson(report.shapes)},
      {"backlog", report.backlog},
      {"verified", report.verified},
      {"wrong", report.wrong},
      {"errors", ToJson(report.errors)},
      {"client_cpu_seconds", report.client_cpu_seconds},
      {"client_cpu_seconds_per_gb", report.client_cpu_seconds_per_gb()},
      {"client_peak_memory_bytes", report.client_peak_memory_bytes},
      {"curve", ToJson(report.curve)},
      {"slice_seconds", report.slice_seconds},
      {"slices", ToJson(report.slices)},
      {"stages", ToJson(report.stages)},
      {"server_cpu_seconds",
       report.server_cpu_seconds.has_value() ? Json(*report.server_cpu_seconds) : Json(nullptr)},
      {"limit", report.limit},
      {"slos", ToJson(report.slos)},
      {"steps", ToJson(report.steps)}};
  // Labels and messages may have any bytes.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string ToCsv(const LoadReport& report) {
  if (!report.steps.empty()) {
    std::string text = "rate,calls_per_second,p50,p99,errors,backlog,met\n";
    for (const SearchStep& step : report.steps) {
      text += CsvRow({absl::StrCat(step.rate), absl::StrCat(step.calls_per_second), absl::StrCat(step.p50),
                      absl::StrCat(step.p99), absl::StrCat(step.errors), absl::StrCat(step.backlog),
                      step.met ? "1" : "0"});
    }
    return text;
  }
  std::string text = "group,label,calls,errors,bytes,calls_per_second,bytes_per_second";
  for (const char* const kind : {"latency", "service"}) {
    for (const char* const name : {"mean", "p50", "p90", "p95", "p99", "p99.9", "max"})
      absl::StrAppend(&text, ",", kind, "_", name);
  }
  text += "\n" + GroupRow("all", report.all);
  for (const GroupFigures& group : report.addresses) text += GroupRow("address", group);
  for (const GroupFigures& group : report.shapes) text += GroupRow("shape", group);
  return text;
}

absl::Status CheckWritable(const std::string& path) {
  std::error_code unused;
  const bool existed = std::filesystem::exists(path, unused);
  std::FILE* const file = std::fopen(path.c_str(), "ab");
  if (file == nullptr) return CannotWrite(path, errno);
  std::fclose(file);
  if (!existed) std::filesystem::remove(path, unused);
  return absl::OkStatus();
}

absl::Status WriteText(const std::string& path, absl::string_view text) {
  if (path == "-") {
    const int error = Write(stdout, text);
    return error == 0 ? absl::OkStatus() : CannotWrite("to stdout", error);
  }
  const std::string temporary = path + ".tmp";
  std::FILE* file = IsReplaceable(path) ? std::fopen(temporary.c_str(), "wb") : nullptr;
  const bool replaces = file != nullptr;
  // Also where the file can be written, and its folder cannot.
  if (!replaces) file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return CannotWrite(path, errno);
  int error = WriteAndClose(file, text);
  if (replaces) {
    if (error == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
    if (error != 0) std::remove(temporary.c_str());
  }
  return error == 0 ? absl::OkStatus() : CannotWrite(path, error);
}

}  // namespace maskd::maskload
