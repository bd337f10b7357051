// throwing_backend.cpp - a backend for test_plugin.cpp that fails in every way: linked with the real cuda_plugin.cpp.
#include <cstdlib>
#include <new>
#include <stdexcept>

#include "cuda/cuda_backend.h"
#include "cuda/cuda_device.h"
#include "error.h"

namespace ist::cuda {
namespace {

class ThrowingExecutor : public Executor {
  public:
    void train(const DeviceImages &images, const ist_sampling &, int64_t, int, PointJob *) override {
        throw Error(IST_DEVICE_ERROR, "training failed on " + std::to_string(images.n_images) + " images");
    }
    void descend(const DeviceImages &, const ist_sampling &, int64_t, int, int, PointJob *, float *const *,
                 float *const *, const ist_sgd &, float *) override {
        throw Error(IST_DEVICE_ERROR, "descend failed");
    }
    void relax(const DeviceImages &, const ist_sampling &, int64_t, int, PointJob *, const PathView &, const ist_neb &,
               const float *, float *) override {
        throw Error(IST_DEVICE_ERROR, "relax failed");
    }
    void evaluate(const DeviceImages &, int, PointJob *jobs) override { jobs[0].loss = 0.5; }
    void predict(const DeviceImages &, const PointJob &, float *) override { throw std::bad_alloc(); }
    void recompute_statistics(const DeviceImages &, const ist_sampling &, int, int, PointJob *) override {
        throw std::out_of_range("no such statistic");
    }
};

class ThrowingBackend : public Backend {
  public:
    const std::string &description() const override { return description_; }
    bool supports(ist_precision precision) const override { return precision == IST_FP32; }

    float *allocate(int64_t count) override {
        if (count > 8) throw Error(IST_OUT_OF_MEMORY, std::string(5000, 'x'));
        return static_cast<float *>(std::calloc(size_t(count), sizeof(float)));
    }
    void release(float *vector) noexcept override { std::free(vector); }
    void upload(float *, const float *, int64_t) override { throw 5; }
    void download(float *, const float *, int64_t) override { throw std::runtime_error("download failed"); }
    void copy(float *, const float *, int64_t) override { throw std::bad_alloc(); }
    void clear(float *, int64_t) override { throw Error(IST_DEVICE_ERROR, "clear failed"); }

    std::unique_ptr<DeviceImages> load(const HostImages &images) override {
        auto loaded = std::make_unique<DeviceImages>();
        loaded->n_images = images.n_images;
        return loaded;
    }
    std::unique_ptr<Executor> prepare(const Network &network, ist_precision) override {
        if (network.n_params > 0) throw Error(IST_UNSUPPORTED, "prepare failed for " + network.spec);
        return std::make_unique<ThrowingExecutor>();
    }

    void combine(float *, int, const float *const *, const double *, int64_t) override {
        throw Error(IST_INTERNAL, "combine failed");
    }
    double squared_distance(const float *a, const float *b, int64_t) override { return double(a[0]) - double(b[0]); }
    void sgd_update(int, float *const *, const float *const *, float *const *, const ist_sgd &, int64_t) override {
        throw Error(IST_INTERNAL, "sgd_update failed");
    }
    void path_dots(const PathView &, float, PathDots *) override { throw Error(IST_INTERNAL, "path_dots failed"); }
    void path_update(const PathView &, const ist_sgd &, const PathForce *, double *) override {
        throw Error(IST_INTERNAL, "path_update failed");
    }
    void path_respace(const PathView &, const PathPlace *) override {
        throw Error(IST_INTERNAL, "path_respace failed");
    }

  private:
    std::string description_ = "a backend that throws";
};

} // namespace

void require_device(int device) {
    if (device != 0) throw Error(IST_UNSUPPORTED, "there is no device " + std::to_string(device));
}

std::unique_ptr<Backend> create_cuda_backend(int) { return std::make_unique<ThrowingBackend>(); }

} // namespace ist::cuda
