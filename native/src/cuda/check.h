// check.h - a CUDA error becomes the engine's.
#pragma once

#include <cuda_runtime.h>

#include "../error.h"

namespace ist::cuda {

// `doing` completes "CUDA failed ...", as in "to copy the parameters".
inline void check(cudaError_t error, const char *doing) {
    if (error == cudaSuccess) return;
    cudaGetLastError(); // so that the next check does not meet it again
    throw Error(IST_DEVICE_ERROR, std::string("CUDA failed ") + doing + ": " + cudaGetErrorString(error) + " (" +
                                      cudaGetErrorName(error) + ").");
}

} // namespace ist::cuda
