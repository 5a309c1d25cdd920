// Marks a function for both host and device where nvcc compiles it.
#ifndef MASKD_KERNELS_HOST_DEVICE_H_
#define MASKD_KERNELS_HOST_DEVICE_H_

#ifdef __CUDACC__
#define MASKD_HOST_DEVICE __host__ __device__
#else
#define MASKD_HOST_DEVICE
#endif

#endif  // MASKD_KERNELS_HOST_DEVICE_H_
