// device.cpp - see device.h.
#include "device.h"

#include <cuda_runtime.h>

#include <algorithm>

#include "../error.h"
#include "../host_memory.h"
#include "check.h"

namespace ist::cuda {
namespace {

std::string version_in_words(int version) {
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

} // namespace

Device::Device(int ordinal) : ordinal_(ordinal) {
    use();
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, ordinal), "to read the properties of the device");
    int driver = 0, runtime = 0;
    check(cudaDriverGetVersion(&driver), "to read the version of the driver");
    check(cudaRuntimeGetVersion(&runtime), "to read the version of the runtime");
    name_ = properties.name;
    compute_capability_ = 10 * properties.major + properties.minor;
    n_multiprocessors_ = properties.multiProcessorCount;
    shared_memory_per_block_ = properties.sharedMemPerBlockOptin;
    description_ = "CUDA device " + std::to_string(ordinal) + " " + name_ + ", compute capability " +
                   std::to_string(properties.major) + "." + std::to_string(properties.minor) + ", " +
                   std::to_string(n_multiprocessors_) + " multiprocessors, " +
                   bytes_in_words(properties.totalGlobalMem) + ", driver for CUDA " + version_in_words(driver) +
                   ", runtime " + version_in_words(runtime);
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "to create a stream");
}

Device::~Device() {
    cudaSetDevice(ordinal_);
    cudaStreamDestroy(stream_);
}

void Device::use() const { check(cudaSetDevice(ordinal_), "to choose the device"); }

void *Device::allocate(size_t bytes) {
    use();
    void *memory = nullptr;
    const cudaError_t error = cudaMalloc(&memory, std::max<size_t>(bytes, 1));
    if (error == cudaErrorMemoryAllocation) {
        cudaGetLastError(); // so that no later check meets it
        size_t available = 0, total = 0;
        check(cudaMemGetInfo(&available, &total), "to ask for the memory available");
        throw Error(IST_OUT_OF_MEMORY, "out of memory on " + name_ + ": asked for " + bytes_in_words(bytes) + ", " +
                                           bytes_in_words(available) + " of " + bytes_in_words(total) +
                                           " are available; use fewer points or a smaller batch");
    }
    check(error, "to allocate memory");
    try {
        clear(memory, bytes);
        wait();
    } catch (...) {
        release(memory);
        throw;
    }
    return memory;
}

void Device::release(void *memory) noexcept {
    cudaSetDevice(ordinal_);
    cudaFree(memory); // waits for the device
}

void Device::upload(void *dst, const void *host_src, size_t bytes) {
    use();
    check(cudaMemcpyAsync(dst, host_src, bytes, cudaMemcpyHostToDevice, stream_), "to copy to the device");
}

void Device::download(void *host_dst, const void *src, size_t bytes) {
    use();
    check(cudaMemcpyAsync(host_dst, src, bytes, cudaMemcpyDeviceToHost, stream_), "to copy from the device");
    wait();
}

void Device::copy(void *dst, const void *src, size_t bytes) {
    use();
    check(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToDevice, stream_), "to copy on the device");
}

void Device::clear(void *dst, size_t bytes) {
    use();
    check(cudaMemsetAsync(dst, 0, bytes, stream_), "to clear memory");
}

void Device::wait() {
    use();
    check(cudaStreamSynchronize(stream_), "to finish its work");
}

} // namespace ist::cuda
