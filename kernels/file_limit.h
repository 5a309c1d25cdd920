// How many files, sockets among them, this process may have open.
#ifndef MASKD_KERNELS_FILE_LIMIT_H_
#define MASKD_KERNELS_FILE_LIMIT_H_

namespace maskd {

// Has it be as many as the system lets the process ask for: most systems give it 1024.
// To be called in main; the limits of a process are not a library's to change.
void AllowManyFiles();

}  // namespace maskd

#endif  // MASKD_KERNELS_FILE_LIMIT_H_
