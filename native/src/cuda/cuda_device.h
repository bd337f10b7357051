// cuda_device.h - asks CUDA for driver and device.
#pragma once

namespace ist::cuda {

// Error(IST_UNSUPPORTED) with one sentence unless kernels can run on `device`.
void require_device(int device);

} // namespace ist::cuda
