// inference_pass.h - loss, error and log-probabilities in inference mode: running statistics, no augmentation.
//
// No batch statistics, so a slice of a few images passes through the whole network while it stays in the core's cache.
// A batch norm directly behind a convolution is folded into its weights and bias, with residual and ReLU as the
// convolution's own epilogue; any other batch norm is a scale and shift.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "training_pass.h"

namespace ist::cpu {

// Shared by all teams: the convolutions for `images` images per slice; the last slice of a data set is filled up with
// images that do not count. Immutable.
class InferencePlan {
  public:
    InferencePlan(const NetworkPlan &network, const KernelChoice &kernels, const dnnl::engine &engine, int images);

    struct Step {
        int op = -1;       // the op that is executed
        int conv = -1;     // the convolution it is folded into, -1: none
        int prologue = -1; // the batch norm that the convolution applies as it reads, -1: none
        int dst = -1;      // value written
    };
    int source(const Step &step) const; // value that a step reads

    const NetworkPlan &network;
    const KernelChoice kernels;
    const dnnl::engine engine;
    const int images;
    std::vector<Step> steps;
    std::vector<std::shared_ptr<const Convolution>> convs; // per convolution op
    std::vector<size_t> offsets;                           // per storage, bytes in a thread's arena
    size_t arena_bytes = 0, conv_scratch_bytes = 0, float_elements = 0;

  private:
    void absorb_norms();
};

// One point's folded weights and the work on its slices.
class InferenceTeam {
  public:
    explicit InferenceTeam(std::shared_ptr<const InferencePlan> plan);
    // Scratch for `team` threads and n_images. Outside of run.
    void reserve(int team, int64_t n_images);
    // Called by every thread of the team. log_probabilities [n_images][n_classes] or null.
    void run(int thread, int team, Barrier &barrier, const CpuImages &images, PointJob &job, float *log_probabilities);

  private:
    struct ThreadState {
        Buffer arena, conv_scratch, floats;
        std::vector<std::unique_ptr<ConvolutionRunner>> convs; // per op
        std::vector<float> row;
        std::vector<int> labels;
    };
    void fold(int thread, int team);
    void scales(const Op &norm, std::vector<double> &scale, std::vector<double> &shift) const;
    void slice(ThreadState &state, int64_t first, float *log_probabilities);
    SliceOf view(const ThreadState &state, int value) const;
    const float *param(int tensor) const { return job_->params + net_.network.tensors[size_t(tensor)].offset; }
    const float *statistic(int tensor) const {
        return job_->statistics + (net_.network.tensors[size_t(tensor)].offset - net_.network.n_params);
    }

    std::shared_ptr<const InferencePlan> plan_;
    const NetworkPlan &net_;
    std::vector<std::unique_ptr<ThreadState>> threads_;
    std::vector<Buffer> weights_;                   // per op, folded
    std::vector<std::vector<float>> bias_;          // per op: folded bias of a convolution
    std::vector<std::vector<float>> scale_, shift_; // per op: batch norms that are not folded
    std::vector<double> losses_;
    std::vector<int> errors_;
    std::atomic<int64_t> next_{0};
    const CpuImages *images_ = nullptr;
    PointJob *job_ = nullptr;
};

} // namespace ist::cpu
