// cuda_device.cpp - see cuda_device.h.
#include "cuda_device.h"

#include <cuda_runtime.h>

#include "../error.h"
#include "device_state.h"

namespace ist::cuda {
namespace {

DeviceState look(int device) {
    DeviceState state;
    cudaDriverGetVersion(&state.driver_version);
    cudaRuntimeGetVersion(&state.runtime_version);
    const cudaError_t counted = cudaGetDeviceCount(&state.n_devices);
    if (counted != cudaSuccess) {
        state.failure = cudaGetErrorString(counted);
        state.n_devices = 0;
    }
    if (device < 0 || device >= state.n_devices) return state;
    cudaDeviceProp properties;
    if (const cudaError_t read = cudaGetDeviceProperties(&properties, device); read != cudaSuccess) {
        state.failure = cudaGetErrorString(read);
        return state;
    }
    state.name = properties.name;
    state.major = properties.major, state.minor = properties.minor;
    return state;
}

} // namespace

void require_device(int device) {
    const std::string reason = why_unusable(look(device), device);
    if (!reason.empty()) throw Error(IST_UNSUPPORTED, reason);
}

} // namespace ist::cuda
