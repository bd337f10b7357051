// slice_ops.h - the ops that need no weights from oneDNN and no batch statistics, forward and backward on one slice.
#pragma once

#include "cpu_kernels.h"

namespace ist::cpu {

// A slice of one value with its element type and shape.
struct SliceOf {
    Slice slice;
    const CpuKernels *kernels = nullptr;
    int height = 0, width = 0, channels = 0;
    int64_t rows_per_image() const { return int64_t(height) * width; }
    char *at(int64_t row, int64_t channel) const {
        return static_cast<char *>(slice.data) + (row * slice.pitch + channel) * int64_t(kernels->element_size);
    }
    SliceOf part(int channel, int count) const { // a channel range
        SliceOf p = *this;
        p.slice.data = at(0, channel);
        p.channels = count;
        return p;
    }
};

// kAdd, kActivation, kConcat (by copy), kPadShortcut, kAvgPool, kMaxPool, kGlobalAvgPool.
void forward_slice_op(const Op &op, int64_t n, const SliceOf &src, const SliceOf &residual, const SliceOf &dst);

// The gradients of the same: g_src and g_residual are written or added to; null data where not wanted.
struct GradientOut {
    SliceOf g;
    bool add = false;
};
void backward_slice_op(const Op &op, int64_t n, const SliceOf &g_dst, const SliceOf &src, const SliceOf &dst,
                       const GradientOut &g_src, const GradientOut &g_residual);

// dense [n][channels * height * width] in PyTorch's order (channel, row, column) <-> an NHWC slice.
void flatten(int64_t n, const SliceOf &src, float *dst);
void unflatten(int64_t n, const float *src, const SliceOf &dst, bool add);

// Sum of the cross-entropy (nats) and the number of mistakes over n rows of logits [n][n_classes]; a NaN row counts as
// a mistake. d_logits (may be null): (softmax - onehot) * scale. log_probabilities (may be null).
void softmax_loss(int64_t n, int n_classes, const float *logits, const int *labels, float scale, double *loss,
                  int *errors, float *d_logits, float *log_probabilities);

} // namespace ist::cpu
