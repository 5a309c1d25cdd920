/* The C ABI from plain C11, in-process and where no server is: what the headers say of structs, errors, limits,
 * results and fork. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/maskd.h"
#include "client/maskd_statistics.h"
#include "client/maskd_tensors.h"

#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) {                                                               \
      fprintf(stderr, "%s:%d: %s is not so\n", __FILE__, __LINE__, #condition);       \
      exit(1);                                                                        \
    }                                                                                 \
  } while (0)

enum { kBatch = 3, kLength = 8, kDim = 2, kKeep = 2 };

static void ExpectOk(maskd_error* error) {
  if (error != NULL) fprintf(stderr, "%s\n", maskd_error_message(error));
  CHECK(error == NULL && maskd_error_code(error) == 0);
  CHECK(strcmp(maskd_error_code_name(error), "OK") == 0);
}

static void ExpectError(maskd_error* error, const char* code_name, const char* words) {
  CHECK(error != NULL && maskd_error_code(error) != 0);
  if (strcmp(maskd_error_code_name(error), code_name) != 0 || strstr(maskd_error_message(error), words) == NULL) {
    fprintf(stderr, "got %s: %s\n", maskd_error_code_name(error), maskd_error_message(error));
  }
  CHECK(strcmp(maskd_error_code_name(error), code_name) == 0);
  CHECK(strstr(maskd_error_message(error), words) != NULL);
  maskd_error_free(error);
}

static maskd_client* Connect(const char* address) {
  /* One thread in-process, the caller's: ThreadSanitizer starts none after a fork. */
  maskd_client_options options = {
      .struct_size = sizeof options, .timeout_milliseconds = 20000, .max_attempts = 1, .in_process_threads = 1};
  maskd_client* client = NULL;
  ExpectOk(maskd_connect(&address, 1, &options, &client));
  CHECK(client != NULL);
  return client;
}

static maskd_masking_spec Spec(void) {
  const maskd_masking_spec spec = {.struct_size = sizeof spec,
                                   .selection = MASKD_KEPT_TOKENS | MASKD_MASK | MASKD_IDS_RESTORE,
                                   .has_mask_ratio = 1,
                                   .batch_size = kBatch,
                                   .sequence_length = kLength,
                                   .token_dim = kDim,
                                   .element_bytes = sizeof(float),
                                   .mask_ratio = 0.75,
                                   .seed = 1,
                                   .epoch = 3};
  return spec;
}

struct Batch {
  float tokens[kBatch][kLength][kDim];
  float kept[kBatch][kKeep][kDim];
  float mask[kBatch][kLength];
  int64_t ids_restore[kBatch][kLength];
};

static maskd_masking_results ResultsOf(struct Batch* batch) {
  const maskd_masking_results results = {.struct_size = sizeof results,
                                         .kept_tokens = batch->kept,
                                         .mask = batch->mask,
                                         .ids_restore = batch->ids_restore};
  return results;
}

static maskd_error* Mask(maskd_client* client, const maskd_masking_spec* spec, struct Batch* batch,
                         const maskd_call_limits* limits, maskd_masking_facts* facts) {
  const maskd_masking_results results = ResultsOf(batch);
  return maskd_random_masking(client, spec, batch->tokens, sizeof batch->tokens, &results, limits, facts);
}

static struct Batch NewBatch(void) {
  struct Batch batch = {.kept = {{{0}}}};
  for (int i = 0; i < kBatch * kLength * kDim; ++i) (&batch.tokens[0][0][0])[i] = (float)(i + 1);
  return batch;
}

static void TestMasking(maskd_client* client) {
  const maskd_masking_spec spec = Spec();
  maskd_masking_sizes sizes = {.struct_size = sizeof sizes};
  ExpectOk(maskd_plan_masking(&spec, &sizes));
  struct Batch batch = NewBatch();
  CHECK(sizes.num_keep == kKeep && sizes.tokens_bytes == sizeof batch.tokens);
  CHECK(sizes.kept_tokens_bytes == sizeof batch.kept && sizes.mask_bytes == sizeof batch.mask);
  CHECK(sizes.ids_restore_bytes == sizeof batch.ids_restore && sizes.noise_bytes == 0);

  maskd_masking_facts facts = {.struct_size = sizeof facts};
  ExpectOk(Mask(client, &spec, &batch, NULL, &facts));
  CHECK(facts.num_keep == kKeep && facts.algorithm_version == 1 && strcmp(facts.backend, "cpu") == 0);
  for (int n = 0; n < kBatch; ++n) {
    for (int l = 0; l < kLength; ++l) {
      const int64_t rank = batch.ids_restore[n][l];
      CHECK(rank >= 0 && rank < kLength && batch.mask[n][l] == (rank >= kKeep ? 1.0f : 0.0f));
      if (rank < kKeep) CHECK(memcmp(batch.kept[n][rank], batch.tokens[n][l], sizeof batch.tokens[n][l]) == 0);
    }
  }

  struct Batch drawn = NewBatch();
  maskd_masking_spec mask_spec = spec;
  mask_spec.selection = MASKD_MASK | MASKD_IDS_RESTORE;
  const maskd_masking_results results = ResultsOf(&drawn);
  ExpectOk(maskd_generate_mask(client, &mask_spec, &results, NULL, NULL));
  CHECK(memcmp(drawn.ids_restore, batch.ids_restore, sizeof batch.ids_restore) == 0);
}

