# Finds CUDA as MASKD_CUDA says, and sets MASKD_HAVE_CUDA.
set(MASKD_HAVE_CUDA OFF)
if(NOT MASKD_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  if(NOT CMAKE_CUDA_COMPILER AND EXISTS /usr/local/cuda/bin/nvcc)
    set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
  endif()
  check_language(CUDA)
  # Older compilers do not know the newest of the architectures below.
  set(MASKD_MIN_NVCC 12.8)
  if(CMAKE_CUDA_COMPILER AND NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND MASKD_CUDA STREQUAL "AUTO")
    execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --version OUTPUT_VARIABLE nvcc_version ERROR_QUIET)
    if(nvcc_version MATCHES "release ([0-9.]+)" AND CMAKE_MATCH_1 VERSION_LESS MASKD_MIN_NVCC)
      message(STATUS "maskd: nvcc ${CMAKE_MATCH_1} is older than ${MASKD_MIN_NVCC}; building without CUDA. "
                     "Set -DMASKD_CUDA=ON and CMAKE_CUDA_ARCHITECTURES to build with it.")
      set(CMAKE_CUDA_COMPILER CMAKE_CUDA_COMPILER-NOTFOUND)
    endif()
  endif()
  if(CMAKE_CUDA_COMPILER)
    # Machine code for every architecture from Turing on, and PTX of the last
    # for what follows. CUDAARCHS in the environment asks for others.
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
      set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120)
    endif()
    enable_language(CUDA)
    # CMake 3.25 sets a property of this target, whose library CUDA 13 has no more.
    if(NOT TARGET CUDA::nvToolsExt)
      add_library(CUDA::nvToolsExt INTERFACE IMPORTED)
    endif()
    find_package(CUDAToolkit REQUIRED)
    set(MASKD_HAVE_CUDA ON)
  elseif(MASKD_CUDA STREQUAL "ON")
    message(FATAL_ERROR "MASKD_CUDA=ON, and no CUDA compiler was found. Put nvcc on the PATH, "
                        "or run scripts/install --cuda, or set -DMASKD_CUDA=OFF.")
  endif()
endif()
message(STATUS "maskd: CUDA backend ${MASKD_HAVE_CUDA} (MASKD_CUDA=${MASKD_CUDA})")
