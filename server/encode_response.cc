#include "server/encode_response.h"

#include "maskd/v1/masking_service.pb.h"
#include "server/message_layout.h"
#include "server/tensor_response.h"

namespace maskd {
namespace {

v1::ElementType ElementTypeOf(IdsType type) {
  switch (type) {
    case IdsType::kInt64:
      return v1::ELEMENT_TYPE_INT64;
    case IdsType::kInt32:
      return v1::ELEMENT_TYPE_INT32;
    case IdsType::kUint16:
      return v1::ELEMENT_TYPE_UINT16;
  }
  return v1::ELEMENT_TYPE_UNSPECIFIED;
}

v1::ElementType ElementTypeOf(MaskType type) {
  switch (type) {
    case MaskType::kFloat32:
      return v1::ELEMENT_TYPE_FLOAT32;
    case MaskType::kUint8:
      return v1::ELEMENT_TYPE_UINT8;
    case MaskType::kPackedBits:
      return v1::ELEMENT_TYPE_PACKED_BITS;
  }
  return v1::ELEMENT_TYPE_UNSPECIFIED;
}

// As all here, from the last field to the first.
void AddMasking(int field, const MaskingPlan& plan, const std::string& backend, MessageLayout& layout,
                MaskingBuffers* results) {
  const ResultSelection& selection = plan.selection;
  const ResultBytes& bytes = plan.result_bytes;
  const std::int64_t N = plan.batch_size;
  const std::int64_t L = plan.sequence_length;
  const std::int64_t K = plan.num_keep;
  const std::int64_t before = layout.size();
  const auto add = [&layout, N](int number, v1::ElementType type, std::int64_t length, std::int64_t size,
                                std::byte** place) {
    AddTensor(number, {type}, {{N, length}}, size, layout, place);
  };
  const v1::ElementType ids_type = ElementTypeOf(selection.ids_type);
  if (selection.noise)
    add(v1::Masking::kNoiseFieldNumber, v1::ELEMENT_TYPE_FLOAT32, L, bytes.noise, &results->noise);
  if (selection.ids_mask)
    add(v1::Masking::kIdsMaskFieldNumber, ids_type, L - K, bytes.ids_mask, &results->ids_mask);
  if (selection.ids_keep)
    add(v1::Masking::kIdsKeepFieldNumber, ids_type, K, bytes.ids_keep, &results->ids_keep);
  if (selection.ids_restore)
    add(v1::Masking::kIdsRestoreFieldNumber, ids_type, L, bytes.ids_restore, &results->ids_restore);
  if (selection.mask)
    add(v1::Masking::kMaskFieldNumber, ElementTypeOf(selection.mask_type), L, bytes.mask, &results->mask);

  layout.AddString(v1::Masking::kBackendFieldNumber, backend);
  layout.AddInteger(v1::Masking::kMaskIndexFieldNumber, plan.mask_index);
  layout.AddInteger(v1::Masking::kEpochFieldNumber, plan.epoch);
  layout.AddInteger(v1::Masking::kSeedFieldNumber, static_cast<std::int64_t>(plan.seed));
  layout.AddInteger(v1::Masking::kAlgorithmVersionFieldNumber, kAlgorithmVersion);
  layout.AddInteger(v1::Masking::kNumKeepFieldNumber, K);
  layout.AddHead(field, before);
}

// kept_layout and kept_tokens of a message that has both.
template <typename Response>
void AddKeptTokens(const MaskingPlan& plan, const TokenType& token_type, MessageLayout& layout,
                   MaskingBuffers* results) {
  if (!plan.selection.kept_tokens) return;
  layout.AddBytes(Response::kKeptTokensFieldNumber, plan.result_bytes.kept_tokens, &results->kept_tokens);
  const std::int64_t before = layout.size();
  layout.AddInteger(v1::TokenLayout::kElementBytesFieldNumber, token_type.element_bytes);
  layout.AddInteger(v1::TokenLayout::kTokenDimFieldNumber, token_type.token_dim);
  layout.AddInteger(v1::TokenLayout::kSequenceLengthFieldNumber, plan.num_keep);
  layout.AddInteger(v1::TokenLayout::kBatchSizeFieldNumber, plan.batch_size);
  layout.AddHead(Response::kKeptLayoutFieldNumber, before);
}

ReplyPool::Buffer Write(const MessageLayout& layout, ReplyPool& pool) {
  ReplyPool::Buffer buffer = pool.Take(static_cast<std::size_t>(layout.size()));
  layout.Write(buffer.bytes().data());
  return buffer;
}

}  // namespace

ReservedResponse ReserveGenerateMask(const MaskingPlan& plan, const std::string& backend, ReplyPool& pool) {
  ReservedResponse response;
  MessageLayout layout;
  AddMasking(v1::GenerateMaskResponse::kMaskingFieldNumber, plan, backend, layout, &response.results);
  response.buffer = Write(layout, pool);
  return response;
}

ReservedResponse ReserveRandomMasking(const MaskingPlan& plan, const TokenType& token_type,
                                      const std::string& backend, ReplyPool& pool) {
  ReservedResponse response;
  MessageLayout layout;
  AddKeptTokens<v1::RandomMaskingResponse>(plan, token_type, layout, &response.results);
  AddMasking(v1::RandomMaskingResponse::kMaskingFieldNumber, plan, backend, layout, &response.results);
  response.buffer = Write(layout, pool);
  return response;
}

ReservedResponse ReserveStreamPart(const MaskingPlan& plan, const TokenType& token_type,
                                   std::int64_t batch_index, std::int64_t first_sample,
                                   const std::string& backend, ReplyPool& pool) {
  ReservedResponse response;
  MessageLayout layout;
  AddKeptTokens<v1::StreamRandomMaskingResponse>(plan, token_type, layout, &response.results);
  AddMasking(v1::StreamRandomMaskingResponse::kMaskingFieldNumber, plan, backend, layout, &response.results);
  layout.AddInteger(v1::StreamRandomMaskingResponse::kNumSamplesFieldNumber, plan.batch_size);
  layout.AddInteger(v1::StreamRandomMaskingResponse::kFirstSampleFieldNumber, first_sample);
  layout.AddInteger(v1::StreamRandomMaskingResponse::kBatchIndexFieldNumber, batch_index);
  response.buffer = Write(layout, pool);
  return response;
}

}  // namespace maskd
