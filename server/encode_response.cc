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

MessageLayout LayOutMasking(const MaskingPlan& plan, const std::string& backend, MaskingBuffers* results) {
  MessageLayout layout;
  layout.AddInteger(v1::Masking::kNumKeepFieldNumber, plan.num_keep);
  layout.AddInteger(v1::Masking::kAlgorithmVersionFieldNumber, kAlgorithmVersion);
  layout.AddInteger(v1::Masking::kSeedFieldNumber, static_cast<std::int64_t>(plan.seed));
  layout.AddInteger(v1::Masking::kEpochFieldNumber, plan.epoch);
  layout.AddInteger(v1::Masking::kMaskIndexFieldNumber, plan.mask_index);
  layout.AddString(v1::Masking::kBackendFieldNumber, backend);

  const ResultSelection& selection = plan.selection;
  const ResultBytes& bytes = plan.result_bytes;
  const std::int64_t N = plan.batch_size;
  const std::int64_t L = plan.sequence_length;
  const std::int64_t K = plan.num_keep;
  const v1::ElementType ids_type = ElementTypeOf(selection.ids_type);
  if (selection.mask) {
    layout.AddMessage(v1::Masking::kMaskFieldNumber, LayOutTensor({ElementTypeOf(selection.mask_type)},
                                                                  {{N, L}}, bytes.mask, &results->mask));
  }
  if (selection.ids_restore) {
    layout.AddMessage(v1::Masking::kIdsRestoreFieldNumber,
                      LayOutTensor({ids_type}, {{N, L}}, bytes.ids_restore, &results->ids_restore));
  }
  if (selection.ids_keep) {
    layout.AddMessage(v1::Masking::kIdsKeepFieldNumber,
                      LayOutTensor({ids_type}, {{N, K}}, bytes.ids_keep, &results->ids_keep));
  }
  if (selection.ids_mask) {
    layout.AddMessage(v1::Masking::kIdsMaskFieldNumber,
                      LayOutTensor({ids_type}, {{N, L - K}}, bytes.ids_mask, &results->ids_mask));
  }
  if (selection.noise) {
    layout.AddMessage(v1::Masking::kNoiseFieldNumber,
                      LayOutTensor({v1::ELEMENT_TYPE_FLOAT32}, {{N, L}}, bytes.noise, &results->noise));
  }
  return layout;
}

// kept_layout and kept_tokens of a message that has both.
template <typename Response>
void AddKeptTokens(const MaskingPlan& plan, const TokenType& token_type, MessageLayout& layout,
                   MaskingBuffers* results) {
  if (!plan.selection.kept_tokens) return;
  MessageLayout kept_layout;
  kept_layout.AddInteger(v1::TokenLayout::kBatchSizeFieldNumber, plan.batch_size);
  kept_layout.AddInteger(v1::TokenLayout::kSequenceLengthFieldNumber, plan.num_keep);
  kept_layout.AddInteger(v1::TokenLayout::kTokenDimFieldNumber, token_type.token_dim);
  kept_layout.AddInteger(v1::TokenLayout::kElementBytesFieldNumber, token_type.element_bytes);
  layout.AddMessage(Response::kKeptLayoutFieldNumber, kept_layout);
  layout.AddBytes(Response::kKeptTokensFieldNumber, plan.result_bytes.kept_tokens, &results->kept_tokens);
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
  layout.AddMessage(v1::GenerateMaskResponse::kMaskingFieldNumber,
                    LayOutMasking(plan, backend, &response.results));
  response.buffer = Write(layout, pool);
  return response;
}

ReservedResponse ReserveRandomMasking(const MaskingPlan& plan, const TokenType& token_type,
                                      const std::string& backend, ReplyPool& pool) {
  ReservedResponse response;
  MessageLayout layout;
  layout.AddMessage(v1::RandomMaskingResponse::kMaskingFieldNumber,
                    LayOutMasking(plan, backend, &response.results));
  AddKeptTokens<v1::RandomMaskingResponse>(plan, token_type, layout, &response.results);
  response.buffer = Write(layout, pool);
  return response;
}

ReservedResponse ReserveStreamPart(const MaskingPlan& plan, const TokenType& token_type,
                                   std::int64_t batch_index, std::int64_t first_sample,
                                   const std::string& backend, ReplyPool& pool) {
  ReservedResponse response;
  MessageLayout layout;
  layout.AddInteger(v1::StreamRandomMaskingResponse::kBatchIndexFieldNumber, batch_index);
  layout.AddInteger(v1::StreamRandomMaskingResponse::kFirstSampleFieldNumber, first_sample);
  layout.AddInteger(v1::StreamRandomMaskingResponse::kNumSamplesFieldNumber, plan.batch_size);
  layout.AddMessage(v1::StreamRandomMaskingResponse::kMaskingFieldNumber,
                    LayOutMasking(plan, backend, &response.results));
  AddKeptTokens<v1::StreamRandomMaskingResponse>(plan, token_type, layout, &response.results);
  response.buffer = Write(layout, pool);
  return response;
}

}  // namespace maskd
