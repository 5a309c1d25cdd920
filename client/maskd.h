/* The C ABI of maskd's client: libmaskd.so.1. Tensor operations: maskd_tensors.h.
 *
 *   const char* addresses[] = {"localhost:50051"};
 *   maskd_client* client = NULL;
 *   maskd_error* error = maskd_connect(addresses, 1, NULL, &client);
 *   maskd_masking_spec spec = {.struct_size = sizeof spec, .selection = MASKD_MASK | MASKD_IDS_RESTORE,
 *                              .batch_size = 64, .sequence_length = 196,
 *                              .has_mask_ratio = 1, .mask_ratio = 0.75, .seed = 1, .epoch = 3};
 *   maskd_masking_results results = {.struct_size = sizeof results, .mask = mask, .ids_restore = ids};
 *   if (error == NULL) error = maskd_generate_mask(client, &spec, &results, NULL, NULL);
 *   if (error != NULL) fprintf(stderr, "%s\n", maskd_error_message(error));
 *   maskd_error_free(error);
 *   maskd_client_free(client);
 *
 * A function that can fail returns NULL for success, or an error that the caller
 * frees. Nothing is thrown. All functions are thread-safe, on the same client too;
 * only what is freed must not be in use.
 *
 * A struct that begins with struct_size has it set to its size by whoever fills
 * it. Later versions of this header may add fields at its end, for which zero
 * means what this version does: a caller built with an older header calls a newer
 * library. A newer caller's struct is taken where the fields that this library
 * does not know are zero, else it is INVALID_ARGUMENT.
 *
 * After fork, calls on a client of the parent return FAILED_PRECONDITION in the
 * child, and so does maskd_connect to a server if the parent had called it for one:
 * gRPC has no threads there. */
#ifndef MASKD_CLIENT_MASKD_H_
#define MASKD_CLIENT_MASKD_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MASKD_API __attribute__((visibility("default")))
#else
#define MASKD_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a function or a field goes or changes; its number is in the soname. */
#define MASKD_ABI_VERSION 1

/* The MASKD_ABI_VERSION and the version of maskd that the library was built of. */
MASKD_API int32_t maskd_abi_version(void);
MASKD_API const char* maskd_version(void);

/* ---- Errors ---- */

typedef struct maskd_error maskd_error;

/* The number of a gRPC status code, 1 to 16, and its name, such as
 * "INVALID_ARGUMENT"; 0 and "OK" of NULL. */
MASKD_API int32_t maskd_error_code(const maskd_error* error);
MASKD_API const char* maskd_error_code_name(const maskd_error* error);

/* The sentence of the server or the client, which lives as long as the error. */
MASKD_API const char* maskd_error_message(const maskd_error* error);

/* Of NULL does nothing, as all that free. */
MASKD_API void maskd_error_free(maskd_error* error);

/* ---- Connection ---- */

/* One or more servers, or none (in-process). */
typedef struct maskd_client maskd_client;

/* Zero takes the default of each field. Strings may be NULL, which is empty. */
typedef struct maskd_client_options {
  size_t struct_size;
  int64_t timeout_milliseconds;      /* of each call, over all its attempts; default 60,000 */
  int64_t max_message_bytes;         /* bound of one response; default 2^30 */
  int64_t stream_from_bytes;         /* calls this large are streamed; default 16 MiB */
  int32_t connections;               /* to each server, over which a streamed batch is split; default 1 */
  int32_t max_attempts;              /* of a call that finds no server, the first included; default 4 */
  int32_t fallback_in_process;       /* not 0: compute the same bits here when no server answers */
  int32_t in_process_threads;        /* of "inproc:" and of the fallback; default one a core */
  const char* tls_root_certificates; /* PEM; empty: no TLS */
  const char* tls_certificate_chain; /* PEM; the caller's, for a server that asks for it */
  const char* tls_private_key;       /* PEM */
  /* Told in one line when calls begin to be computed in-process because of servers,
   * with `log_data`, on the thread of a call. NULL: lines go to stderr. */
  void (*log)(const char* line, void* log_data);
  void* log_data;
} maskd_client_options;

