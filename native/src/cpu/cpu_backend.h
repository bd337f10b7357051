// cpu_backend.h - the CPU as a device: oneDNN convolutions, own kernels for the rest, chosen by processor at run time.
#pragma once

#include <string>
#include <vector>

#include "../backend.h"
#include "training_pass.h"

namespace ist::cpu {

class CpuBackend : public Backend {
  public:
    explicit CpuBackend(int n_threads); // 0: one per available core

    const std::string &description() const override { return description_; }
    bool supports(ist_precision precision) const override {
        return precision == IST_FP32 || (precision == IST_BF16 && bf16_);
    }

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
    bool avx512_ = false, bf16_ = false;
    const VectorKernels *vectors_ = nullptr;
    ThreadPool pool_;
    std::vector<double> partial_; // sums of chunks, kept so that a step allocates nothing
    std::vector<float> old_;      // respacing: the old pivots of a chunk, per thread
    std::string description_;
};

} // namespace ist::cpu
