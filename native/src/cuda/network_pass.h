// network_pass.h - one network, batch size and precision on one device: the memory of a group of points, and the
// launches of a training pass or an inference pass over one batch.
//
// Everything is enqueued on the device's stream; what changes from step to step is read from device memory. Inference
// folds batch norms into the packed weights of the own convolutions; a library's stay as they are.
#pragma once

#include <memory>
#include <vector>

#include "../../../kernels/convolution.h"
#include "../../../kernels/norm_statistics.h"
#include "../../../kernels/softmax_loss.h"
#include "cuda_images.h"
#include "dense_path.h"
#include "device.h"
#include "step_plan.h"

namespace ist::cuda {

// The points of a launch: arrays of their properties in device memory.
struct PointTables {
    ConstRows params = nullptr;
    Rows statistics = nullptr;        // running
    Rows gradient = nullptr;          // nullptr: forward only
    const uint8_t *updates = nullptr; // 0: leave the point's running statistics; nullptr: as if all 1
    const uint64_t *streams = nullptr;
    double *loss = nullptr, *error = nullptr; // out, [points]
};

class NetworkPass {
  public:
    enum class Mode { kTraining, kInference };
    // `most_points` points at once, batches of n_images. `library`: whose convolutions, where they have no bias, are
    // used in place of the own; nullptr: none.
    NetworkPass(Device &device, const StepPlan &plan, Element element, Mode mode, int n_images, int most_points,
                ConvolutionLibrary *library = nullptr);

    int n_images() const { return n_images_; }
    int most_points() const { return most_points_; }

    // Training mode, the batch of step *step; gradients of the first n_with_gradient points. statistics_sums: nullptr,
    // or [points][n_statistics], to which batch means and unbiased variances are added in place of updating running
    // statistics.
    void train(const CudaImages &images, const ist_sampling &sampling, const int64_t *step, const PointTables &points,
               int n_points, int n_with_gradient, double *statistics_sums);

    // Inference mode: prepare_inference once for the points, then infer for every chunk of images, first a multiple of
    // kLossPartImages.
    struct InferenceOut {
        LossPart *parts = nullptr; // [points][parts_stride], see softmax_loss.h
        int64_t parts_stride = 0;
        float *log_probabilities = nullptr; // of the chunk, [points][n_images][n_classes]; nullptr: not wanted
        int64_t log_probabilities_stride = 0;
    };
    void prepare_inference(const PointTables &points, int n_points);
    void infer(const CudaImages &images, int64_t first, const PointTables &points, int n_points,
               const InferenceOut &out);

  private:
    struct Layout;
    // Of the values' channels, then of the batch norms'.
    enum class FloatVector { kMean, kInvstd, kVariance, kSlope, kOffset, kRunningMean, kRunningInvstd };

    const Op &op(int k) const { return plan_.op(k); }
    // Libraries read no images.
    bool by_library(int k) const { return dense_ && op(k).bias < 0 && !(plan_.reads_images && op(k).src == 0); }
    int64_t offset(int tensor) const { return plan_.network.tensors[size_t(tensor)].offset; }
    Tensor view(int value, const DeviceBuffer &buffer, const std::vector<size_t> &offsets) const;
    Tensor tensor(int value) const;
    Tensor gradient_tensor(int value) const;
    Vectors vectors(FloatVector which, int64_t channel) const;
    Norm norm(int k) const;
    NormSums norm_sums(int value) const;
    Operand operand(const OperandPlan &from) const;
    Gradient gradient(const GradientPlan &g, int value) const;
    GradientOut leave(int value, const GradientUse &use, int n_points);
    PackedWeights packed(int64_t at) const;

    void pack(const PointTables &points, int n_points);
    DrawnImages read(const CudaImages &images, const Samples &samples, int n_points);
    void forward_step(const ForwardStep &step, const DrawnImages &batch, const PointTables &points, int n_points);
    void loss_step(SoftmaxLossParams loss, const PointTables &points, int n_points);
    void finish_value(int value, int n_parts, int n_points);
    void backward_step(const BackwardStep &step, const DrawnImages &batch, const PointTables &points, int n_points);
    void backward_conv(const BackwardStep &step, const DrawnImages &batch, const PointTables &points, int n_points);
    void finish_norm(int k, const float *parts, int n_parts, const PointTables &points, int n_points);

    Device &device_;
    const StepPlan &plan_;
    const Element element_;
    const Mode mode_;
    const std::vector<ForwardStep> &forward_; // of the plan
    const int n_images_, most_points_;
    const float gradient_scale_;

    DeviceBuffer activations_, gradients_, weights_, floats_, sums_, work_, second_sums_, samples_, loss_parts_;
    DeviceBuffer pack_jobs_, norms_;
    std::vector<size_t> activation_at_, gradient_at_;     // per storage: byte offset of point 0
    std::vector<int64_t> forward_weights_, data_weights_; // per op: byte offset in a point's packed weights, -1: none
    int64_t packed_bytes_ = 0;                            // of a point
    int n_pack_jobs_ = 0;
    NormTable norm_table_;
    std::unique_ptr<DensePath> dense_; // nullptr: own kernels alone
};

} // namespace ist::cuda
