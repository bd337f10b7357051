// cuda_device.cpp - see cuda_device.h.
#include "cuda_device.h"

#include <cuda_runtime.h>
#include <dlfcn.h>

#include "../error.h"
#include "device_state.h"

namespace ist::cuda {
namespace {

// Asked of the driver itself: the runtime says 0 as well of one with which it can do nothing.
int driver_version() {
    int version = 0;
    cudaDriverGetVersion(&version);
    if (version != 0) return version;
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!driver) return 0;
    const auto ask = reinterpret_cast<int (*)(int *)>(dlsym(driver, "cuDriverGetVersion"));
    if (ask) ask(&version);
    return version;
}

DeviceState look(int device) {
    DeviceState state;
    state.driver_version = driver_version();
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
