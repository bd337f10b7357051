// linear.h - fully connected layers of many points, float32.
#pragma once

#include "gradient.h"
#include "partition.h"

namespace ist::cuda {

// y = W flatten(x) + b with flatten in the order channel, y, x. x of any element type and shape, y float32 and 1 x 1.
struct LinearParams {
    Tensor x, y;
    ConstRows params = nullptr;
    int64_t weight = 0, bias = -1; // offsets in a row, W [out][in]; bias -1: none
    int n_images = 0;
};
void linear(const LinearParams &params, int n_points, Stream stream);

// dx (+)= W' dy; dW = unscale * sum over images dy x', db = unscale * sum dy, written.
struct LinearBackwardParams {
    Tensor x;
    Gradient y; // float32
    GradientOut dx;
    ConstRows params = nullptr;
    Rows gradient = nullptr; // nullptr: only dx
    int64_t weight = 0, bias = -1;
    float unscale = 1;
    float *workspace = nullptr; // [n_points][linear_workspace(...)]
    int n_images = 0;
};
void linear_backward(const LinearBackwardParams &params, int n_points, Stream stream);

// Floats of a point.
int64_t linear_workspace(const Tensor &x, int outputs, int n_images);

} // namespace ist::cuda
