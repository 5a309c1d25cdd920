#include "client/mask_request.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <cstring>

#include "client/encode_request.h"
#include "kernels/status_macros.h"
#include "maskd/v1/masking_service.pb.h"
#include "proto/field_head.h"

namespace maskd {

absl::StatusOr<MaskRequest> MaskRequest::Make(const MaskingSpec& spec) {
  MASKD_ASSIGN_OR_RETURN(const MaskingPlan plan, MakeMaskingPlan(spec));
  MaskRequest request(plan);
  request.encoded_ = EncodeGenerateMask(spec).SerializeAsString();
  return request;
}

grpc::ByteBuffer MaskRequest::Encode(std::uint64_t first_sample_id) const {
  using ::google::protobuf::internal::WireFormatLite;
  using ::google::protobuf::io::CodedOutputStream;
  std::uint8_t field[15];
  std::uint8_t* end = CodedOutputStream::WriteVarint32ToArray(
      WireFormatLite::MakeTag(v1::MaskSpec::kFirstSampleIdFieldNumber, WireFormatLite::WIRETYPE_VARINT),
      field);
  end = CodedOutputStream::WriteVarint64ToArray(first_sample_id, end);
  const auto field_bytes = static_cast<std::size_t>(end - field);
  // Parsers merge messages of one field, and the last value counts.
  const std::string head =
      EncodeFieldHead(v1::GenerateMaskRequest::kSpecFieldNumber, static_cast<std::int64_t>(field_bytes));
  const grpc::Slice slice(encoded_.size() + head.size() + field_bytes);
  auto* const bytes = const_cast<std::uint8_t*>(slice.begin());
  std::memcpy(bytes, encoded_.data(), encoded_.size());
  std::memcpy(bytes + encoded_.size(), head.data(), head.size());
  std::memcpy(bytes + encoded_.size() + head.size(), field, field_bytes);
  return {&slice, 1};
}

}  // namespace maskd
