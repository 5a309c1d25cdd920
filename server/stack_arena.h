// Memory for the protobuf messages of one call.
#ifndef MASKD_SERVER_STACK_ARENA_H_
#define MASKD_SERVER_STACK_ARENA_H_

#include <google/protobuf/arena.h>

#include <cstddef>

namespace maskd {

// An arena that calls malloc only for what is beyond its first half KiB.
class StackArena {
 public:
  StackArena() = default;
  StackArena(const StackArena&) = delete;
  StackArena& operator=(const StackArena&) = delete;

  // Lives as long as the arena.
  template <typename Message>
  Message& New() {
    return *google::protobuf::Arena::CreateMessage<Message>(&arena_);
  }

 private:
  alignas(std::max_align_t) char first_[512];
  google::protobuf::Arena arena_{first_, sizeof(first_)};
};

}  // namespace maskd

#endif  // MASKD_SERVER_STACK_ARENA_H_
