// pool.cu - see pool.h.
//
// Windows: a thread per window and run of channels; every x is read once, normalised and activated on the way, every y
// written once; backward likewise, the windows at the edges that hold no y write the zeros of uncovered pixels. A
// maximum is the first in row-major order; NaN is larger than any number. Global average: a block per image, its
// threads share the pixels and are added in a fixed tree.
//
// A batch norm in front that stored its output, and passes of their own on the way back, moved 4.4 MB an image for a
// DenseNet-40's two transitions in a training step; with the norm here and the window in elementwise_backward it is 1.9
// of 29 (bf16, counted under emulation, n = 1).
#include "pool.h"

#include <cuda_runtime.h>

#include "gradient.cuh"
#include "operand.cuh"
#include "partition.h"

namespace ist::cuda {
namespace {

// The window of row `row` of a grid of height x width windows.
struct Window {
    int image, y, x;
};
__device__ __forceinline__ Window window_of(int64_t row, int height, int width) {
    const int line = int(row) / width; // rows_of: below 2^31
    return {line / height, line % height, int(row) % width};
}

__device__ __forceinline__ int pixel_row(const Tensor &t, int image, int y, int x) {
    return (image * t.height + y) * t.width + x;
}

__device__ __forceinline__ bool above(float x, float top) { return x > top || (x != x && top == top); }

template <class S, class D, int W>
__global__ void __launch_bounds__(kChannelThreads) window_pool_kernel(PoolParams p, Runs runs, int64_t rows) {
    constexpr int kAhead = 4; // pixels under way together
    const RunPlace place = run_place<W>(runs);
    const int64_t row = int64_t(blockIdx.x) * runs.block_rows + place.row;
    const RunNorm<W> norm = run_norm<W>(p.from.norm, p.params, place.point, runs, 0, runs.channels);
    if (!place.active || row >= rows) return;
    const Window window = window_of(row, p.y.height, p.y.width);
    const bool maximum = p.kind == OpKind::kMaxPool;
    const int pixels = p.window * p.window;
    const S *data =
        at<const S>(p.from.x, place.point, pixel_row(p.from.x, window.image, window.y * p.window, window.x * p.window),
                    place.channel);
    float result[W];
    for (int first = 0, y = 0, x = 0; first < pixels; first += kAhead) {
        RawRun<S, W> raw[kAhead]{};
#pragma unroll
        for (int i = 0; i < kAhead; ++i) {
            if (first + i >= pixels) break;
            raw[i] = load_raw<S, W>(data + (int64_t(y) * p.from.x.width + x) * p.from.x.pitch);
            if (++x == p.window) x = 0, ++y;
        }
#pragma unroll
        for (int i = 0; i < kAhead; ++i) {
            if (first + i >= pixels) break;
            float values[W];
            unpack_run<S, W>(raw[i], values);
            apply(norm, values);
#pragma unroll
            for (int c = 0; c < W; ++c) {
                values[c] = activate(values[c], p.from.activation);
                if (first + i == 0) result[c] = values[c];
                else if (!maximum) result[c] += values[c];
                else if (above(values[c], result[c])) result[c] = values[c];
            }
        }
    }
    const float factor = 1.f / float(p.window * p.window);
#pragma unroll
    for (int c = 0; c < W; ++c)
        if (!maximum) result[c] *= factor;
    store_run<D, W>(at<D>(p.y, place.point, row, place.channel), result);
}

template <class S, class D, int W>
__global__ void __launch_bounds__(kChannelThreads) global_pool_kernel(PoolParams p, Runs runs) {
    const RunPlace place = run_place<W>(runs);
    const Tensor &x = p.from.x;
    const int image = int(blockIdx.x), pixels = x.height * x.width;
    float sum[W];
#pragma unroll
    for (int c = 0; c < W; ++c) sum[c] = 0.f;
    if (place.active)
        for (int pixel = place.row; pixel < pixels; pixel += runs.block_rows) {
            float values[W];
            load_run<S, W>(at<const S>(x, place.point, int64_t(image) * pixels + pixel, place.channel), values);
#pragma unroll
            for (int c = 0; c < W; ++c) sum[c] += values[c];
        }
    sum_rows<W>(sum, runs, place);
    if (!place.active || place.row != 0) return;
    const float factor = 1.f / float(pixels);
#pragma unroll
    for (int c = 0; c < W; ++c) sum[c] *= factor;
    store_run<D, W>(at<D>(p.y, place.point, image, place.channel), sum);
}

// S: of the gradient of y, D: of x and its gradient.
template <class S, class D, int W>
__global__ void __launch_bounds__(kChannelThreads)
    window_pool_backward_kernel(PoolBackwardParams p, Runs runs, int height, int width, int64_t rows) {
    const RunPlace place = run_place<W>(runs);
    const int64_t row = int64_t(blockIdx.x) * runs.block_rows + place.row;
    const RunCorrection<W> correction = run_correction<W>(p.y, place.point, runs);
    if (!place.active || row >= rows) return;
    const Window window = window_of(row, height, width); // height x width also count the windows cut by the edge
    const Tensor &dx = p.dx.g;
    const bool maximum = p.kind == OpKind::kMaxPool;
    const int top = window.y * p.window, left = window.x * p.window;
    const int n_y = min(p.window, dx.height - top), n_x = min(p.window, dx.width - left);
    const bool covered = window.y < p.y.g.height && window.x < p.y.g.width;
    if (!covered && p.dx.add) return;
    float dy[W], best[W];
    int winner[W];
#pragma unroll
    for (int c = 0; c < W; ++c) dy[c] = 0.f, best[c] = 0.f, winner[c] = 0;
    if (covered) {
        gradient_run<S, W>(p.y, correction, place.point, pixel_row(p.y.g, window.image, window.y, window.x),
                           place.channel, dy);
        const float factor = 1.f / float(p.window * p.window);
#pragma unroll
        for (int c = 0; c < W; ++c)
            if (!maximum) dy[c] *= factor;
    }
    if (covered && maximum) {
        int i = 0;
        for (int y = top; y < top + n_y; ++y)
            for (int x = left; x < left + n_x; ++x, ++i) {
                float values[W];
                load_run<D, W>(at<const D>(p.x, place.point, pixel_row(p.x, window.image, y, x), place.channel),
                               values);
#pragma unroll
                for (int c = 0; c < W; ++c)
                    if (i == 0 || above(values[c], best[c])) best[c] = values[c], winner[c] = i;
            }
    }
    int i = 0;
    for (int y = top; y < top + n_y; ++y)
        for (int x = left; x < left + n_x; ++x, ++i) {
            float out[W];
#pragma unroll
            for (int c = 0; c < W; ++c) out[c] = maximum && winner[c] != i ? 0.f : dy[c];
            store_run<D, W>(at<D>(p.dx.g, place.point, pixel_row(p.dx.g, window.image, y, x), place.channel), out,
                            p.dx.add);
        }
}

template <class S, class D, int W>
__global__ void __launch_bounds__(kChannelThreads) global_pool_backward_kernel(PoolBackwardParams p, Runs runs) {
    const RunPlace place = run_place<W>(runs);
    const RunCorrection<W> correction = run_correction<W>(p.y, place.point, runs);
    if (!place.active) return;
    const int64_t image = int64_t(blockIdx.x);
    const int pixels = p.dx.g.height * p.dx.g.width;
    float dy[W];
    gradient_run<S, W>(p.y, correction, place.point, image, place.channel, dy);
    const float factor = 1.f / float(pixels);
#pragma unroll
    for (int c = 0; c < W; ++c) dy[c] *= factor;
    for (int pixel = place.row; pixel < pixels; pixel += runs.block_rows)
        store_run<D, W>(at<D>(p.dx.g, place.point, image * pixels + pixel, place.channel), dy, p.dx.add);
}

// Calls body(narrow(), wide()) for a tensor of the network's element type on the side of x and the same or float32 on
// the side of y.
template <class Body> void with_elements(Element x, Element y, Body body) {
    with_element(x, [&](auto t) {
        if (x == y) return body(t, t);
        expect(y == Element::kFp32, "A pooled value must have its source's element type or float32.");
        return body(t, float());
    });
}

} // namespace

void pool(const PoolParams &p, int n_points, Stream stream) {
    const bool global = p.kind == OpKind::kGlobalAvgPool, plain = !p.from.norm.applied;
    expect(!p.from.residual.data && (!global || (plain && p.from.activation == Activation::kNone)),
           "Pooling reads no residual, global pooling no norm.");
    const int width = RunWidth().fit(p.from.x).fit(p.y).width();
    const Runs runs = runs_of(p.y.channels, width);
    const int64_t rows = rows_of(p.y, p.n_images);
    with_elements(p.from.x.element, p.y.element, [&](auto s, auto d) {
        using S = decltype(s);
        using D = decltype(d);
        with_width<std::conditional_t<sizeof(S) == 4, S, D>>(width, [&](auto w) {
            constexpr int W = decltype(w)::value;
            if (global) {
                const dim3 grid(unsigned(p.n_images), unsigned(runs.groups), unsigned(n_points));
                launch(global_pool_kernel<S, D, W>, grid, dim3(kChannelThreads),
                       size_t(W) * kChannelThreads * sizeof(float), stream, p, runs);
            } else {
                const dim3 grid(unsigned((rows + runs.block_rows - 1) / runs.block_rows), unsigned(runs.groups),
                                unsigned(n_points));
                launch(window_pool_kernel<S, D, W>, grid, dim3(kChannelThreads), plain ? 0 : constants_shared(runs, W),
                       stream, p, runs, rows);
            }
        });
    });
}

void pool_backward(const PoolBackwardParams &p, int n_points, Stream stream) {
    const Tensor &dx = p.dx.g;
    const bool maximum = p.kind == OpKind::kMaxPool;
    expect(!maximum || p.x.element == dx.element, "The gradients of an op must have its element type.");
    RunWidth widths;
    widths.fit(dx);
    if (maximum) widths.fit(p.x);
    fit_gradient(widths, p.y);
    const int width = widths.width();
    const Runs runs = runs_of(dx.channels, width);
    with_elements(dx.element, p.y.g.element, [&](auto d, auto s) {
        using S = decltype(s);
        using D = decltype(d);
        with_width<std::conditional_t<sizeof(S) == 4, S, D>>(width, [&](auto w) {
            constexpr int W = decltype(w)::value;
            if (p.kind == OpKind::kGlobalAvgPool) {
                const dim3 grid(unsigned(p.n_images), unsigned(runs.groups), unsigned(n_points));
                launch(global_pool_backward_kernel<S, D, W>, grid, dim3(kChannelThreads), constants_shared(runs, W),
                       stream, p, runs);
            } else {
                const int rows_y = (dx.height + p.window - 1) / p.window, rows_x = (dx.width + p.window - 1) / p.window;
                const int64_t rows = int64_t(p.n_images) * rows_y * rows_x; // no more than rows_of(dx)
                const dim3 grid(unsigned((rows + runs.block_rows - 1) / runs.block_rows), unsigned(runs.groups),
                                unsigned(n_points));
                launch(window_pool_backward_kernel<S, D, W>, grid, dim3(kChannelThreads), constants_shared(runs, W),
                       stream, p, runs, rows_y, rows_x, rows);
            }
        });
    });
}

} // namespace ist::cuda
