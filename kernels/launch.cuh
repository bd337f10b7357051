// launch.cuh - the one way to start a kernel, and a kernel's shared memory: compiled by nvcc, and by a C++ compiler for
// the emulation of tests/native/cuda_emulation.
#pragma once

#include <cuda_runtime.h>

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>

#if !defined(IST_EMULATION)
#include <cstdlib>
#include <cxxabi.h>
#endif

#include "../native/src/error.h"

namespace ist::cuda {

// The dynamic shared memory of the block, aligned to 128 bytes.
#if defined(IST_EMULATION)
inline char *shared_memory() { return emulation::shared_begin; }
#else
__device__ __forceinline__ char *shared_memory() {
    extern __shared__ __align__(128) char dynamic_shared_memory[];
    return dynamic_shared_memory;
}
#endif

namespace launch_detail {

inline std::string kernel_name(const void *kernel) {
#if defined(IST_EMULATION)
    return emulation::kernel_name(kernel);
#else
    const char *symbol = nullptr;
    if (cudaFuncGetName(&symbol, kernel) != cudaSuccess || !symbol) return "unknown";
    int status = 0;
    char *text = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
    const std::string name = text ? text : symbol;
    std::free(text);
    return name;
#endif
}

inline void check(cudaError_t error, const void *kernel) {
    if (error == cudaSuccess) return;
    cudaGetLastError(); // so that the next check does not meet it again
    throw Error(IST_DEVICE_ERROR,
                "CUDA failed to launch " + kernel_name(kernel) + ": " + cudaGetErrorString(error) + ".");
}

// A kernel has at most 48 KiB of shared memory unless it is told, once on each device, that it may have more.
inline void allow_shared(const void *kernel, size_t shared_bytes) {
    if (shared_bytes <= 48 << 10) return;
    static std::mutex mutex;
    static std::map<std::pair<const void *, int>, size_t> allowed;
    int device = 0;
    check(cudaGetDevice(&device), kernel);
    std::lock_guard<std::mutex> lock(mutex);
    size_t &bytes = allowed[{kernel, device}];
    if (bytes >= shared_bytes) return;
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared_bytes)), kernel);
    bytes = shared_bytes;
}

#if !defined(IST_EMULATION)
template <class Tuple, size_t... I>
cudaError_t start(const void *kernel, dim3 grid, dim3 block, Tuple &arguments, size_t shared_bytes, cudaStream_t stream,
                  std::index_sequence<I...>) {
    void *pointers[] = {static_cast<void *>(&std::get<I>(arguments))..., nullptr};
    return cudaLaunchKernel(kernel, grid, block, pointers, shared_bytes, stream);
}
#endif

} // namespace launch_detail

// Starts a kernel with its arguments, converted to the types of its parameters.
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
            Arguments &&...arguments) {
    static_assert(sizeof...(Parameters) == sizeof...(Arguments), "as many arguments as the kernel has parameters");
    const void *address = reinterpret_cast<const void *>(kernel);
    launch_detail::allow_shared(address, shared_bytes);
    std::tuple<Parameters...> values(static_cast<Parameters>(std::forward<Arguments>(arguments))...);
#if defined(IST_EMULATION)
    launch_detail::check(emulation::launch(stream, grid, block, shared_bytes, kernel, values), address);
#else
    launch_detail::check(launch_detail::start(address, grid, block, values, shared_bytes, stream,
                                              std::index_sequence_for<Parameters...>()),
                         address);
#endif
}

} // namespace ist::cuda
