// conv_shape.h - a convolution of a network as the kernels know it.
#pragma once

#include "../../../kernels/convolution.h"
#include "../network.h"
#include "device.h"

namespace ist::cuda {

inline ConvShape conv_shape(const Network &network, const Op &op) {
    const Value &in = network.values[size_t(op.src)], &out = network.values[size_t(op.dst)];
    ConvShape shape;
    shape.kernel = op.kernel, shape.stride = op.stride, shape.padding = op.padding;
    shape.in_channels = in.channels, shape.in_height = in.height, shape.in_width = in.width;
    shape.filters = out.channels, shape.height = out.height, shape.width = out.width;
    return shape;
}

// Whether one kernel computes both gradients there. Consumer cards have less than half of the shared memory of the
// others.
inline bool gradients_together(const Device &device, const ConvShape &shape, Element element, int n_images) {
    return conv_backward_fits(shape) &&
           conv_backward_shared_bytes(shape, element, n_images) <= device.shared_memory_per_block();
}

} // namespace ist::cuda
