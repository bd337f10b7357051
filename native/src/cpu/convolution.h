// convolution.h - one convolution of a network on slices: forward, data gradient and weight gradient, each by a kernel
// of our own where one supports the shape on this processor (conv_kernels.h), else by oneDNN (onednn_convolution.h).
//
// Activations are NHWC slices of any pitch. Weights are packed once per point and step from float32 OIHW; what a packed
// weight or a gradient sum looks like is the business of the kernel that was chosen.
#pragma once

#include <memory>
#include <vector>

#include "conv_kernels.h"
#include "onednn_convolution.h"

namespace ist::cpu {

// A processor's own convolutions for one element type, in order of preference.
struct ConvKernels {
    std::vector<const ConvForwardKernels *> forward;
    std::vector<const ConvDataKernels *> data;
    std::vector<const ConvWeightKernels *> weights;
};

// What a convolution is compiled for.
struct ConvUse {
    enum class Pass { kTraining, kInference } pass = Pass::kTraining;
    bool residual = false, relu = false; // inference: fused behind it
    std::vector<int> images;             // the sizes of the slices it will see, at most two
};

// The kernels chosen for one shape. Immutable, shared by all threads.
class Convolution {
  public:
    // elements: of the activations. shape.n is not used.
    Convolution(const dnnl::engine &engine, const CpuKernels &elements, const ConvKernels &own, const ConvShape &shape,
                const ConvUse &use);

    const ConvShape shape;
    size_t forward_bytes = 0, backward_bytes = 0; // packed weights
    size_t sum_floats = 0;                        // weight gradient
    size_t scratch_bytes = 0;
    bool takes_prologue() const { return forward_ && forward_->prologue; }
    bool takes_norm_backward() const { return data_ != nullptr; }
    bool takes_weights_prologue() const { return weights_ != nullptr; }

  private:
    friend class ConvolutionRunner;
    const dnnl::engine &engine_;
    const CpuKernels &elements_;
    const ConvForwardKernels *forward_ = nullptr;
    const ConvDataKernels *data_ = nullptr;
    const ConvWeightKernels *weights_ = nullptr;
    std::vector<std::shared_ptr<const OneDnnConvolution>> onednn_; // per number of images; empty where none is needed
    size_t primitive_bytes_ = 0, dense_bytes_ = 0,
           partial_bytes_ = 0; // parts of the scratch: oneDNN's own, two slices, a sum
};

// Runs one Convolution on one thread. `scratch` has scratch_bytes and may be shared between convolutions of a thread.
class ConvolutionRunner {
  public:
    explicit ConvolutionRunner(std::shared_ptr<const Convolution> conv);

    void pack_forward(const float *oihw, void *packed);
    void pack_backward(const float *oihw, void *packed);
    // prologue: empty unless takes_prologue
    void forward(int n, ConstSlice src, const ConvPrologue &prologue, const void *packed, const ConvEpilogue &epilogue,
                 Slice dst, void *scratch);
    // epilogue: without batch norm unless takes_norm_backward
    void backward_data(int n, ConstSlice ddst, const void *packed, const ConvDataEpilogue &epilogue, Slice dsrc,
                       void *scratch);
    // prologue: empty unless takes_weights_prologue
    void backward_weights(int n, ConstSlice src, const ConvPrologue &prologue, ConstSlice ddst, float *sum, bool add,
                          void *scratch);
    void unpack_gradient(const float *sum, float *oihw);

  private:
    OneDnnRunner &onednn(int n);
    // A slice without gaps: itself, or its copy in the given of the two places in the scratch.
    const void *dense(int place, ConstSlice slice, int64_t rows, int channels, void *scratch) const;
    void *dense_place(int place, void *scratch) const;

    std::shared_ptr<const Convolution> conv_;
    std::vector<std::unique_ptr<OneDnnRunner>> onednn_;
};

} // namespace ist::cpu