static void TestStructs(maskd_client* client) {
  struct Batch batch = NewBatch();
  maskd_masking_spec spec = Spec();
  spec.struct_size = 0;
  ExpectError(Mask(client, &spec, &batch, NULL, NULL), "INVALID_ARGUMENT", "struct_size");

  /* Of an older header, without the fields behind mask_type: zeros stand for them. */
  spec = Spec();
  spec.struct_size = offsetof(maskd_masking_spec, mask_polarity);
  spec.mask_polarity = 77;
  ExpectOk(Mask(client, &spec, &batch, NULL, NULL));

  /* Of a newer header, whose field is not set, and then is. */
  struct {
    maskd_masking_spec known;
    int64_t newer;
  } grown = {.known = Spec(), .newer = 0};
  grown.known.struct_size = sizeof grown;
  ExpectOk(Mask(client, &grown.known, &batch, NULL, NULL));
  grown.newer = 1;
  ExpectError(Mask(client, &grown.known, &batch, NULL, NULL), "INVALID_ARGUMENT", "does not have");

  struct {
    maskd_masking_facts known;
    int64_t newer;
  } facts = {.newer = 5};
  facts.known.struct_size = sizeof facts;
  spec = Spec();
  ExpectOk(Mask(client, &spec, &batch, NULL, &facts.known));
  CHECK(facts.known.struct_size == sizeof facts && facts.known.num_keep == kKeep && facts.newer == 5);
}

static void TestErrors(maskd_client* client) {
  struct Batch batch = NewBatch();
  maskd_masking_spec spec = Spec();
  spec.mask_ratio = 1.5;
  ExpectError(Mask(client, &spec, &batch, NULL, NULL), "INVALID_ARGUMENT", "mask_ratio is 1.5");
  spec = Spec();
  spec.selection = 1 << 6;
  ExpectError(Mask(client, &spec, &batch, NULL, NULL), "INVALID_ARGUMENT", "selection is 64");
  spec = Spec();
  maskd_masking_results results = ResultsOf(&batch);
  results.mask = NULL;
  ExpectError(maskd_random_masking(client, &spec, batch.tokens, sizeof batch.tokens, &results, NULL, NULL),
              "INVALID_ARGUMENT", "mask is selected");
  results = ResultsOf(&batch);
  ExpectError(maskd_random_masking(client, &spec, batch.tokens, 5, &results, NULL, NULL), "INVALID_ARGUMENT",
              "tokens has 5 bytes");
  ExpectError(Mask(NULL, &spec, &batch, NULL, NULL), "FAILED_PRECONDITION", "no client");

  maskd_client* none = client;
  const char* address = "no port";
  ExpectError(maskd_connect(&address, 1, NULL, &none), "INVALID_ARGUMENT", "no port");
  CHECK(none == NULL);
  maskd_client_options options = {.struct_size = sizeof options, .connections = -1};
  address = "localhost:1";
  ExpectError(maskd_connect(&address, 1, &options, &none), "INVALID_ARGUMENT", "connections is -1");
}

static void TestStop(maskd_client* client) {
  struct Batch batch = NewBatch();
  const maskd_masking_spec spec = Spec();
  maskd_stop* stop = maskd_stop_new();
  CHECK(stop != NULL);
  const maskd_call_limits limits = {.struct_size = sizeof limits, .stop = stop};
  ExpectOk(Mask(client, &spec, &batch, &limits, NULL));
  maskd_stop_request(stop);
  ExpectError(Mask(client, &spec, &batch, &limits, NULL), "CANCELLED", "");
  maskd_stop_free(stop);
}

