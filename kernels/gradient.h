// gradient.h - gradients of activations as kernels read and write them.
#pragma once

#include "tensor.h"

namespace ist::cuda {

// The gradient of a value as its producer's backward reads it. A value with batch statistics has them as inputs too:
// its gradient is g + slope * value + offset, per channel (finish_norm_backward writes slope and offset).
struct Gradient {
    Tensor g;
    bool corrected = false;
    Tensor value; // of the element type and shape of g; read where `corrected`
    Vectors slope, offset;
};

// Where the gradient of an op's input goes: written, or added to what the other readers of the value left.
struct GradientOut {
    Tensor g; // data nullptr: not wanted
    bool add = false;
};

// Of the gradients of activations while they are in flight: they are `gradient_scale` times what they stand for, a
// power of two that keeps float16 away from its small end; `unscale` = 1 / gradient_scale is applied where the gradient
// of a parameter is written.

} // namespace ist::cuda
