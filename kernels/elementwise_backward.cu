// elementwise_backward.cu - see elementwise_backward.h.
//
// One pass: the gradient, x where a norm needs it and y are read once, the gradients of both inputs written (or read
// and written) once. Sums: a thread adds its rows of a part in float32, in order, the block its threads in a fixed
// tree; parts are joined by finish_norm_backward. A gradient that is written where rows or channels lie under no output
// is cleared first. A window's gradient is read by each of its pixels, all but the first time from a cache.
#include "elementwise_backward.h"

#include <cuda_runtime.h>

#include "elementwise.h"
#include "gradient.cuh"
#include "operand.cuh"

namespace ist::cuda {
namespace {

// Which inputs are normalised: neither, x, the residual and perhaps x, or x and all was pooled.
enum class Norms { kNone, kX, kResidual, kPooled };

// The row of the window over row `row` of a height x width tensor; -1: none.
__device__ __forceinline__ int64_t window_row(const Tensor &pooled, int window, int height, int width, int64_t row) {
    const int line = int(row) / width, x = int(row) % width / window; // rows_of: below 2^31
    const int image = line / height, y = line % height / window;
    return y < pooled.height && x < pooled.width ? (int64_t(image) * pooled.height + y) * pooled.width + x : -1;
}

template <class T, int W, Norms kNorms>
__global__ void __launch_bounds__(kChannelThreads, 2)
    elementwise_backward_kernel(ElementwiseBackwardParams p, Runs runs, Partition partition, int height, int width) {
    constexpr bool kPooled = kNorms == Norms::kPooled;
    const RunPlace place = run_place<W>(runs);
    const int residual_channel = place.channel - p.from.residual_first;
    float sum[W], product[W], residual_sum[W], residual_product[W];
#pragma unroll
    for (int i = 0; i < W; ++i) sum[i] = product[i] = residual_sum[i] = residual_product[i] = 0.f;

    const bool has_residual = !kPooled && place.active && residual_in_run(p.from, place.channel);
    RunOperand<W> operand{};
    if (kNorms != Norms::kNone) operand.norm = run_norm<W>(p.from.norm, p.params, place.point, runs, 0, runs.channels);
    if (kNorms == Norms::kResidual)
        operand.residual_norm = run_norm<W>(p.from.residual_norm, p.params, place.point, runs, p.from.residual_first,
                                            p.from.residual.channels);
    const RunCorrection<W> correction = run_correction<W>(p.dst, place.point, runs);
    float mean[W], residual_mean[W];
    if (kNorms != Norms::kNone)
        run_constants<W>(
            runs,
            [&](int channel) {
                const Vectors &of = p.from.norm.mean, &of_residual = p.from.residual_norm.mean;
                const int c = channel - p.from.residual_first;
                const bool inside = kNorms == Norms::kResidual && c >= 0 && c < p.from.residual.channels;
                return make_float2(p.sums ? of.data[place.point * of.stride + channel] : 0.f,
                                   inside ? of_residual.data[place.point * of_residual.stride + c] : 0.f);
            },
            mean, residual_mean);
    if (place.active) {
        const bool writes_residual = has_residual && p.residual.g.data;
        const bool reads_y = !kPooled && p.from.activation != Activation::kNone && p.y.data;
        const bool recomputes = p.from.activation != Activation::kNone && !reads_y;
        const bool reads_x = p.from.x.data && (recomputes || (kNorms != Norms::kNone && p.sums));
        const bool reads_residual = has_residual && (recomputes || kNorms == Norms::kResidual);
        const int64_t begin = int64_t(blockIdx.x) * partition.rows_per_part;
        const int64_t end = min(begin + partition.rows_per_part, partition.rows);
        for (int64_t row = begin + place.row; row < end; row += runs.block_rows) {
            const int64_t dst_row = kPooled ? window_row(p.dst.g, p.window, height, width, row) : row;
            RawGradient<T, W> raw_dy{};
            if (dst_row >= 0) raw_dy = load_gradient<T, W>(p.dst, place.point, dst_row, place.channel);
            RawRun<T, W> raw_y{}, raw_dx{}, raw_dresidual{};
            RawOperand<T, W> raw{};
            if (reads_x) raw.x = load_raw<T, W>(at<const T>(p.from.x, place.point, row, place.channel));
            const int64_t residual_at =
                has_residual ? residual_row(p.from.residual, p.from.residual_step, height, width, row) : 0;
            if (reads_residual)
                raw.residual = load_raw<T, W>(at<const T>(p.from.residual, place.point, residual_at, residual_channel));
            if (reads_y) raw_y = load_raw<T, W>(at<const T>(p.y, place.point, row, place.channel));
            T *dx_at = p.x.g.data ? at<T>(p.x.g, place.point, row, place.channel) : nullptr;
            T *dresidual_at =
                writes_residual ? at<T>(p.residual.g, place.point, residual_at, residual_channel) : nullptr;
            if (dx_at && p.x.add) raw_dx = load_raw<T, W>(dx_at);
            if (dresidual_at && p.residual.add) raw_dresidual = load_raw<T, W>(dresidual_at);

            float dy[W];
            gradient_run<T, W>(p.dst, correction, raw_dy, dy);
            if constexpr (kPooled) {
                const float share = dst_row >= 0 ? 1.f / float(p.window * p.window) : 0.f;
#pragma unroll
                for (int i = 0; i < W; ++i) dy[i] *= share;
            }
            if (p.from.activation != Activation::kNone) {
                float y[W];
                if (reads_y) {
                    unpack_run<T, W>(raw_y, y);
                } else {
                    operand_run<T, W>(p.from, operand, has_residual, raw, y);
#pragma unroll
                    for (int i = 0; i < W; ++i) y[i] = to_float(from_float<T>(y[i])); // as it would have been stored
                }
#pragma unroll
                for (int i = 0; i < W; ++i) dy[i] = activate_backward(dy[i], y[i], p.from.activation);
            }
            if (kNorms != Norms::kNone && p.sums) {
                float x[W];
                unpack_run<T, W>(raw.x, x);
#pragma unroll
                for (int i = 0; i < W; ++i) sum[i] += dy[i], product[i] = fmaf(dy[i], x[i] - mean[i], product[i]);
            }
            if (kNorms == Norms::kResidual && has_residual) {
                float x[W];
                unpack_run<T, W>(raw.residual, x);
#pragma unroll
                for (int i = 0; i < W; ++i) {
                    residual_sum[i] += dy[i];
                    residual_product[i] = fmaf(dy[i], x[i] - residual_mean[i], residual_product[i]);
                }
            }
            const auto write = [&](T *to, bool scaled, const RunNorm<W> &norm, const RawRun<T, W> &there) {
                float dx[W]; // + 0 where nothing is there
                unpack_run<T, W>(there, dx);
#pragma unroll
                for (int i = 0; i < W; ++i) dx[i] += scaled ? norm.scale[i] * dy[i] : dy[i];
                store_run<T, W>(to, dx);
            };
            if (dx_at) write(dx_at, operand.norm.applied && !p.x_unscaled, operand.norm, raw_dx);
            if (dresidual_at == dx_at && p.residual.add && dx_at) raw_dresidual = load_raw<T, W>(dx_at); // x + x
            if (dresidual_at) write(dresidual_at, operand.residual_norm.applied, operand.residual_norm, raw_dresidual);
        }
    }

    if (kNorms == Norms::kNone) return;
    const int64_t part = int64_t(place.point) * partition.parts + blockIdx.x;
    const auto finish = [&](float *parts, int channels, int channel, bool mine, float(&first)[W], float(&second)[W]) {
        sum_rows<W>(first, runs, place);
        sum_rows<W>(second, runs, place);
        if (!mine || place.row != 0) return;
#pragma unroll
        for (int i = 0; i < W; ++i) {
            parts[part * 2 * channels + channel + i] = first[i];
            parts[(part * 2 + 1) * channels + channel + i] = second[i];
        }
    };
    if (p.sums) finish(p.sums, runs.channels, place.channel, place.active, sum, product);
    if (kNorms == Norms::kResidual)
        finish(p.residual_sums, p.from.residual.channels, residual_channel, has_residual, residual_sum,
               residual_product);
}

template <class T, int W>
__global__ void __launch_bounds__(kChannelThreads)
    pass_gradient_kernel(PassGradientParams p, Runs runs, Partition partition) {
    const RunPlace place = run_place<W>(runs);
    const RunCorrection<W> correction = run_correction<W>(p.from, place.point, runs);
    if (!place.active) return;
    const int64_t begin = int64_t(blockIdx.x) * partition.rows_per_part;
    const int64_t end = min(begin + partition.rows_per_part, partition.rows);
    for (int64_t row = begin + place.row; row < end; row += runs.block_rows) {
        float g[W];
        gradient_run<T, W>(p.from, correction, place.point, row, place.channel, g);
        store_run<T, W>(at<T>(p.to.g, place.point, row, place.channel), g, p.to.add);
    }
}

void expect_element(const Tensor &t, Element element) {
    expect(!t.data || t.element == element, "The gradients of an op must have its element type.");
}

} // namespace

void elementwise_backward(const ElementwiseBackwardParams &params, int n_points, Stream stream) {
    ElementwiseBackwardParams p = params;
    Tensor dst = p.dst.g; // as if it were not pooled
    if (p.window) dst.height = p.from.x.height, dst.width = p.from.x.width;
    expect(!p.window || (p.sums && !p.from.residual.data && !p.residual.g.data && !p.y.data),
           "What is pooled on the way has a norm and no residual.");
    for (const Tensor &t : {p.from.x, p.from.residual, p.y, p.x.g, p.residual.g}) expect_element(t, dst.element);
    expect(p.y.data || p.from.activation == Activation::kNone || p.from.x.data || p.from.residual.data,
           "The derivative of an activation needs its output or its inputs.");

    const Tensor &residual = p.residual.g;
    const bool uncovered = p.from.residual_step != 1 || residual.height != dst.height || residual.width != dst.width;
    if (residual.data && !p.residual.add && uncovered) {
        clear_channels(residual, p.n_images, n_points, stream);
        p.residual.add = true;
    }

    Operand operand = p.from;
    if (!operand.residual.data) operand.residual = residual; // its gradient alone is wanted
    p.from.residual = operand.residual;
    RunWidth runs = operand_width(operand, dst);
    runs.fit(p.y).fit(p.x.g).fit(residual);
    fit_gradient(runs, p.dst);
    const Norms norms = p.window                                          ? Norms::kPooled
                        : p.residual_sums || p.from.residual_norm.applied ? Norms::kResidual
                        : p.sums || p.from.norm.applied                   ? Norms::kX
                                                                          : Norms::kNone;
    expect(norms != Norms::kResidual || p.residual_sums, "A normalised residual needs a place for its sums.");
    // Runs of 8 would not find room for the constants of both norms in the registers.
    const int width = norms == Norms::kResidual ? std::min(runs.width(), 4) : runs.width();
    const Runs lanes = runs_of(dst.channels, width);
    const Partition partition = partition_of(dst, p.n_images);
    const dim3 grid(unsigned(partition.parts), unsigned(lanes.groups), unsigned(n_points));
    with_element(dst.element, [&](auto t) {
        using T = decltype(t);
        const auto run = [&](auto kernel, int w) {
            const size_t bytes =
                norms == Norms::kNone ? constants_shared(lanes, w) : size_t(w) * kChannelThreads * sizeof(float);
            launch(kernel, grid, dim3(kChannelThreads), bytes, stream, p, lanes, partition, dst.height, dst.width);
        };
        if (norms == Norms::kResidual) {
            if (width == 4) run(elementwise_backward_kernel<T, 4, Norms::kResidual>, 4);
            else run(elementwise_backward_kernel<T, 1, Norms::kResidual>, 1);
            return;
        }
        with_width<T>(width, [&](auto w) {
            constexpr int W = decltype(w)::value;
            if (norms == Norms::kPooled) run(elementwise_backward_kernel<T, W, Norms::kPooled>, W);
            else if (norms == Norms::kX) run(elementwise_backward_kernel<T, W, Norms::kX>, W);
            else run(elementwise_backward_kernel<T, W, Norms::kNone>, W);
        });
    });
}

void pass_gradient(const PassGradientParams &params, int n_points, Stream stream) {
    const Tensor &g = params.from.g;
    expect_element(params.to.g, g.element);
    RunWidth runs;
    runs.fit(params.to.g);
    fit_gradient(runs, params.from);
    const int width = runs.width();
    const Runs lanes = runs_of(g.channels, width);
    const Partition partition = partition_of(g, params.n_images);
    const dim3 grid(unsigned(partition.parts), unsigned(lanes.groups), unsigned(n_points));
    with_element(g.element, [&](auto t) {
        with_width<decltype(t)>(width, [&](auto w) {
            launch(pass_gradient_kernel<decltype(t), decltype(w)::value>, grid, dim3(kChannelThreads),
                   constants_shared(lanes, width), stream, params, lanes, partition);
        });
    });
}

void pad_shortcut_backward(const PadShortcutBackwardParams &params, int n_points, Stream stream) {
    ElementwiseBackwardParams p;
    p.from.residual_step = params.step;
    p.from.residual_first = params.first;
    p.dst = params.dst;
    p.residual = params.src;
    p.n_images = params.n_images;
    elementwise_backward(p, n_points, stream);
}

} // namespace ist::cuda
