#include "client/encode_request.h"

namespace maskd {
namespace {

void EncodeSpec(const MaskingSpec& spec, v1::MaskSpec& message) {
  if (spec.mask_ratio.has_value()) message.set_mask_ratio(*spec.mask_ratio);
  if (spec.num_keep.has_value()) message.set_num_keep(*spec.num_keep);
  message.set_keep_count_rule(static_cast<v1::KeepCountRule>(spec.keep_count_rule));
  switch (spec.noise_source) {
    case NoiseSource::kSeeded:
      message.mutable_seeded();
      break;
    case NoiseSource::kProvided: {
      v1::ProvidedNoise& provided = *message.mutable_provided();
      provided.set_direction(static_cast<v1::NoiseDirection>(spec.noise_direction));
      provided.set_seeded_noise_scale(spec.seeded_noise_scale);
      provided.set_noise(spec.provided_noise.data(), spec.provided_noise.size());
      break;
    }
    case NoiseSource::kTorchCpu:
      message.mutable_torch_cpu()->set_skip(spec.torch_skip);
      break;
    case NoiseSource::kTorchCuda: {
      v1::TorchCudaNoise& torch = *message.mutable_torch_cuda();
      torch.set_offset(spec.torch_cuda.offset);
      torch.set_multi_processor_count(spec.torch_cuda.multi_processor_count);
      torch.set_max_threads_per_multi_processor(spec.torch_cuda.max_threads_per_multi_processor);
      torch.set_first_element(spec.torch_cuda.first_element);
      torch.set_num_elements(spec.torch_cuda.num_elements);
      break;
    }
  }
  message.set_seed(spec.seed);
  if (spec.sample_ids.has_value()) {
    message.mutable_sample_ids()->mutable_ids()->Add(spec.sample_ids->begin(), spec.sample_ids->end());
  } else {
    message.set_first_sample_id(spec.first_sample_id);
  }
  message.set_epoch(spec.epoch);
  message.set_mask_index(spec.mask_index);
}

void EncodeSelection(const ResultSelection& selection, v1::ResultSelection& message) {
  if (selection.kept_tokens) message.add_results(v1::MASKING_RESULT_KEPT_TOKENS);
  if (selection.mask) message.add_results(v1::MASKING_RESULT_MASK);
  if (selection.ids_restore) message.add_results(v1::MASKING_RESULT_IDS_RESTORE);
  if (selection.ids_keep) message.add_results(v1::MASKING_RESULT_IDS_KEEP);
  if (selection.ids_mask) message.add_results(v1::MASKING_RESULT_IDS_MASK);
  if (selection.noise) message.add_results(v1::MASKING_RESULT_NOISE);
  message.set_kept_order(static_cast<v1::KeptOrder>(selection.kept_order));
  message.set_ids_type(static_cast<v1::IdsType>(selection.ids_type));
  message.set_mask_type(static_cast<v1::MaskType>(selection.mask_type));
  message.set_mask_polarity(static_cast<v1::MaskPolarity>(selection.mask_polarity));
}

// What requests share.
template <typename Request>
void Encode(const MaskingSpec& spec, Request& request) {
  v1::TokenLayout& layout = *request.mutable_layout();
  layout.set_batch_size(spec.batch_size);
  layout.set_sequence_length(spec.sequence_length);
  if (spec.token_type.has_value()) {
    layout.set_token_dim(spec.token_type->token_dim);
    layout.set_element_bytes(spec.token_type->element_bytes);
  }
  EncodeSpec(spec, *request.mutable_spec());
  EncodeSelection(spec.selection, *request.mutable_selection());
}

}  // namespace

v1::GenerateMaskRequest EncodeGenerateMask(const MaskingSpec& spec) {
  v1::GenerateMaskRequest request;
  Encode(spec, request);
  return request;
}

v1::RandomMaskingRequest EncodeRandomMasking(const MaskingSpec& spec) {
  v1::RandomMaskingRequest request;
  Encode(spec, request);
  return request;
}

void EncodeBatchHeader(const MaskingSpec& spec, v1::BatchHeader& header) { Encode(spec, header); }

}  // namespace maskd
