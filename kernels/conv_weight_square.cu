// conv_weight_square.cu - the sum over the parts of a weight gradient. One pass over the parts; float64, parts in
// order. Tried (predicted): at most 128 parts were 3 to 4 % of a training step of 8 or 16 points.
#include "conv_weight_square.cuh"

#include <algorithm>

namespace ist::cuda {
namespace {

// With 8 or 16 points a device of 132 multiprocessors has whole rounds of blocks in steps of 16.5 parts.
constexpr int kMostParts = 66, kFewestParts = 8;

__global__ void __launch_bounds__(256) sum_weight_parts_kernel(const WeightParts p) {
    const int point = int(blockIdx.z), i = int(blockIdx.x * blockDim.x + threadIdx.x);
    const int channel = i % p.channels_padded, rest = i / p.channels_padded;
    const int filter = rest % p.filters_padded, tap = rest / p.filters_padded;
    if (channel >= p.channels || filter >= p.filters || tap >= p.taps) return;
    const int64_t step = int64_t(p.taps) * p.filters_padded * p.channels_padded;
    const float *from = p.partial + point * p.stride + i;
    double sum = 0;
    for (int part = 0; part < p.parts; ++part, from += step) sum += double(*from);
    p.gradient[point][p.weight + (int64_t(filter) * p.channels + channel) * p.taps + tap] =
        float(sum * double(p.unscale));
}

} // namespace

void sum_weight_parts(const WeightParts &parts, int n_points, Stream stream) {
    const int64_t n = int64_t(parts.taps) * parts.filters_padded * parts.channels_padded;
    launch(sum_weight_parts_kernel, dim3(unsigned((n + 255) / 256), 1, unsigned(n_points)), dim3(256), 0, stream,
           parts);
}

int weight_parts(const ConvShape &shape, int n_images, int n_tiles) {
    const int64_t read = int64_t(n_images) * (int64_t(shape.height) * shape.width * shape.filters +
                                              int64_t(shape.in_height) * shape.in_width * shape.in_channels);
    const int64_t weights = int64_t(shape.taps()) * ((shape.filters + 15) / 16) * ((shape.in_channels + 15) / 16) * 256;
    const int parts = int(std::clamp<int64_t>(read / (12 * weights), kFewestParts, kMostParts));
    return std::min(n_tiles, std::max(kFewestParts, parts * 2 / 33 * 33 / 2));
}

} // namespace ist::cuda
