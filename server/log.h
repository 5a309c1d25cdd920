// The log of maskd, on stderr. docs/logs.md says what is in it.
#ifndef MASKD_SERVER_LOG_H_
#define MASKD_SERVER_LOG_H_

#include <spdlog/async.h>
#include <spdlog/logger.h>

#include <memory>
#include <string>

#include "server/call_record.h"
#include "server/line_quota.h"

namespace maskd {

// As long as it lives, spdlog's default logger writes there, from a thread of its own: a
// stderr that nobody reads keeps nobody waiting, and the oldest lines are left out.
// Thread-safe.
class Log {
 public:
  // `level` is spdlog's; `format` is "text" or "json".
  Log(const std::string& level, const std::string& format);
  ~Log() { Stop(); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // One line, of which there are a hundred a second; the next one says how many were
  // left out.
  void Write(const CallReport& report);

  // Writes what is on its way; what comes later is lost. Gives up after a second, if
  // nobody reads stderr, and returns whether all was written.
  bool Stop();

 private:
  const bool json_;
  std::shared_ptr<spdlog::details::thread_pool> thread_;
  const std::shared_ptr<spdlog::logger> calls_;
  LineQuota quota_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_LOG_H_
