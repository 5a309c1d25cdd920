#include "tests/benchmark/masker/report.h"

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace maskd::bench {
namespace {

double GigabytesPerSecond(const Row& row) { return 1e-3 * row.bytes / row.timing.us; }

nlohmann::ordered_json ShapeJson(const std::string& section, const std::string& what,
                                 const BatchShape& shape) {
  return {{"section", section},
          {"what", what},
          {"batch_size", shape.batch_size},
          {"sequence_length", shape.sequence_length},
          {"num_keep", shape.num_keep},
          {"token_bytes", shape.token_bytes}};
}

}  // namespace

Report::Report(const std::string& device, double copy_gb_per_s) {
  json_ = {{"device", device}, {"copy_gb_per_s", copy_gb_per_s}, {"rows", nlohmann::ordered_json::array()}};
  std::printf("%s: copies at %.1f GB/s\n", device.c_str(), copy_gb_per_s);
}

void Report::Begin(const std::string& name, const std::string& title) {
  section_ = name;
  std::printf("\n%s\n%-34s %-28s %14s %10s %7s %9s %8s %9s %8s\n", title.c_str(), "shape", "what", "bytes",
              "us", "spread", "GB/s", "of copy", "/ copy", "launches");
}

void Report::Add(const Row& row) {
  const double rate = GigabytesPerSecond(row);
  std::printf("%-34s %-28s %14.0f %10.2f %7.2f %9.1f %8.3f %9.2f %8s  %s\n", row.shape.Name().c_str(),
              row.what.c_str(), row.bytes, row.timing.us, row.timing.spread, rate, row.of_copy, row.over_copy,
              row.launches > 0 ? std::to_string(row.launches).c_str() : "", row.note.c_str());
  std::fflush(stdout);
  nlohmann::ordered_json json = ShapeJson(section_, row.what, row.shape);
  json.update({{"bytes", row.bytes},
               {"us", row.timing.us},
               {"spread", row.timing.spread},
               {"gb_per_s", rate},
               {"of_copy", row.of_copy},
               {"over_copy", row.over_copy},
               {"launches", row.launches},
               {"note", row.note}});
  json_["rows"].push_back(std::move(json));
}

void Report::Skip(const std::string& what, const BatchShape& shape, const std::string& reason) {
  std::printf("%-34s %-28s skipped: %s\n", shape.Name().c_str(), what.c_str(), reason.c_str());
  nlohmann::ordered_json json = ShapeJson(section_, what, shape);
  json["skipped"] = reason;
  json_["rows"].push_back(std::move(json));
}

absl::Status Report::WriteJson(const std::string& path) const {
  std::ofstream file(path);
  file << json_.dump(1) << "\n";
  file.close();
  return file ? absl::OkStatus() : absl::InternalError(absl::StrCat("cannot write ", path));
}

}  // namespace maskd::bench
