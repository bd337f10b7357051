// conv_forward.cu - z = conv(activation(norm(x) + residual)): batch norm, residual and ReLU in front, statistics of the
// output behind; or, in evaluation, another batch norm folded into it: y = activation(z + shift + residual).
//
// Shapes: x [point][n][h][w][c] -> z [point][n][oy][ox][f], see convolution.h. Grid: parts x groups of output channels
// x points; a part walks over the tiles part, part + parts, ... Passes: x and the residual are read once per group of
// up to 64 output channels, z and what is kept of the input are written once, the folded residual is read once, all of
// a strip's in flight together; weights come from the L1 cache in the order of the fragments. Determinism: sums over
// k-steps and taps in a fixed order; statistics are merged thread, warp, block, part, each in a fixed order (Chan,
// Golub & LeVeque 1979), and the parts are a function of shapes alone. Source: implicit matrix product on mma.sync;
// every staged row is loaded once for the three kernel rows that need it. Tried: for DenseNet's 12 filters, the three
// columns of taps as further filters, so that a pixel is loaded once for all nine taps (a third of the ldmatrix); the
// 80 sums of a thread beside the staging of the next channels spilled 600 bytes at 128 registers.
#include <type_traits>

#include "conv_tile.cuh"

namespace ist::cuda {
namespace {

struct Arguments {
    Walk walk;
    Tensor dst;
    bool dst_aligned; // four outputs at a time
    int64_t bias;
    Vectors statistics;
    ConstRows params;
    Operand folded;
    bool residual_aligned; // four channels lie in it whole, or not at all
};

// The residual's channels that lie under channel .. + 3 of a position; 0 outside it.
template <class T>
__device__ __forceinline__ Run<T, 4> residual_four(const Arguments &arg, int point, int image, int y, int x,
                                                   int channel) {
    const Tensor &r = arg.folded.residual;
    const int step = arg.folded.residual_step, c = channel - arg.folded.residual_first;
    const T *data = static_cast<const T *>(r.data) + point * r.point_stride +
                    ((int64_t(image) * r.height + y * step) * r.width + x * step) * r.pitch + c;
    if (arg.residual_aligned) return c >= 0 && c < r.channels ? load_run<T, 4>(data, 4, 16) : Run<T, 4>{};
    constexpr int kWord = 4 / int(sizeof(T));
    Run<T, 4> run;
#pragma unroll
    for (int i = 0; i < 4; i += kWord) {
        float values[kWord];
#pragma unroll
        for (int k = 0; k < kWord; ++k)
            values[k] = c + i + k >= 0 && c + i + k < r.channels ? to_float(data[i + k]) : 0.f;
        run.words[i / kWord] = pack_word<T>(values);
    }
    return run;
}

// Count, mean and sum of squared deviations.
struct Moments {
    float n, mean, m2;
};
__device__ __forceinline__ Moments merge(const Moments &a, const Moments &b) {
    const float n = a.n + b.n;
    if (n == 0.f) return a;
    const float delta = b.mean - a.mean, share = b.n / n;
    return {n, fmaf(delta, share, a.mean), a.m2 + b.m2 + delta * delta * (a.n * share)};
}

// kFolded: the batch norm behind, in place of bias and statistics. Registers do not hold both, nor a residual where
// images are staged.
template <class T, int kKernel, int kStride, bool kImages, bool kFolded>
__global__ void __launch_bounds__(kConvThreads, kConvBlocks<T>)
    conv_forward_kernel(const __grid_constant__ Arguments arg) {
    const Place place(arg.walk);
    const int outputs = arg.walk.outputs, left = outputs - place.channel;
    const int first = int(blockIdx.y) * place.groups * 16; // channel of the block
    T *dst = static_cast<T *>(arg.dst.data) + place.point * arg.dst.point_stride + place.channel;
    const auto store = [&](int image, int y, int x, const float(&values)[4]) {
        store_four<T>(dst + ((int64_t(image) * arg.dst.height + y) * arg.dst.width + x) * arg.dst.pitch, left,
                      arg.dst_aligned, values);
    };
    if constexpr (kFolded) {
        for (int c = int(threadIdx.x); c < place.groups * 16; c += int(blockDim.x)) { // the walk has barriers behind
            const Norm &norm = arg.folded.norm;
            const bool inside = first + c < outputs;
            place.moments[c] = inside ? scale_and_shift(norm, arg.params[place.point], place.point, first + c).y : 0.f;
        }
        walk_tiles<T, kKernel, kStride, kImages>(arg.walk, place, [&](auto each) {
            float shift[4];
            load_four<float>(place.moments + place.channel - first, 4, true, shift);
            Run<T, 4> residual[kPositions]{};
            if (!kImages && arg.folded.residual.data)
                each([&](int image, int y, int x, const float(&)[4], int i) {
                    residual[i] = residual_four<T>(arg, place.point, image, y, x, place.channel);
                });
            each([&](int image, int y, int x, const float(&sums)[4], int position) {
                constexpr int kWord = 4 / int(sizeof(T));
                float values[4];
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    float added[kWord];
                    unpack_word<T>(residual[position].words[i / kWord], added);
                    values[i] = sums[i] + shift[i] + added[i % kWord];
                    if (arg.folded.activation == Activation::kRelu) values[i] = relu(values[i]);
                }
                store(image, y, x, values);
            });
        });
        return;
    }

