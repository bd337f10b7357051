// pool.h - average, maximum and global average pooling, forward and backward.
#pragma once

#include "gradient.h"

namespace ist::cuda {

// kind: kAvgPool, kMaxPool (non-overlapping windows; y of x's element type or float32), kGlobalAvgPool (y 1 x 1).
// Windows read activation(norm(x)), the others x.
struct PoolParams {
    OpKind kind = OpKind::kAvgPool;
    int window = 1;
    Operand from; // no residual
    Tensor y;
    int n_images = 0;
    ConstRows params = nullptr; // read where a norm is applied
};
void pool(const PoolParams &params, int n_points, Stream stream);

// The gradient of what was pooled; through a norm in front goes elementwise_backward(), which reads y's gradient
// itself. Pixels that no window covers get 0 where the gradient is written.
struct PoolBackwardParams {
    OpKind kind = OpKind::kAvgPool;
    int window = 1;
    Tensor x; // read by kMaxPool
    Gradient y;
    GradientOut dx;
    int n_images = 0;
};
void pool_backward(const PoolBackwardParams &params, int n_points, Stream stream);

} // namespace ist::cuda
