// device_array.h - an array in device memory, for tests.
#pragma once

#include <vector>

#include <cuda_runtime.h>

#include "kernels/launch.cuh"
#include "native/src/cuda/check.h"

namespace ist::cuda {

template <class T> class DeviceArray {
  public:
    explicit DeviceArray(size_t n) : n_(n) { check(cudaMalloc(&data_, n * sizeof(T)), "to allocate"); }
    explicit DeviceArray(const std::vector<T> &host) : DeviceArray(host.size()) {
        check(cudaMemcpy(data_, host.data(), n_ * sizeof(T), cudaMemcpyHostToDevice), "to copy");
    }
    ~DeviceArray() { cudaFree(data_); }
    DeviceArray(const DeviceArray &) = delete;
    DeviceArray &operator=(const DeviceArray &) = delete;

    T *data() const { return data_; }
    std::vector<T> host() const {
        std::vector<T> v(n_);
        check(cudaMemcpy(v.data(), data_, n_ * sizeof(T), cudaMemcpyDeviceToHost), "to copy");
        return v;
    }

  private:
    T *data_ = nullptr;
    size_t n_;
};

} // namespace ist::cuda
