// cuda_backend.h - an NVIDIA GPU as a device.
#pragma once

#include <memory>

#include "../backend.h"

namespace ist::cuda {

// `device` has been found usable (cuda_device.h).
std::unique_ptr<Backend> create_cuda_backend(int device);

} // namespace ist::cuda
