// How many files, sockets among them, this process may have open.
#ifndef MASKD_KERNELS_FILE_LIMIT_H_
#define MASKD_KERNELS_FILE_LIMIT_H_

#include <sys/resource.h>

namespace maskd {

// Has it be as many as the system lets the process ask for: most systems give it 1024.
// To be called in main; the limits of a process are not a library's to change.
inline void AllowManyFiles() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace maskd

#endif  // MASKD_KERNELS_FILE_LIMIT_H_
