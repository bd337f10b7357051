// cuda_backend.h - an NVIDIA GPU as a device.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../backend.h"
#include "convolution_library.h"
#include "device.h"

namespace ist::cuda {

class CudaBackend : public Backend {
  public:
    explicit CudaBackend(int device)
        : device_(device), library_(chosen_convolutions(device_)),
          description_(device_.description() + (library_ ? ", convolutions by cuDNN" : "")) {}

    const std::string &description() const override { return description_; }
    bool supports(ist_precision) const override { return true; }

    float *allocate(int64_t count) override;
    void release(float *vector) noexcept override;
    void upload(float *dst, const float *host_src, int64_t count) override;
    void download(float *host_dst, const float *src, int64_t count) override;
    void copy(float *dst, const float *src, int64_t count) override;
    void clear(float *dst, int64_t count) override;

    std::unique_ptr<DeviceImages> load(const HostImages &images) override;
    std::unique_ptr<Executor> prepare(const Network &network, ist_precision precision) override;

    void combine(float *dst, int n_terms, const float *const *src, const double *weights, int64_t count) override;
    double squared_distance(const float *a, const float *b, int64_t count) override;
    void sgd_update(int n, float *const *params, const float *const *gradient, float *const *momentum,
                    const ist_sgd &sgd, int64_t count) override;
    void path_dots(const PathView &path, float weight_decay, PathDots *dots) override;
    void path_update(const PathView &path, const ist_sgd &sgd, const PathForce *forces, double *squared_gaps) override;
    void path_respace(const PathView &path, const PathPlace *places) override;

  private:
    // Arguments of a kernel in device memory, one array after another; they stay until the next call of the backend.
    class Arguments;

    Device device_;
    const std::unique_ptr<ConvolutionLibrary> library_; // nullptr: own convolutions
    const std::string description_;
    DeviceBuffer arguments_, work_;
};

// `device` has been found usable (cuda_device.h).
std::unique_ptr<Backend> create_cuda_backend(int device);

} // namespace ist::cuda
