#include "server/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "server/call_line.h"

namespace maskd {
namespace {

constexpr std::int64_t kCallLinesASecond = 100;
constexpr std::size_t kLinesOnTheirWay = 8192;
constexpr std::chrono::seconds kPatience(1);

// The text of a line, as JSON has it within quotes.
class EscapedText final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& line) override {
    const std::string text = Escaped(std::string_view(message.payload.data(), message.payload.size()));
    line.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<EscapedText>(); }
};

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v";
// Of a line that is a text, and of one that is members of the object already.
constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%*"})";
constexpr char kJsonMembersPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})";

std::shared_ptr<spdlog::logger> MakeLogger(const std::string& name, const char* pattern,
                                           const std::string& level,
                                           const std::shared_ptr<spdlog::details::thread_pool>& thread) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<EscapedText>('*').set_pattern(pattern);
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  sink->set_formatter(std::move(formatter));
  auto logger = std::make_shared<spdlog::async_logger>(name, std::move(sink), thread,
                                                       spdlog::async_overflow_policy::overrun_oldest);
  logger->set_level(spdlog::level::from_str(level));
  return logger;
}

spdlog::level::level_enum LevelOf(grpc::StatusCode code) {
  const bool ours = code == grpc::StatusCode::INTERNAL || code == grpc::StatusCode::UNKNOWN ||
                    code == grpc::StatusCode::DATA_LOSS;
  return ours ? spdlog::level::err : spdlog::level::warn;
}

}  // namespace

Log::Log(const std::string& level, const std::string& format)
    : json_(format == "json"),
      thread_(std::make_shared<spdlog::details::thread_pool>(kLinesOnTheirWay, 1)),
      calls_(MakeLogger("calls", json_ ? kJsonMembersPattern : kTextPattern, level, thread_)),
      quota_(kCallLinesASecond) {
  spdlog::set_default_logger(MakeLogger("maskd", json_ ? kJsonPattern : kTextPattern, level, thread_));
}

void Log::Write(const CallReport& report) {
  const spdlog::level::level_enum level = LevelOf(report.code);
  if (!calls_->should_log(level)) return;
  const std::optional<std::int64_t> left_out = quota_.Take(std::chrono::steady_clock::now());
  if (!left_out.has_value()) return;
  // At the level of the line, so that it is there where the line is.
  if (*left_out > 0) spdlog::log(level, "{} lines about calls were left out before this one", *left_out);
  calls_->log(level, json_ ? JsonMembers(report) : TextLine(report));
}

bool Log::Stop() {
  if (thread_ == nullptr) return true;
  auto written = std::make_shared<std::promise<void>>();
  const std::future<void> all = written->get_future();
  std::thread([thread = std::move(thread_), written]() mutable {
    thread.reset();
    written->set_value();
  }).detach();
  return all.wait_for(kPatience) == std::future_status::ready;
}

}  // namespace maskd
