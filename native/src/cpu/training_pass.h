// training_pass.h - forward and backward of one batch of one point, by a team of threads.
//
// Shapes: a batch of `batch` images is cut into slices of NetworkPlan::slice_images; slices into at most kLanes lanes
// of consecutive slices. A lane is the unit of a thread: it sums its slices' weight gradients in order, and lanes are
// summed in order, so that the bits do not depend on the number of threads. Batch-norm sums are kept per slice (double)
// and added in slice order.
//
// Stored per point: raw convolution outputs and block outputs. Everything else is recomputed from them, slice by slice,
// where it is needed (performance.md's fused scheme): forward is [batch norm + residual + ReLU -> convolution ->
// statistics] per slice, backward [batch-norm correction -> recomputed input -> weight gradient -> data gradient ->
// ReLU mask, batch-norm sums] per slice.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "buffer.h"
#include "convolution.h"
#include "cpu_images.h"
#include "network_plan.h"
#include "slice_ops.h"
#include "thread_pool.h"

namespace ist::cpu {

struct KernelChoice {
    const CpuKernels *storage; // of activations: float or bf16
    const CpuKernels *wide;    // float
    const VectorKernels *vectors;
    ConvKernels convolutions;
    bool bf16;
};

// What all teams share for one batch size: the compiled convolutions and the layout of buffers. Immutable.
class TrainingPlan {
  public:
    TrainingPlan(const NetworkPlan &network, const KernelChoice &kernels, const dnnl::engine &engine, int batch);

    static constexpr int kLanes = 8;
    struct SegmentScratch { // byte offsets of transient values and their gradients within a thread's scratch
        std::vector<size_t> value, gradient;
    };

    const NetworkPlan &network;
    const KernelChoice kernels;
    const dnnl::engine engine;
    const int batch, n_slices, n_lanes;
    std::vector<std::shared_ptr<const Convolution>> convs; // per op
    // Per op: the batch norm that a convolution applies as it reads its input, in the forward pass and for its weight
    // gradient, or -1.
    std::vector<int> prologue_of_conv, weights_prologue_of_conv;
    std::vector<int>
        norm_of_conv; // per op: the batch norm whose backward a convolution does with its data gradient, or -1
    std::vector<size_t> storage_bytes;  // per storage, whole batch (0: transient)
    std::vector<int> gradient_buffer;   // per storage: index of a shared gradient buffer, -1: none
    std::vector<size_t> gradient_bytes; // per gradient buffer
    std::vector<SegmentScratch> forward_scratch, backward_scratch; // per segment
    size_t transient_bytes = 0, dense_bytes = 0, conv_scratch_bytes = 0, float_elements = 0;

    int slice_begin(int slice) const { return slice * network.slice_images; }
    int slice_size(int slice) const { return std::min(network.slice_images, batch - slice_begin(slice)); }
    int lane_begin(int lane) const { return int(int64_t(n_slices) * lane / n_lanes); }
};

// Buffers of one team and the work on them. run() is called by every thread of the team with the same job.
class TrainingTeam {
  public:
    explicit TrainingTeam(std::shared_ptr<const TrainingPlan> plan);

    enum class Wanted { kLossOnly, kStatistics, kGradient };
    // thread: 0 .. team - 1. On return (of all) job.loss, job.error, job.gradient and job.statistics are set.
    // kStatistics: forward only; adds batch mean and unbiased variance to `statistics_sum` [n_statistics of the point].
    void run(int thread, int team, Barrier &barrier, Wanted wanted, const CpuImages &images,
             const ist_sampling &sampling, int64_t step, PointJob &job, double *statistics_sum);
    // Allocates what threads 0 .. team - 1 need; called before run, outside of it.
    void reserve(int team);

  private:
    struct ThreadState {
        Buffer transient, dense, conv_scratch, floats_a, floats_b;
        std::vector<std::unique_ptr<ConvolutionRunner>> convs; // per op
        std::vector<float> row;
    };
    struct Lane {                         // weight gradients of one lane
        std::vector<Buffer> weight, bias; // per op
    };

    void prepare_weights(int thread, int team);
    void forward_slice(ThreadState &state, int segment, int slice);
    void forward_op(ThreadState &state, const std::vector<size_t> &offsets, int op, int slice);
    ConvPrologue prologue(int norm) const;
    void forward_conv(ThreadState &state, const std::vector<size_t> &offsets, int op, int slice);
    void finish_forward(int segment);
    void apply_scales(int segment);
    void backward_slice(ThreadState &state, int segment, int lane, int slice);
    bool computed_anew(int op) const;
    void backward_op(ThreadState &state, int segment, int op, int lane, int slice);
    void finish_backward(int segment);
    void finish_gradient(int thread, int team);
    void update_statistics();

    void assemble(ThreadState &state, int slice);
    void backward_conv(ThreadState &state, int segment, int op, int lane, int slice);
    ConvDataEpilogue norm_backward(ThreadState &state, int segment, int norm, int slice);
    void backward_linear(ThreadState &state, int segment, int op, int lane, int slice);

    SliceOf view(const ThreadState &state, const std::vector<size_t> &offsets, int value, int slice) const;
    SliceOf gradient_view(const ThreadState &state, int segment, int value, int slice) const;
    SliceOf incoming(ThreadState &state, int segment, int value, int slice); // complete gradient of a value
    GradientOut outgoing(ThreadState &state, int segment, int value, const GradientUse &gradient, int slice);
    const float *param(int tensor) const { return job_->params + net_.network.tensors[size_t(tensor)].offset; }
    const CpuKernels &kernels_of(int storage) const {
        return net_.storages[size_t(storage)].wide ? *plan_->kernels.wide : *plan_->kernels.storage;
    }

    std::shared_ptr<const TrainingPlan> plan_;
    const NetworkPlan &net_;
    std::vector<Buffer> storage_, gradient_;
    std::vector<std::unique_ptr<ThreadState>> threads_;
    std::vector<Lane> lanes_;
    std::vector<Buffer> weights_forward_, weights_backward_; // per op
    std::vector<int> labels_;
    // statistics arrays: per slice sums, then batch values
    std::vector<double> sum_, square_;       // [slice][n_statistics]
    std::vector<float> pivot_;               // [slice][n_statistics]: shift of the sums
    std::vector<double> dbeta_, dgamma_;     // [slice][n_norm_channels]
    std::vector<double> g_sum_, g_xhat_sum_; // [n_statistics]: sums of gamma * dbeta, gamma * dgamma over consumers
    std::vector<double> variance_;
    std::vector<float> mean_, invstd_, slope_, offset_; // [n_statistics]
    std::vector<float> scale_, shift_;                  // [n_norm_channels]
    std::vector<double> losses_;
    std::vector<int> errors_;
    // of the running call
    const CpuImages *images_ = nullptr;
    const ist_sampling *sampling_ = nullptr;
    int64_t step_ = 0;
    PointJob *job_ = nullptr;
    bool want_gradient_ = false;
};

} // namespace ist::cpu
