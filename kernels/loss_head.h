// loss_head.h - the end of a classifier in one kernel: batch norm, residual, ReLU, global average pooling, linear
// layer, cross-entropy, and back again to the gradient of the batch norm.
#pragma once

#include "softmax_loss.h"

namespace ist::cuda {

// logits = W mean(from) + b, mean over the pixels of an image; loss, errors and log-probabilities as in softmax_loss.
// With loss.dlogits also the gradient: g = W' dlogits / pixels where the ReLU is open, 0 elsewhere, is left in dx,
// times gamma * invstd with `scaled`.
struct LossHeadParams {
    SoftmaxLossParams loss; // logits: the number of classes, not written; dlogits is
    Operand from;           // activation: none or ReLU; no residual norm
    ConstRows params = nullptr;
    int64_t weight = 0, bias = -1; // offsets in a row, W [class][channel]; bias -1: none
    // With a gradient:
    Tensor pooled; // float32, 1 x 1: written for loss_head_weights
    Tensor dx;     // data nullptr: not wanted
    bool scaled = false;
    float *sums = nullptr; // of g and g * (x - mean), [point][part][2][channels], parts: loss_parts(); nullptr: no norm
};
void loss_head(const LossHeadParams &params, int n_points, Stream stream);

// Whether a block's memory holds the head of a tensor of this shape, whatever its element type.
bool loss_head_fits(int pixels, int channels, int classes);

// dW = unscale * sum over images dlogits pooled', db = unscale * sum dlogits, written.
struct LossHeadWeightsParams {
    Tensor pooled, dlogits;
    Rows gradient = nullptr;
    int64_t weight = 0, bias = -1;
    float unscale = 1;
    int n_images = 0;
};
void loss_head_weights(const LossHeadWeightsParams &params, int n_points, Stream stream);

} // namespace ist::cuda
