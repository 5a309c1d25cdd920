// One batch of a stream: tokens go in as they come, parts come out.
#ifndef MASKD_SERVER_STREAMED_BATCH_H_
#define MASKD_SERVER_STREAMED_BATCH_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "kernels/masker.h"
#include "kernels/masking_parts.h"
#include "kernels/masking_plan.h"
#include "maskd/v1/masking_service.pb.h"
#include "proto/message_scanner.h"
#include "server/block_pool.h"
#include "server/masked_part.h"
#include "server/reply_pool.h"
#include "server/stage_clock.h"

namespace maskd {

// Not thread-safe.
class StreamedBatch {
 public:
  // Batch `index` of its stream; `landing` is as of MaskedPart. Allocates nothing
  // of its size.
  //
  // Returns INVALID_ARGUMENT if the header breaks a rule, and
  // RESOURCE_EXHAUSTED if the batch is too large for any stream.
  static absl::StatusOr<std::unique_ptr<StreamedBatch>> Begin(std::unique_ptr<v1::BatchHeader> header,
                                                              std::int64_t index, BlockPool* landing);

  StreamedBatch(const StreamedBatch&) = delete;
  StreamedBatch& operator=(const StreamedBatch&) = delete;

  // The memory that the stream takes while this batch is under way, messages
  // that gRPC holds for it included.
  std::int64_t working_bytes() const;

  std::int64_t tokens_bytes() const { return plan_.tokens_bytes; }
  std::int64_t bytes_left() const { return plan_.tokens_bytes - bytes_taken_; }
  std::int64_t index() const { return index_; }
  NoiseSource noise_source() const { return plan_.noise_source; }

  // Takes the next tokens, at most bytes_left(), up to the end of a part, and
  // gives what is left of them. Masks are drawn when a part begins. `stages` is left
  // in the stage of what was done last.
  //
  // Returns the errors of Masker::Mask. Throws std::bad_alloc.
  absl::StatusOr<Fragment> Take(Fragment tokens, Masker& masker, ReplyPool& pool,
                                const IsCancelled& is_cancelled, StageClock& stages);

  // Whether a part is complete, which TakePart gives as a message.
  bool has_part() const { return part_.has_value() && part_->bytes_left() == 0; }
  grpc::ByteBuffer TakePart();

 private:
  StreamedBatch(std::unique_ptr<v1::BatchHeader> header, std::int64_t index, const MaskingSpec& spec,
                const MaskingPlan& plan, BlockPool* landing)
      : header_(std::move(header)),
        index_(index),
        spec_(spec),
        plan_(plan),
        landing_(landing),
        cutter_(spec) {}

  absl::Status BeginPart(Masker& masker, ReplyPool& pool, const IsCancelled& is_cancelled,
                         StageClock& stages);
  // Memory of one sample in a part, and of the samples of a whole part.
  std::int64_t SampleBytes() const;
  std::int64_t SamplesOfPart() const;

  const std::unique_ptr<v1::BatchHeader> header_;  // the spec refers to it
  const std::int64_t index_;
  const MaskingSpec spec_;
  const MaskingPlan plan_;
  BlockPool* const landing_;
  PartCutter cutter_;
  std::int64_t samples_begun_ = 0;
  std::int64_t bytes_taken_ = 0;
  std::optional<MaskedPart> part_;
};

}  // namespace maskd

#endif  // MASKD_SERVER_STREAMED_BATCH_H_
