// Early return of a failed absl::Status.
#ifndef MASKD_KERNELS_STATUS_MACROS_H_
#define MASKD_KERNELS_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns the status of `expression` from the enclosing function unless it is OK.
#define MASKD_RETURN_IF_ERROR(expression)                                                  \
  do {                                                                                     \
    if (absl::Status maskd_status = (expression); !maskd_status.ok()) return maskd_status; \
  } while (false)

// Assigns the value of the absl::StatusOr `expression` to `declaration`, or
// returns its status from the enclosing function.
#define MASKD_ASSIGN_OR_RETURN(declaration, expression) \
  MASKD_ASSIGN_OR_RETURN_NAMED(MASKD_JOIN(maskd_status_or_, __LINE__), declaration, expression)
#define MASKD_ASSIGN_OR_RETURN_NAMED(name, declaration, expression) \
  auto name = (expression);                                         \
  if (!name.ok()) return name.status();                             \
  declaration = *std::move(name)
#define MASKD_JOIN(a, b) MASKD_JOIN_EXPANDED(a, b)
#define MASKD_JOIN_EXPANDED(a, b) a##b

#endif  // MASKD_KERNELS_STATUS_MACROS_H_