/* Each address is "host:port" or "unix:path", or there is one and it is "inproc:":
 * then no server is called. With several, batches are split over the servers.
 * `options` may be NULL. Does not wait for a server; the first call does.
 *
 * Returns INVALID_ARGUMENT for another address or option. */
MASKD_API maskd_error* maskd_connect(const char* const* addresses, size_t num_addresses,
                                     const maskd_client_options* options, maskd_client** client);

/* No call may be running. In a forked child of the process that connected it does
 * nothing, and leaves the memory. */
MASKD_API void maskd_client_free(maskd_client* client);

/* ---- Ending a call early ---- */

/* Can be shared by calls, and requested from any thread; once requested it stays. */
typedef struct maskd_stop maskd_stop;

/* NULL if there is no memory. Freed when no call has it any more. */
MASKD_API maskd_stop* maskd_stop_new(void);
MASKD_API void maskd_stop_request(maskd_stop* stop);
MASKD_API void maskd_stop_free(maskd_stop* stop);

typedef struct maskd_call_limits {
  size_t struct_size;
  int64_t timeout_milliseconds; /* 0: the client's; negative: DEADLINE_EXCEEDED at once */
  maskd_stop* stop;             /* ends the call with CANCELLED; may be NULL */
} maskd_call_limits;

/* OK if a server says that it serves, and always in-process; else UNAVAILABLE.
 * `limits` may be NULL, here and below. */
MASKD_API maskd_error* maskd_check_health(maskd_client* client, const maskd_call_limits* limits);

/* ---- Masking ---- */

/* Results, for maskd_masking_spec.selection. */
enum {
  MASKD_KEPT_TOKENS = 1 << 0,
  MASKD_MASK = 1 << 1,
  MASKD_IDS_RESTORE = 1 << 2,
  MASKD_IDS_KEEP = 1 << 3,
  MASKD_IDS_MASK = 1 << 4,
  MASKD_NOISE = 1 << 5
};

enum {
  MASKD_KEEP_TRUNC = 0,
  MASKD_MASK_TRUNC = 1,
  MASKD_MASK_CEIL = 2,
  MASKD_KEEP_TRUNC_MIN_1 = 3
}; /* keep_count_rule */
enum {
  MASKD_NOISE_SEEDED = 0,
  MASKD_NOISE_PROVIDED = 1,
  MASKD_NOISE_TORCH_CPU = 2,
  MASKD_NOISE_TORCH_CUDA = 3
};                                                                                 /* noise_source */
enum { MASKD_NOISE_ASCENDING = 0, MASKD_NOISE_DESCENDING = 1 };                    /* noise_direction */
enum { MASKD_ORDER_NOISE = 0, MASKD_ORDER_RASTER = 1 };                            /* kept_order */
enum { MASKD_IDS_INT64 = 0, MASKD_IDS_INT32 = 1, MASKD_IDS_UINT16 = 2 };           /* ids_type */
enum { MASKD_MASK_FLOAT32 = 0, MASKD_MASK_UINT8 = 1, MASKD_MASK_PACKED_BITS = 2 }; /* mask_type */
enum { MASKD_MASKED_IS_ONE = 0, MASKD_KEPT_IS_ONE = 1 };                           /* mask_polarity */

/* What is asked for; the rule of every field is that of the field of the same name
 * in proto/maskd/v1/masking.proto. */
