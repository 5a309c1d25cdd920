// When calls are to begin: the difference between a closed and an open loop.
#ifndef MASKD_CLIENT_MASKLOAD_PACER_H_
#define MASKD_CLIENT_MASKLOAD_PACER_H_

#include <cstdint>
#include <memory>

#include "client/maskload/clock.h"

namespace maskd::maskload {

// Times count from the start of the run. Not thread-safe.
class Pacer {
 public:
  virtual ~Pacer() = default;

  // The intended start of the next call, never before that of the last; `now` is
  // when somebody is free to make it.
  virtual Nanos Next(Nanos now) = 0;

  // Whether starts are those of a schedule, whatever the server does: an open
  // loop.
  virtual bool open() const = 0;
};

// A call begins when somebody is free.
std::unique_ptr<Pacer> MakeClosedLoop();

// Call i is to begin at i / rate seconds. `rate` > 0, in calls a second.
std::unique_ptr<Pacer> MakeConstantPacer(double rate);

// The gaps between starts are exponential with mean 1 / rate, as of many callers
// that know nothing of each other. The same seed gives the same starts.
std::unique_ptr<Pacer> MakePoissonPacer(double rate, std::uint64_t seed);

}  // namespace maskd::maskload

#endif  // MASKD_CLIENT_MASKLOAD_PACER_H_
