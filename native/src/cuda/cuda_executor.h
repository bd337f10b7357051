// cuda_executor.h - a network on a GPU: groups of points that share the device's memory, and whole loops of steps
// without the host.
#pragma once

#include <memory>
#include <vector>

#include "../backend.h"
#include "network_pass.h"

namespace ist::cuda {

// Images of all points that are worked on at once: enough to fill the device, and for launches to cost little. The ends
// of a path, which need a loss alone, come on top.
constexpr int kImagesAtOnce = 4096, kMostPointsAtOnce = 16, kPathEnds = 2;
constexpr int kInferenceImages = 256; // of a point at a time

class CudaExecutor : public Executor {
  public:
    // `library` as in NetworkPass; it outlives the executor.
    CudaExecutor(Device &device, const Network &network, Element element, ConvolutionLibrary *library = nullptr);

    void train(const DeviceImages &images, const ist_sampling &sampling, int64_t step, int n, PointJob *jobs) override;
    void descend(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps, int n,
                 PointJob *jobs, float *const *params, float *const *momentum, const ist_sgd &sgd,
                 float *losses) override;
    void relax(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps,
               PointJob *jobs, const PathView &path, const ist_neb &neb, const float *spacing, float *losses) override;
    void evaluate(const DeviceImages &images, int n, PointJob *jobs) override;
    void predict(const DeviceImages &images, const PointJob &job, float *log_probabilities) override;
    void recompute_statistics(const DeviceImages &images, const ist_sampling &sampling, int n_batches, int n,
                              PointJob *jobs) override;
    int check_convolutions(int n_images, int capacity, ist_convolution_check *out) override;

  private:
    class Points;

    NetworkPass &training_pass(int batch, const Points &points);
    NetworkPass &inference_pass(int64_t n_images, int n_points);
    std::unique_ptr<NetworkPass> make_pass(NetworkPass::Mode mode, int n_images, int most_points);
    void enqueue_training(NetworkPass &pass, const CudaImages &images, const ist_sampling &sampling,
                          const Points &points);

    Device &device_;
    const Network network_;
    const StepPlan plan_;
    const Element element_;
    ConvolutionLibrary *const library_;
    std::unique_ptr<NetworkPass> training_, inference_;
};

} // namespace ist::cuda