typedef struct maskd_masking_spec {
  size_t struct_size;
  uint32_t selection; /* of MASKD_KEPT_TOKENS to MASKD_NOISE, at least one */
  int32_t has_mask_ratio;
  int32_t has_num_keep;
  int32_t keep_count_rule;
  int64_t batch_size;      /* N */
  int64_t sequence_length; /* L */
  int64_t token_dim;       /* D; not read by maskd_generate_mask, nor is the next */
  int64_t element_bytes;   /* 1 to 16 */
  double mask_ratio;       /* if has_mask_ratio */
  int64_t num_keep;        /* K, if has_num_keep: overrides mask_ratio */

  int32_t noise_source;
  uint32_t epoch;
  uint32_t mask_index;
  int32_t noise_direction; /* of provided noise */
  uint64_t seed;
  uint64_t first_sample_id;
  const uint64_t* sample_ids;  /* [N], or NULL: counted up from first_sample_id */
  const float* provided_noise; /* [N, L], for MASKD_NOISE_PROVIDED */
  float seeded_noise_scale;    /* how much seeded noise is added to that */
  int32_t kept_order;
  uint64_t torch_skip; /* for MASKD_NOISE_TORCH_CPU: draws passed over first */
  /* For MASKD_NOISE_TORCH_CUDA: */
  uint64_t torch_cuda_offset;
  int64_t torch_cuda_multi_processor_count;
  int64_t torch_cuda_max_threads_per_multi_processor;
  int64_t torch_cuda_first_element;
  int64_t torch_cuda_num_elements; /* 0: N * L */

  int32_t ids_type;
  int32_t mask_type;
  int32_t mask_polarity;
  int32_t reserved; /* 0 */
} maskd_masking_spec;

/* How large the results of a spec are; 0 bytes of what it does not select. */
typedef struct maskd_masking_sizes {
  size_t struct_size;
  int64_t num_keep; /* K */
  int64_t tokens_bytes;
  int64_t kept_tokens_bytes;
  int64_t mask_bytes;
  int64_t ids_restore_bytes;
  int64_t ids_keep_bytes;
  int64_t ids_mask_bytes;
  int64_t noise_bytes;
} maskd_masking_sizes;

/* Where results go: row-major, little-endian, of any alignment. One that is not
 * selected is not read; one that has bytes must not be NULL. */
typedef struct maskd_masking_results {
  size_t struct_size;
  void* kept_tokens; /* [N, K, D] */
  void* mask;        /* [N, L] of mask_type; packed bits: [N, (L + 7) / 8] bytes */
  void* ids_restore; /* [N, L] of ids_type */
  void* ids_keep;    /* [N, K] of ids_type */
  void* ids_mask;    /* [N, L - K] of ids_type */
  void* noise;       /* [N, L] float32 */
} maskd_masking_results;

/* What came with the results. */
typedef struct maskd_masking_facts {
  size_t struct_size;
  int64_t num_keep; /* K */
  uint32_t algorithm_version;
  char backend[28]; /* "cpu", "cuda" or "reference" */
} maskd_masking_facts;

/* Checks `spec` without a call: INVALID_ARGUMENT names the field, its value and the
 * rule. token_dim 0 stands for maskd_generate_mask. */
MASKD_API maskd_error* maskd_plan_masking(const maskd_masking_spec* spec, maskd_masking_sizes* sizes);

/* Masks `tokens` [N, L, D], which have `tokens_bytes` bytes, in place: they are sent
 * from, and results written to, the caller's memory. Returns when none of it is in
 * use any more; results are unspecified on error. `facts` may be NULL.
 *
 * Returns the errors that masking_service.proto states. */
MASKD_API maskd_error* maskd_random_masking(maskd_client* client, const maskd_masking_spec* spec,
                                            const void* tokens, size_t tokens_bytes,
                                            const maskd_masking_results* results,
                                            const maskd_call_limits* limits, maskd_masking_facts* facts);

/* Draws masks alone: no tokens, and no MASKD_KEPT_TOKENS. */
MASKD_API maskd_error* maskd_generate_mask(maskd_client* client, const maskd_masking_spec* spec,
                                           const maskd_masking_results* results,
                                           const maskd_call_limits* limits, maskd_masking_facts* facts);

#ifdef __cplusplus
}
#endif

#endif /* MASKD_CLIENT_MASKD_H_ */
