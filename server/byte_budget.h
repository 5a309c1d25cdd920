// The bytes of requests and responses that the server holds at a time.
#ifndef MASKD_SERVER_BYTE_BUDGET_H_
#define MASKD_SERVER_BYTE_BUDGET_H_

#include <atomic>
#include <cstdint>
#include <list>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/event.h"

namespace maskd {

// Thread-safe. Outlives its reservations.
class ByteBudget {
 public:
  explicit ByteBudget(std::int64_t total_bytes) : total_(total_bytes), free_(total_bytes) {}

  // Bytes that are taken until it is destroyed or given back.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(Reservation&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Reservation& operator=(Reservation&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Reservation() { GiveBack(); }

    std::int64_t bytes() const { return bytes_; }
    void GiveBack() {
      if (budget_ != nullptr) budget_->Return(bytes_);
      budget_ = nullptr;
      bytes_ = 0;
    }

   private:
    friend class ByteBudget;
    Reservation(ByteBudget* budget, std::int64_t bytes) : budget_(budget), bytes_(bytes) {}

    ByteBudget* budget_ = nullptr;
    std::int64_t bytes_ = 0;
  };

  // Makes `reservation` one of `bytes`, at once or not at all.
  //
  // Returns RESOURCE_EXHAUSTED: with a retry delay (retry_delay.h) if others
  // have the bytes now or are in line for them, without if there never are so
  // many.
  absl::Status Resize(std::int64_t bytes, Reservation& reservation);

  // A place in line for `bytes`, served in the order of coming. To be destroyed
  // after Leave.
  class Place {
   public:
    Event turn;  // set to true when the bytes are in `reservation`, to false by Leave
    Reservation reservation;

   private:
    friend class ByteBudget;
    std::int64_t bytes_ = 0;
    bool in_line_ = false;  // guarded by the budget's mutex
  };

  // Stands in line for min(bytes, all there are). The line is not bounded: who
  // waits is read nothing from.
  void Enter(std::int64_t bytes, Place& place);
  // Gives up the place, if its turn has not come.
  void Leave(Place& place);

  std::int64_t total_bytes() const { return total_; }
  // These two wait for nobody.
  std::int64_t reserved_bytes() const { return total_ - free_; }
  std::int64_t calls_in_line() const { return waiting_; }

 private:
  void Return(std::int64_t bytes);
  // Takes those whose turn it is out of the line, and lets them go on.
  void Serve(std::unique_lock<std::mutex> lock);

  const std::int64_t total_;
  mutable std::mutex mutex_;
  std::atomic<std::int64_t> free_;         // written under mutex_
  std::list<Place*> line_;                 // guarded by mutex_
  std::atomic<std::int64_t> waiting_ = 0;  // places in line_; written under mutex_
};

}  // namespace maskd

#endif  // MASKD_SERVER_BYTE_BUDGET_H_
