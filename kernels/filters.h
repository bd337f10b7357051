// filters.h - weights and their gradients in the order of a library of dense convolutions, [filter][ky][kx][channel].
#pragma once

#include "tensor.h"

namespace ist::cuda {

// The filters of one convolution of many points: rows of parameters hold them float32 [filters][channels][taps] from
// `weight` on; `dense` holds [point][filter_pitch][taps][channel_pitch] elements, 0 beyond the last filter and channel.
struct Filters {
    int filters = 0, channels = 0, taps = 0;
    int filter_pitch = 0, channel_pitch = 0;
    int64_t weight = 0; // offset in a row
    Element element = Element::kFp32;
    void *dense = nullptr;
    int64_t point_stride = 0; // elements
};
void lay_out_filters(const Filters &filters, ConstRows params, int n_points, Stream stream);
// The way back, times `unscale`.
void take_filter_gradients(const Filters &filters, Rows gradient, float unscale, int n_points, Stream stream);

} // namespace ist::cuda
