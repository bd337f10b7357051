// elementwise.h - batch norm, addition, activation, copies and casts of activations.
#pragma once

#include "tensor.h"

namespace ist::cuda {

// dst = activation(norm(x) + norm(residual)). dst may have another element type than x, and may be x or residual
// itself. x.data nullptr: 0 in its place.
struct MaterialiseParams {
    Operand from;
    ConstRows params = nullptr; // read where a norm is applied
    Tensor dst;
    int n_images = 0;
};
void materialise(const MaterialiseParams &params, int n_points, Stream stream);

// dst = src[::step, ::step] in channels first .. first + src.channels - 1, 0 in the others.
struct PadShortcutParams {
    Tensor src, dst;
    int step = 1, first = 0;
    int n_images = 0;
};
void pad_shortcut(const PadShortcutParams &params, int n_points, Stream stream);

// The channels of `tensor` become 0.
void clear_channels(const Tensor &tensor, int n_images, int n_points, Stream stream);

} // namespace ist::cuda
