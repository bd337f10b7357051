// channel_sums.cu - see channel_sums.h.
//
// Reads the gradient (and its value where corrected) once. A thread adds its pixels of a part in float32, the block its
// threads in a fixed tree, a second kernel the parts in double (part_sums.cuh).
#include "channel_sums.h"

#include <cuda_runtime.h>

#include "gradient.cuh"
#include "part_sums.cuh"

namespace ist::cuda {
namespace {

template <class T, int W>
__global__ void __launch_bounds__(kChannelThreads)
    channel_sums_kernel(ChannelSumsParams p, Runs runs, Partition partition) {
    const RunPlace place = run_place<W>(runs);
    float sum[W];
#pragma unroll
    for (int i = 0; i < W; ++i) sum[i] = 0.f;
    const RunCorrection<W> correction = run_correction<W>(p.from, place.point, runs);
    if (place.active) {
        const int64_t begin = int64_t(blockIdx.x) * partition.rows_per_part;
        const int64_t end = min(begin + partition.rows_per_part, partition.rows);
        for (int64_t row = begin + place.row; row < end; row += runs.block_rows) {
            float g[W];
            gradient_run<T, W>(p.from, correction, place.point, row, place.channel, g);
#pragma unroll
            for (int i = 0; i < W; ++i) sum[i] += g[i];
        }
    }
    sum_rows<W>(sum, runs, place);
    if (!place.active || place.row != 0) return;
    const int64_t part = int64_t(place.point) * partition.parts + blockIdx.x;
#pragma unroll
    for (int i = 0; i < W; ++i) p.parts[part * runs.channels + place.channel + i] = sum[i];
}

__global__ void __launch_bounds__(kPartThreads) finish_channel_sums_kernel(ChannelSumsParams p, int channels, int n) {
    const PartPlace place = part_place(channels);
    const float *parts = p.parts + int64_t(place.point) * n * channels + place.channel;
    const double sum = sum_parts(place, n, [&](int part) { return double(parts[int64_t(part) * channels]); });
    if (!place.active || place.first != 0) return;
    p.gradient[place.point][p.bias + place.channel] = float(sum * double(p.unscale));
}

} // namespace

void channel_sums(const ChannelSumsParams &params, int n_points, Stream stream) {
    const Tensor &g = params.from.g;
    RunWidth widths;
    fit_gradient(widths, params.from);
    const int width = widths.width();
    const Runs runs = runs_of(g.channels, width);
    const Partition partition = partition_of(g, params.n_images);
    const dim3 grid(unsigned(partition.parts), unsigned(runs.groups), unsigned(n_points));
    with_element(g.element, [&](auto t) {
        with_width<decltype(t)>(width, [&](auto w) {
            constexpr int W = decltype(w)::value;
            launch(channel_sums_kernel<decltype(t), W>, grid, dim3(kChannelThreads),
                   size_t(W) * kChannelThreads * sizeof(float), stream, params, runs, partition);
        });
    });
    launch(finish_channel_sums_kernel, part_grid(g.channels, n_points), dim3(kPartThreads), kPartShared, stream, params,
           g.channels, partition.parts);
}

} // namespace ist::cuda
