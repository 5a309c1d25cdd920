// Requests that every server answers.
#ifndef MASKD_TESTS_END_TO_END_GOOD_REQUESTS_H_
#define MASKD_TESTS_END_TO_END_GOOD_REQUESTS_H_

#include <cstdint>
#include <string>

#include "maskd/v1/masking_service.pb.h"

namespace maskd {

// N = 2, L = 8, K = 2, tokens of 3 float32.
inline v1::RandomMaskingRequest GoodRandomMasking() {
  v1::RandomMaskingRequest request;
  request.mutable_layout()->set_batch_size(2);
  request.mutable_layout()->set_sequence_length(8);
  request.mutable_layout()->set_token_dim(3);
  request.mutable_layout()->set_element_bytes(4);
  request.mutable_spec()->set_mask_ratio(0.75);
  for (int i = 0; i < 2 * 8 * 3 * 4; ++i) request.mutable_tokens()->push_back(static_cast<char>(i));
  return request;
}

// The same masks.
inline v1::GenerateMaskRequest GoodGenerateMask() {
  v1::GenerateMaskRequest request;
  request.mutable_layout()->set_batch_size(2);
  request.mutable_layout()->set_sequence_length(8);
  request.mutable_spec()->set_mask_ratio(0.75);
  return request;
}

}  // namespace maskd

#endif  // MASKD_TESTS_END_TO_END_GOOD_REQUESTS_H_
