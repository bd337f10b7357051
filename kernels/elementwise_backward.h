// elementwise_backward.h - backward of activation(norm(x) + norm(residual)), and gradients on their way.
#pragma once

#include "gradient.h"
#include "partition.h"

namespace ist::cuda {

// With dy = activation'(y) * dst's gradient: dx (+)= scale * dy, dresidual (+)= residual scale * dy, where the scale is
// 1 without norm. For a norm, sums over each part of the pixels: dy and dy * (x - mean), [point][part][2][channels];
// the partition is elementwise_backward_parts(). The channels of residual_sums are those of the residual. All tensors
// have one element type; the gradient of x may be written over that of dst. With a window, what was average pooled goes
// on: dst's gradient is that of the pool, a pixel's share 1 / window^2 of its window's, and 0 without one.
struct ElementwiseBackwardParams {
    Operand from; // as in the forward pass
    ConstRows params = nullptr;
    Tensor y; // its output, read by the derivatives of activations; data nullptr: computed anew from `from`
    Gradient dst;
    int window = 0; // 0: dst has the shape of from
    GradientOut x, residual;
    bool x_unscaled = false;                         // dx (+)= dy whatever the norm: x's producer scales as it reads
    float *sums = nullptr, *residual_sums = nullptr; // nullptr: no such norm
    int n_images = 0;
};
void elementwise_backward(const ElementwiseBackwardParams &params, int n_points, Stream stream);

// Of a tensor of the shape of `from`.
inline int elementwise_backward_parts(const Tensor &from, int n_images) { return partition_of(from, n_images).parts; }

// to (+)= from: the correction of a value's gradient before a producer that does not correct as it reads, the backward
// of a concatenation (`from.g` the channels of one source), copies and sums of gradients.
struct PassGradientParams {
    Gradient from;
    GradientOut to;
    int n_images = 0;
};
void pass_gradient(const PassGradientParams &params, int n_points, Stream stream);

// Backward of pad_shortcut.
struct PadShortcutBackwardParams {
    Gradient dst;
    GradientOut src;
    int step = 1, first = 0;
    int n_images = 0;
};
void pad_shortcut_backward(const PadShortcutBackwardParams &params, int n_points, Stream stream);

} // namespace ist::cuda
