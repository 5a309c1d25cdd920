#include "server/call_line.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace maskd {
namespace {

std::string AllBytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

CallReport Failed() {
  CallReport report{.method = "/maskd.v1.MaskingService/GenerateMask",
                    .peer = "ipv4:192.0.2.1:4711",
                    .code = grpc::StatusCode::INVALID_ARGUMENT,
                    .message = "mask_ratio is 2; it must be in [0, 1)",
                    .request_id = "step-3",
                    .trace_id = "",
                    .stages = {}};
  report.stages[Stage::kDecode] = std::chrono::microseconds(1500);
  report.stages[Stage::kSend] = std::chrono::microseconds(500);
  return report;
}

TEST(CallLineTest, Text) {
  EXPECT_EQ(TextLine(Failed()),
            "call failed method=\"/maskd.v1.MaskingService/GenerateMask\" peer=\"ipv4:192.0.2.1:4711\" "
            "code=\"INVALID_ARGUMENT\" error=\"mask_ratio is 2; it must be in [0, 1)\" "
            "request_id=\"step-3\" seconds=0.002000 decode=0.001500 send=0.000500");
}

TEST(CallLineTest, Json) {
  CallReport report = Failed();
  report.code = grpc::StatusCode::OK;
  report.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  const auto line = nlohmann::json::parse("{" + JsonMembers(report) + "}");
  const nlohmann::json expected = {{"message", "call was slow"},
                                   {"method", report.method},
                                   {"peer", report.peer},
                                   {"code", "OK"},
                                   {"request_id", "step-3"},
                                   {"trace_id", report.trace_id},
                                   {"seconds", 0.002},
                                   {"decode", 0.0015},
                                   {"send", 0.0005}};
  EXPECT_EQ(line, expected);
}

// Whatever a caller sends is one string on one line.
TEST(CallLineTest, NothingOfACallerEndsALineOrAString) {
  CallReport report = Failed();
  report.message = report.peer = report.request_id = AllBytes();
  for (const std::string& line : {TextLine(report), JsonMembers(report)}) {
    for (const char c : line) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c);
  }
  const auto line = nlohmann::json::parse("{" + JsonMembers(report) + "}");
  std::string latin1;  // each byte is the character of its number
  for (int byte = 0; byte < 256; ++byte) {
    if (byte < 0x80) {
      latin1.push_back(static_cast<char>(byte));
    } else {
      latin1.push_back(static_cast<char>(0xc0 | byte >> 6));
      latin1.push_back(static_cast<char>(0x80 | (byte & 0x3f)));
    }
  }
  EXPECT_EQ(line["error"], latin1);
}

TEST(CallLineTest, LongTextsAreCut) {
  EXPECT_EQ(Escaped("abcdef", 3), "abc...");
  EXPECT_EQ(Escaped("abc", 3), "abc");
  CallReport report = Failed();
  report.message = std::string(1 << 20, '\n');
  EXPECT_LT(TextLine(report).size(), 10000u);
}

}  // namespace
}  // namespace maskd
