/* The tensor operations of maskd.h: those of client/tensor_client.h, with the same
 * arguments, results and errors. */
#ifndef MASKD_CLIENT_MASKD_TENSORS_H_
#define MASKD_CLIENT_MASKD_TENSORS_H_

#include "client/maskd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Types of elements, with the numbers of the wire. */
enum {
  MASKD_OTHER = 0, /* of a size alone: moved, not computed with */
  MASKD_FLOAT32 = 1,
  MASKD_INT64 = 2,
  MASKD_INT32 = 3,
  MASKD_UINT16 = 4,
  MASKD_UINT8 = 5,
  MASKD_FLOAT16 = 7,
  MASKD_BFLOAT16 = 8,
  MASKD_FLOAT64 = 9
};

/* A tensor in the memory of the caller, or of a result: row-major, little-endian,
 * of any alignment. Its size never changes: it is a part of other structs. */
typedef struct maskd_tensor {
  const void* data;
  size_t data_bytes; /* what its type and shape say, or the call is INVALID_ARGUMENT */
  const int64_t* shape;
  int32_t rank;        /* 0 to 8 */
  int32_t type;        /* MASKD_FLOAT32 and so on */
  int64_t other_bytes; /* size of an element of MASKD_OTHER, 1 to 16 */
} maskd_tensor;

/* Tensors that an operation returned. */
typedef struct maskd_tensors maskd_tensors;

/* How many there are, and the one at `index`, in memory that lives as long as
 * `tensors`. NULL if there is no such one. */
MASKD_API size_t maskd_tensors_count(const maskd_tensors* tensors);
MASKD_API const maskd_tensor* maskd_tensors_at(const maskd_tensors* tensors, size_t index);
MASKD_API void maskd_tensors_free(maskd_tensors* tensors);

typedef struct maskd_restore_tokens_arguments {
  size_t struct_size;
  maskd_tensor kept_tokens; /* [N, P + K, ..], P prefix tokens in front */
  maskd_tensor ids_restore; /* [N, L], int64, int32 or uint16 */
  const maskd_tensor* fill; /* [..], one token; NULL: zeros */
  int64_t num_prefix;       /* P */
} maskd_restore_tokens_arguments;

/* One result: tokens [N, P + L, ..]. */
MASKD_API maskd_error* maskd_restore_tokens(maskd_client* client,
                                            const maskd_restore_tokens_arguments* arguments,
                                            const maskd_call_limits* limits, maskd_tensors** results);

/* Of gather, scatter and scatter_add. */
typedef struct maskd_index_arguments {
  size_t struct_size;
  maskd_tensor input;
  maskd_tensor index; /* int64 or int32 */
  maskd_tensor src;   /* not read by maskd_gather */
  int64_t dim;        /* negative: counted from the end of the index */
  int64_t index_rank; /* not 0: the sizes of the index, fewer than the input's; whole rows move */
} maskd_index_arguments;

/* One result each, of the type of the input. */
MASKD_API maskd_error* maskd_gather(maskd_client* client, const maskd_index_arguments* arguments,
                                    const maskd_call_limits* limits, maskd_tensors** results);
MASKD_API maskd_error* maskd_scatter(maskd_client* client, const maskd_index_arguments* arguments,
                                     const maskd_call_limits* limits, maskd_tensors** results);
MASKD_API maskd_error* maskd_scatter_add(maskd_client* client, const maskd_index_arguments* arguments,
                                         const maskd_call_limits* limits, maskd_tensors** results);

typedef struct maskd_masked_select_arguments {
  size_t struct_size;
  maskd_tensor input;
  maskd_tensor mask; /* uint8 or float32, 0 or 1; broadcasts to the input */
} maskd_masked_select_arguments;

/* One result: [count]. */
MASKD_API maskd_error* maskd_masked_select(maskd_client* client,
                                           const maskd_masked_select_arguments* arguments,
                                           const maskd_call_limits* limits, maskd_tensors** results);

typedef struct maskd_pad_sequences_arguments {
  size_t struct_size;
  maskd_tensor values; /* [sum of lengths, ..]: the sequences, one behind the other */
  const int64_t* lengths;
  size_t num_lengths;        /* B */
  const void* padding_value; /* one element; NULL: zero */
  int32_t time_major;
  int32_t mask_type;     /* MASKD_MASK_FLOAT32 or MASKD_MASK_UINT8 */
  int64_t padded_length; /* T; 0: the longest */
} maskd_pad_sequences_arguments;

/* Two results: padded [B, T, ..] and mask [B, T], 1 where a step is real; the first
 * two sizes change places where it is time-major. */
MASKD_API maskd_error* maskd_pad_sequences(maskd_client* client,
                                           const maskd_pad_sequences_arguments* arguments,
                                           const maskd_call_limits* limits, maskd_tensors** results);

/* A mean over masked places. */
typedef struct maskd_masked_mean {
  size_t struct_size;
  double loss;
  int64_t count;
} maskd_masked_mean;

enum { MASKD_PROBABILITIES = 0, MASKD_LOG_PROBABILITIES = 1, MASKD_LOGITS = 2 }; /* score_kind */
enum { MASKD_TOKENS = 0, MASKD_CHANNELS_FIRST = 1, MASKD_CHANNELS_LAST = 2 };    /* target_layout */

typedef struct maskd_masked_nll_loss_arguments {
  size_t struct_size;
  maskd_tensor scores; /* [.., V] */
  maskd_tensor target; /* [..], int64 or int32 */
  maskd_tensor mask;   /* [..] */
  int32_t score_kind;
  int32_t reserved; /* 0 */
} maskd_masked_nll_loss_arguments;

MASKD_API maskd_error* maskd_masked_nll_loss(maskd_client* client,
                                             const maskd_masked_nll_loss_arguments* arguments,
                                             const maskd_call_limits* limits, maskd_masked_mean* mean);

typedef struct maskd_masked_reconstruction_loss_arguments {
  size_t struct_size;
  maskd_tensor prediction; /* [N, L, P] */
  maskd_tensor target;     /* [N, L, P], or an image [N, C, H, W] or [N, H, W, C] */
  maskd_tensor mask;       /* [N, L], 1 is removed */
  int32_t target_layout;
  int32_t normalize_target; /* by each patch's mean and variance */
  int64_t patch_size;       /* of an image */
} maskd_masked_reconstruction_loss_arguments;

MASKD_API maskd_error* maskd_masked_reconstruction_loss(
    maskd_client* client, const maskd_masked_reconstruction_loss_arguments* arguments,
    const maskd_call_limits* limits, maskd_masked_mean* mean);

#ifdef __cplusplus
}
#endif

#endif /* MASKD_CLIENT_MASKD_TENSORS_H_ */
