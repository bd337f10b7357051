// channel_sums.h - the gradient of a bias: the sum of a gradient over images and pixels.
#pragma once

#include "gradient.h"
#include "partition.h"

namespace ist::cuda {

struct ChannelSumsParams {
    Gradient from;
    int n_images = 0;
    float *parts = nullptr; // workspace [n_points][channel_sums_parts(...)][channels]
    Rows gradient = nullptr;
    int64_t bias = 0; // offset in a row
    float unscale = 1;
};
void channel_sums(const ChannelSumsParams &params, int n_points, Stream stream);

inline int channel_sums_parts(const Tensor &g, int n_images) { return partition_of(g, n_images).parts; }

} // namespace ist::cuda
