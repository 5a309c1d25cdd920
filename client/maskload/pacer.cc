#include "client/maskload/pacer.h"

#include <cmath>
#include <random>

namespace maskd::maskload {
namespace {

constexpr double kNanosPerSecond = 1e9;

class ClosedLoop final : public Pacer {
 public:
  Nanos Next(Nanos now) override { return now; }
  bool open() const override { return false; }
};

class ConstantPacer final : public Pacer {
 public:
  explicit ConstantPacer(double rate) : gap_(kNanosPerSecond / rate) {}

  // Multiplied, not added up, so that no error grows.
  Nanos Next(Nanos) override { return Nanos(std::llround(static_cast<double>(calls_++) * gap_)); }
  bool open() const override { return true; }

 private:
  const double gap_;
  std::int64_t calls_ = 0;
};

class PoissonPacer final : public Pacer {
 public:
  PoissonPacer(double rate, std::uint64_t seed) : gap_(kNanosPerSecond / rate), random_(seed) {}

  // std::exponential_distribution is not the same everywhere.
  Nanos Next(Nanos) override {
    const double uniform = static_cast<double>(random_() >> 11) * 0x1p-53;  // in [0, 1)
    time_ -= std::log1p(-uniform) * gap_;
    return Nanos(std::llround(time_));
  }
  bool open() const override { return true; }

 private:
  const double gap_;
  std::mt19937_64 random_;
  double time_ = 0;
};

}  // namespace

std::unique_ptr<Pacer> MakeClosedLoop() { return std::make_unique<ClosedLoop>(); }

std::unique_ptr<Pacer> MakeConstantPacer(double rate) { return std::make_unique<ConstantPacer>(rate); }

std::unique_ptr<Pacer> MakePoissonPacer(double rate, std::uint64_t seed) {
  return std::make_unique<PoissonPacer>(rate, seed);
}

}  // namespace maskd::maskload
