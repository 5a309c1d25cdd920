#include "server/call_line.h"

#include <chrono>
#include <vector>

#include "absl/strings/str_format.h"
#include "server/code_names.h"

namespace maskd {
namespace {

struct Field {
  std::string_view name;
  std::string value;  // quoted, if it is to be
};

std::string Quoted(std::string_view text) { return '"' + Escaped(text) + '"'; }

std::string Seconds(std::chrono::nanoseconds time) {
  return absl::StrFormat("%.6f", std::chrono::duration<double>(time).count());
}

std::string_view WhatHappened(const CallReport& report) {
  return report.code == grpc::StatusCode::OK ? "call was slow" : "call failed";
}

std::vector<Field> FieldsOf(const CallReport& report) {
  const auto code = static_cast<std::size_t>(report.code);
  std::vector<Field> fields = {
      {"method", Quoted(report.method)},
      {"peer", Quoted(report.peer)},
      {"code", Quoted(code < kCodeNames.size() ? kCodeNames[code] : kCodeNames[2])},
  };
  if (report.code != grpc::StatusCode::OK) fields.push_back({"error", Quoted(report.message)});
  if (!report.request_id.empty()) fields.push_back({"request_id", Quoted(report.request_id)});
  if (!report.trace_id.empty()) fields.push_back({"trace_id", Quoted(report.trace_id)});
  fields.push_back({"seconds", Seconds(report.stages.total())});
  for (std::size_t i = 0; i < kStageNames.size(); ++i) {
    if (report.stages.spent[i].count() > 0)
      fields.push_back({kStageNames[i], Seconds(report.stages.spent[i])});
  }
  return fields;
}

}  // namespace

std::string Escaped(std::string_view text, std::size_t max_size) {
  std::string escaped;
  for (const char c : text.substr(0, max_size)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      escaped.push_back('\\');
      escaped.push_back(c);
    } else if (byte >= 0x20 && byte < 0x7f) {
      escaped.push_back(c);
    } else {
      absl::StrAppendFormat(&escaped, "\\u%04x", byte);
    }
  }
  if (text.size() > max_size) escaped.append("...");
  return escaped;
}

std::string TextLine(const CallReport& report) {
  std::string line(WhatHappened(report));
  for (const Field& field : FieldsOf(report)) {
    line.push_back(' ');
    line.append(field.name);
    line.push_back('=');
    line.append(field.value);
  }
  return line;
}

std::string JsonMembers(const CallReport& report) {
  std::string members = "\"message\":" + Quoted(WhatHappened(report));
  for (const Field& field : FieldsOf(report)) {
    members.append(",\"");
    members.append(field.name);
    members.append("\":");
    members.append(field.value);
  }
  return members;
}

}  // namespace maskd