    float pivot[4] = {0, 0, 0, 0}, sum[4] = {0, 0, 0, 0}, square[4] = {0, 0, 0, 0};
    int count = 0;
    walk_tiles<T, kKernel, kStride, kImages>(arg.walk, place, [&](auto each) {
        float bias[4];
#pragma unroll
        for (int i = 0; i < 4; ++i)
            bias[i] = arg.bias >= 0 && i < left ? __ldg(arg.params[place.point] + arg.bias + place.channel + i) : 0.f;
        each([&](int image, int y, int x, const float(&sums)[4], int) {
            float values[4];
#pragma unroll
            for (int i = 0; i < 4; ++i) values[i] = sums[i] + bias[i];
            store(image, y, x, values);
            if (!arg.statistics.data) return;
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                const float value = rounded<T>(values[i]);
                if (count == 0) pivot[i] = value;
                const float d = value - pivot[i];
                sum[i] += d;
                square[i] = fmaf(d, d, square[i]);
            }
            ++count;
        });
    });
    if (!arg.statistics.data) return;

    const float n = float(count);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        Moments own{0.f, 0.f, 0.f};
        if (count > 0) {
            const float m2 = square[i] - sum[i] * (sum[i] / n);
            own = {n, pivot[i] + sum[i] / n, m2 < 0.f ? 0.f : m2};
        }
#pragma unroll
        for (int distance = 4; distance < 32; distance *= 2)
            own = merge(own, {__shfl_xor_sync(~0u, own.n, distance), __shfl_xor_sync(~0u, own.mean, distance),
                              __shfl_xor_sync(~0u, own.m2, distance)});
        if (place.lane < 4) {
            float *to = place.moments + (place.warp * 16 + place.lane * 4 + i) * 3;
            to[0] = own.n, to[1] = own.mean, to[2] = own.m2;
        }
    }
    __syncthreads();
    float *out = arg.statistics.data + place.point * arg.statistics.stride + int64_t(place.part) * 3 * outputs;
    for (int c = int(threadIdx.x); c < place.groups * 16 && first + c < outputs; c += int(blockDim.x)) {
        Moments all{0.f, 0.f, 0.f};
        for (int w = 0; w < place.workers; ++w) {
            const float *from = place.moments + ((w * place.groups + (c >> 4)) * 16 + (c & 15)) * 3;
            all = merge(all, {from[0], from[1], from[2]});
        }
        out[first + c] = all.n, out[outputs + first + c] = all.mean, out[2 * outputs + first + c] = all.m2;
    }
}

Walk plan_walk(const ConvShape &shape, Element element, int n_images) {
    Walk walk;
    walk.outputs = shape.filters, walk.kernel = shape.kernel;
    Tiling &t = walk.tiling;
    t.height = shape.height, t.width = shape.width, t.n_images = n_images;
    t.step = shape.stride, t.first_y = t.first_x = -shape.padding, t.span = shape.kernel;
    walk.choose(shape.in_channels, element);
    return walk;
}

void expect_folded(const ConvForward &conv) {
    const Operand &folded = conv.folded;
    const bool none = !folded.residual.data && folded.activation == Activation::kNone;
    const bool fits =
        conv.bias < 0 && !conv.statistics.data && !folded.residual_norm.applied &&
        (folded.activation == Activation::kNone || folded.activation == Activation::kRelu) &&
        (!folded.residual.data || (folded.residual.element == conv.dst.element && !conv.images.bytes.pixels));
    if (folded.norm.applied ? !fits : !none)
        throw Error(IST_INTERNAL,
                    "A convolution with a folded batch norm has no bias, no statistics and no other norm, and no "
                    "residual where it reads images.");
}

} // namespace

int conv_forward_parts(const ConvShape &shape, Element element, int n_images) {
    return plan_walk(shape, element, n_images).parts;
}

void conv_forward(const ConvForward &conv, int n_points, Stream stream) {
    const Element element = conv.dst.element;
    expect_images(conv.images, conv.shape);
    expect_folded(conv);
    Arguments arg{};
    arg.walk = plan_walk(conv.shape, element, conv.n_images);
    arg.walk.src = Source::of(conv.src, conv.params);
    arg.walk.images = conv.images;
    arg.walk.kept = conv.kept, arg.walk.kept_alignment = alignment_of(conv.kept);
    arg.walk.weights = conv.weights;
    arg.dst = conv.dst, arg.dst_aligned = pixels_aligned(conv.dst, 4 * bytes_of(element));
    arg.bias = conv.bias, arg.statistics = conv.statistics, arg.params = conv.params;
    arg.folded = conv.folded;
    const Tensor &residual = conv.folded.residual;
    arg.residual_aligned = pixels_aligned(residual, 4 * bytes_of(element)) && residual.channels % 4 == 0 &&
                           conv.folded.residual_first % 4 == 0;
    const int kernel = conv.shape.kernel, stride = conv.shape.stride;
    with_element(element, [&](auto zero) {
        using T = decltype(zero);
        const auto run = [&](auto entry) {
            launch(entry, arg.walk.grid(n_points), dim3(kConvThreads), arg.walk.shared_bytes(), stream, arg);
        };
        const auto run_for = [&](auto folded) {
            constexpr bool kFolded = decltype(folded)::value;
            if (conv.images.bytes.pixels) run(conv_forward_kernel<T, 3, 1, true, kFolded>);
            else if (kernel == 3 && stride == 1) run(conv_forward_kernel<T, 3, 1, false, kFolded>);
            else if (kernel == 3 && stride == 2) run(conv_forward_kernel<T, 3, 2, false, kFolded>);
            else if (kernel == 1 && stride == 1) run(conv_forward_kernel<T, 1, 1, false, kFolded>);
            else run(conv_forward_kernel<T, 0, 1, false, kFolded>);
        };
        if (conv.folded.norm.applied) run_for(std::true_type());
        else run_for(std::false_type());
    });
}

} // namespace ist::cuda
