# Finds CUDA as MASKD_CUDA says, and sets MASKD_HAVE_CUDA.
set(MASKD_HAVE_CUDA OFF)
if(NOT MASKD_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  if(NOT CMAKE_CUDA_COMPILER AND EXISTS /usr/local/cuda/bin/nvcc)
    set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
  endif()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    # Machine code for every architecture from Turing on, and PTX of the last
    # for what follows.
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120)
    endif()
    enable_language(CUDA)
    find_package(CUDAToolkit REQUIRED)
    set(MASKD_HAVE_CUDA ON)
  elseif(MASKD_CUDA STREQUAL "ON")
    message(FATAL_ERROR "MASKD_CUDA=ON, and no CUDA compiler was found. Put nvcc on the PATH, "
                        "or run scripts/install --cuda, or set -DMASKD_CUDA=OFF.")
  endif()
endif()
message(STATUS "maskd: CUDA backend ${MASKD_HAVE_CUDA} (MASKD_CUDA=${MASKD_CUDA})")
