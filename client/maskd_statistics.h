/* What a client of maskd.h has counted, and what its server says of itself. */
#ifndef MASKD_CLIENT_MASKD_STATISTICS_H_
#define MASKD_CLIENT_MASKD_STATISTICS_H_

#include "client/maskd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One address of maskd_connect. */
typedef struct maskd_replica {
  size_t struct_size;
  const char* address;
  int32_t healthy; /* whether calls go there */
  int64_t calls;
  int64_t samples;
  int64_t failures;
  double samples_per_second; /* as measured lately; 0: not yet */
} maskd_replica;

/* Since maskd_connect. */
typedef struct maskd_statistics {
  size_t struct_size;
  int64_t calls;
  int64_t failed_calls;
  int64_t retries;
  int64_t fallbacks; /* calls, or parts of them, that were computed in-process */
  int64_t bytes_sent;
  int64_t bytes_received;
  double wait_seconds; /* that a training step waited, as of maskd_add_wait */
  int64_t waits;
  size_t num_replicas;
  const maskd_replica* const* replicas;
} maskd_statistics;

/* `statistics` is freed by the caller, and all that it points to with it. */
MASKD_API maskd_error* maskd_get_statistics(const maskd_client* client, maskd_statistics** statistics);
MASKD_API void maskd_statistics_free(maskd_statistics* statistics);

/* The same as Prometheus takes it: text exposition format 0.0.4, to be freed with
 * maskd_text_free. */
MASKD_API maskd_error* maskd_get_prometheus_text(const maskd_client* client, char** text);
MASKD_API void maskd_text_free(char* text);

/* Counts one wait of a training step for its masks. */
MASKD_API void maskd_add_wait(maskd_client* client, int64_t nanoseconds);

typedef struct maskd_device {
  size_t struct_size;
  const char* id;      /* such as "cpu" or "cuda:0" */
  const char* backend; /* "cpu", "cuda" or "reference" */
  const char* name;    /* what the vendor calls it */
  int32_t healthy;     /* whether calls go there */
  const char* error;   /* why not */
} maskd_device;

typedef struct maskd_server_info {
  size_t struct_size;
  const char* version;
  const char* backend;
  const char* device_name;
  uint32_t algorithm_version;
  int64_t max_message_bytes;
  int64_t max_sequence_length;
  int64_t max_batch_tokens;
  int64_t max_element_bytes;
  int64_t max_inflight_bytes;
  size_t num_devices;
  const maskd_device* const* devices; /* best first */
} maskd_server_info;

/* Of the first server that answers; of this process for "inproc:". Freed by the
 * caller, and all that it points to with it. */
MASKD_API maskd_error* maskd_get_server_info(maskd_client* client, const maskd_call_limits* limits,
                                             maskd_server_info** info);
MASKD_API void maskd_server_info_free(maskd_server_info* info);

#ifdef __cplusplus
}
#endif

#endif /* MASKD_CLIENT_MASKD_STATISTICS_H_ */
