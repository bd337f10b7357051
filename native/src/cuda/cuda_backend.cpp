// cuda_backend.cpp - see cuda_backend.h.
#include "cuda_backend.h"

#include <string>

#include "../error.h"

namespace ist::cuda {

std::unique_ptr<Backend> create_cuda_backend(int device) {
    throw Error(IST_UNSUPPORTED, "CUDA device " + std::to_string(device) +
                                     " was found, but this version has no kernels for it; use the backend cpu");
}

} // namespace ist::cuda
