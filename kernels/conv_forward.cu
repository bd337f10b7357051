// conv_forward.cu - z = conv(activation(norm(x) + residual)): batch norm, residual and ReLU in front, statistics of the
// output behind.
//
// Shapes: x [point][n][h][w][c] -> z [point][n][oy][ox][f], see convolution.h. Grid: parts x groups of output channels
// x points; a part walks over the tiles part, part + parts, ... Passes: x and the residual are read once per group of
// up to 64 output channels, z and what is kept of the input are written once; weights come from the L1 cache in the
// order of the fragments. Determinism: sums over k-steps and taps in a fixed order; statistics are merged thread, warp,
// block, part, each in a fixed order (Chan, Golub & LeVeque 1979), and the parts are a function of shapes alone.
// Source: implicit matrix product on mma.sync; every staged row is loaded once for the three kernel rows that need it.
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
};

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

template <class T, int kKernel, int kStride, bool kImages = false>
__global__ void __launch_bounds__(kConvThreads, kConvBlocks<T>)
    conv_forward_kernel(const __grid_constant__ Arguments arg) {
    const Place place(arg.walk);
    const int outputs = arg.walk.outputs, left = outputs - place.channel;
    T *dst = static_cast<T *>(arg.dst.data) + place.point * arg.dst.point_stride + place.channel;
    float pivot[4] = {0, 0, 0, 0}, sum[4] = {0, 0, 0, 0}, square[4] = {0, 0, 0, 0};
    int count = 0;
    walk_tiles<T, kKernel, kStride, kImages>(arg.walk, place, [&](auto each) {
        float bias[4];
#pragma unroll
        for (int i = 0; i < 4; ++i)
            bias[i] = arg.bias >= 0 && i < left ? __ldg(arg.params[place.point] + arg.bias + place.channel + i) : 0.f;
        each([&](int image, int y, int x, const float(&sums)[4]) {
            float values[4];
#pragma unroll
            for (int i = 0; i < 4; ++i) values[i] = sums[i] + bias[i];
            store_four<T>(dst + ((int64_t(image) * arg.dst.height + y) * arg.dst.width + x) * arg.dst.pitch, left,
                          arg.dst_aligned, values);
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
    const int first = int(blockIdx.y) * place.groups * 16;
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

} // namespace

int conv_forward_parts(const ConvShape &shape, Element element, int n_images) {
    return plan_walk(shape, element, n_images).parts;
}

void conv_forward(const ConvForward &conv, int n_points, Stream stream) {
    const Element element = conv.dst.element;
    expect_images(conv.images, conv.shape);
    Arguments arg{};
    arg.walk = plan_walk(conv.shape, element, conv.n_images);
    arg.walk.src = Source::of(conv.src, conv.params);
    arg.walk.images = conv.images;
    arg.walk.kept = conv.kept, arg.walk.weights = conv.weights;
    arg.dst = conv.dst, arg.dst_aligned = pixels_aligned(conv.dst, 4 * bytes_of(element));
    arg.bias = conv.bias, arg.statistics = conv.statistics, arg.params = conv.params;
    const int kernel = conv.shape.kernel, stride = conv.shape.stride;
    with_element(element, [&](auto zero) {
        using T = decltype(zero);
        const auto run = [&](auto entry) {
            launch(entry, arg.walk.grid(n_points), dim3(kConvThreads), arg.walk.shared_bytes(), stream, arg);
        };
        if (conv.images.bytes.pixels) run(conv_forward_kernel<T, 3, 1, true>);
        else if (kernel == 3 && stride == 1) run(conv_forward_kernel<T, 3, 1>);
        else if (kernel == 3 && stride == 2) run(conv_forward_kernel<T, 3, 2>);
        else if (kernel == 1 && stride == 1) run(conv_forward_kernel<T, 1, 1>);
        else run(conv_forward_kernel<T, 0, 1>);
    });
}

} // namespace ist::cuda