static void TestTensors(maskd_client* client) {
  const float values[2][3] = {{1, 2, 3}, {4, 5, 6}};
  const int64_t index[2][2] = {{2, 0}, {1, 1}};
  const int64_t values_shape[] = {2, 3};
  const int64_t index_shape[] = {2, 2};
  maskd_index_arguments arguments = {.struct_size = sizeof arguments,
                                     .input = {values, sizeof values, values_shape, 2, MASKD_FLOAT32, 0},
                                     .index = {index, sizeof index, index_shape, 2, MASKD_INT64, 0},
                                     .dim = 1};
  maskd_tensors* tensors = NULL;
  ExpectOk(maskd_gather(client, &arguments, NULL, &tensors));
  CHECK(maskd_tensors_count(tensors) == 1 && maskd_tensors_at(tensors, 1) == NULL);
  const maskd_tensor* gathered = maskd_tensors_at(tensors, 0);
  const float expected[2][2] = {{3, 1}, {5, 5}};
  CHECK(gathered->rank == 2 && gathered->shape[0] == 2 && gathered->shape[1] == 2);
  CHECK(gathered->type == MASKD_FLOAT32 && gathered->data_bytes == sizeof expected);
  CHECK(memcmp(gathered->data, expected, sizeof expected) == 0);
  maskd_tensors_free(tensors);

  arguments.index.data_bytes = 8;
  ExpectError(maskd_gather(client, &arguments, NULL, &tensors), "INVALID_ARGUMENT", "index has 8 bytes");
  CHECK(tensors == NULL);
  arguments.index.rank = -1;
  ExpectError(maskd_gather(client, &arguments, NULL, &tensors), "INVALID_ARGUMENT", "index has -1 sizes");
}

static void TestStatistics(maskd_client* client) {
  maskd_add_wait(client, 1500000000);
  maskd_statistics* statistics = NULL;
  ExpectOk(maskd_get_statistics(client, &statistics));
  CHECK(statistics->struct_size == sizeof *statistics && statistics->calls > 0 && statistics->failed_calls > 0);
  CHECK(statistics->wait_seconds == 1.5 && statistics->waits == 1);
  maskd_statistics_free(statistics);
  char* text = NULL;
  ExpectOk(maskd_get_prometheus_text(client, &text));
  CHECK(strstr(text, "maskd_client_") != NULL);
  maskd_text_free(text);
  maskd_server_info* info = NULL;
  ExpectOk(maskd_get_server_info(client, NULL, &info));
  CHECK(strcmp(info->version, maskd_version()) == 0 && strcmp(info->backend, "cpu") == 0);
  maskd_server_info_free(info);
  ExpectOk(maskd_check_health(client, NULL));
}

/* In a child: the exit status is what failed there. */
static void ExpectSoInChild(void (*test)(maskd_client*), maskd_client* client) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    test(client);
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void TestRefusedInChild(maskd_client* client) {
  struct Batch batch = NewBatch();
  const maskd_masking_spec spec = Spec();
  ExpectError(Mask(client, &spec, &batch, NULL, NULL), "FAILED_PRECONDITION", "forked");
  ExpectError(maskd_check_health(client, NULL), "FAILED_PRECONDITION", "forked");
  maskd_statistics* statistics = NULL;
  ExpectError(maskd_get_statistics(client, &statistics), "FAILED_PRECONDITION", "forked");
  maskd_client_free(client);
}

static void TestConnectInChild(maskd_client* client) {
  (void)client;
  const char* address = "127.0.0.1:1";
  maskd_client* connected = NULL;
  ExpectError(maskd_connect(&address, 1, NULL, &connected), "FAILED_PRECONDITION", "forked");
  maskd_client* in_process = Connect("inproc:");
  TestMasking(in_process);
  maskd_client_free(in_process);
}

static void TestServerAway(maskd_client* client) {
  struct Batch batch = NewBatch();
  const maskd_masking_spec spec = Spec();
  ExpectError(Mask(client, &spec, &batch, NULL, NULL), "UNAVAILABLE", "");
  const maskd_call_limits passed = {.struct_size = sizeof passed, .timeout_milliseconds = -1};
  ExpectError(Mask(client, &spec, &batch, &passed, NULL), "DEADLINE_EXCEEDED", "");
}

int main(void) {
  CHECK(maskd_abi_version() == MASKD_ABI_VERSION);
  maskd_error_free(NULL);
  maskd_client_free(NULL);
  maskd_tensors_free(NULL);

  maskd_client* in_process = Connect("inproc:");
  TestMasking(in_process);
  TestStructs(in_process);
  TestErrors(in_process);
  TestStop(in_process);
  TestTensors(in_process);
  TestStatistics(in_process);
  ExpectSoInChild(TestRefusedInChild, in_process);

  maskd_client* remote = Connect("unix:/nonexistent/maskd.sock");
  TestServerAway(remote);
  ExpectSoInChild(TestRefusedInChild, remote);
  ExpectSoInChild(TestConnectInChild, remote);
  maskd_client_free(remote);
  maskd_client_free(in_process);
  return 0;
}
