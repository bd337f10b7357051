// onednn_convolution.h - one convolution of a network by oneDNN, on a fixed number of images: for the shapes and
// processors that have no kernels of our own, and to judge those.
//
// Activations are dense NHWC, weights in whatever layout oneDNN prefers (reordered once per point and step from OIHW).
// NHWC was measured against oneDNN's own blocked layouts for the shapes of ResNet-20 and DenseNet-40 (8 images, one
// thread of a 256-bit AVX-512 processor, GFLOP/s, forward / data gradient / weight gradient):
//   16->16, 32x32: NHWC 98 / 95 / 104, blocked 79 / 109 / 91     64->64, 8x8: NHWC 114 / 121 / 123, blocked 129 / 121 /
//   102 160->12:       NHWC 74 / 93 / 70,  blocked 61 / 85 / 68      bf16 64->64: NHWC 254 / 251 / 169, blocked 252 /
//   250 / 167
// so one layout serves our own loops and oneDNN alike.
#pragma once

#include <memory>
#include <unordered_map>

#include "conv_kernels.h"
#include "dnnl.hpp"

namespace ist::cpu {

// The compiled primitives of one shape; immutable, shared by all threads.
class OneDnnConvolution {
  public:
    // inference: forward only, dst = relu?(conv + bias + residual?) with folded batch norm
    struct Fusion {
        bool inference = false, relu = false, residual = false;
    };
    // like: take the weight layouts from this one (another number of images), so that both share weights.
    OneDnnConvolution(const dnnl::engine &engine, const ConvShape &shape, Fusion fusion,
                      const OneDnnConvolution *like = nullptr);

    const ConvShape shape;
    const Fusion fusion;
    dnnl::memory::desc src, dst, oihw; // oihw: float32 weights of a point
    dnnl::memory::desc forward_weights, backward_weights, diff_weights, bias;
    dnnl::convolution_forward forward;
    dnnl::convolution_backward_data backward_data;
    dnnl::convolution_backward_weights backward_weight;
    dnnl::reorder to_forward, to_backward, from_diff; // oihw -> preferred, preferred -> oihw
    size_t scratch_bytes = 0;
};

// Runs one OneDnnConvolution on one thread with pointers given per call.
class OneDnnRunner {
  public:
    OneDnnRunner(const dnnl::engine &engine, std::shared_ptr<const OneDnnConvolution> conv);

    void forward(const void *src, const void *weights, void *dst, void *scratch);
    void forward_fused(const void *src, const void *weights, const float *bias, const void *residual, void *dst,
                       void *scratch);
    void backward_data(const void *ddst, const void *weights, void *dsrc, void *scratch);
    void backward_weights(const void *src, const void *ddst, float *dweights, void *scratch);
    // Between a point's float32 OIHW weights and the layouts above.
    void reorder_forward(const float *oihw, void *weights);
    void reorder_backward(const float *oihw, void *weights);
    void reorder_gradient(const float *dweights, float *oihw);

  private:
    dnnl::stream stream_;
    std::shared_ptr<const OneDnnConvolution> conv_;
    dnnl::memory src_, dst_, dsrc_, ddst_, weights_f_, weights_b_, dweights_, bias_, residual_, scratch_, oihw_;
    std::unordered_map<int, dnnl::memory> forward_args_, data_args_, weight_args_;
};

} // namespace ist::cpu
