// tensor.h - how kernels see memory: activations of many points, the vectors of a point, the input of an op.
//
// Activations are [point][image][y][x][channel]. A value may be a channel range of a wider storage (a concatenation is
// never copied): `pitch` is the number of elements between pixels, `data` points at the value's first channel of point
// 0. Storages start at 256-byte addresses and their pixels are multiples of 16 bytes; a value within one may start at
// any channel, and the channels behind its last hold anything.
#pragma once

#include <cstdint>

#include "../native/src/network.h"

struct CUstream_st;

namespace ist::cuda {

using Stream = CUstream_st *;

// Of stored activations and of the operands of matrix products. float32 products are made of three TF32 products, so
// that they are as good as float32.
enum class Element { kFp32, kBf16, kFp16 };

constexpr int bytes_of(Element element) { return element == Element::kFp32 ? 4 : 2; }

struct Tensor {
    void *data = nullptr;
    Element element = Element::kFp32;
    int64_t point_stride = 0; // elements
    int height = 0, width = 0, channels = 0;
    int pitch = 0;
};

// Rows of n points, one pointer each, in device memory: parameters, gradients, statistics.
using Rows = float *const *;
using ConstRows = const float *const *;

// One float vector per point in one allocation.
struct Vectors {
    float *data = nullptr;
    int64_t stride = 0; // floats between points
};

// Batch norm as it is applied: scale * x + shift with scale = gamma * invstd, shift = beta - mean * scale, all float32.
// gamma and beta are in the points' parameter rows; mean and invstd belong to the value x, first channel first.
struct Norm {
    bool applied = false;
    int64_t gamma = 0, beta = 0; // offsets in a row
    Vectors mean, invstd;
};

// What an op reads: activation(norm(x) + norm(residual)). The residual may be a smaller or coarser tensor (He et al.
// 2016, shortcut A): pixel (y, x) and channel c take its pixel (step * y, step * x) and channel c - first; channels
// outside it are 0.
struct Operand {
    Tensor x;
    Norm norm;
    Tensor residual; // data nullptr: none
    Norm residual_norm;
    int residual_step = 1, residual_first = 0;
    Activation activation = Activation::kNone;
};

} // namespace ist::cuda
