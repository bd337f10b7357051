// linear.cu - see linear.h.
//
// Three products of one shape, C[m][n] = sum over k of A(m, k) B(n, k), float32 with fmaf, k ascending:
//   forward  C = y [image][out],     A = x [image][in],  B = W [out][in]
//   dx       C = dx [image][in],     A = dy [image][out], B = W' [in][out]
//   dW       C = dW [out][in],       A = dy' [out][image], B = x' [in][image]
// A block makes a 64 x 64 tile, a thread 4 x 4 of it; slices of 16 k go through shared memory, the next slice is read
// while the present one is multiplied. The images of dW are cut into splits where there are few tiles; their sums are
// added in order. Cuts are functions of the shape.
#include "linear.h"

#include <cuda_runtime.h>

#include "channel_sums.h"
#include "channels.cuh"

namespace ist::cuda {
namespace {

constexpr int kTile = 64, kSlice = 16, kThreads = 256, kPerThread = 4, kTilePitch = kTile + 4;
constexpr int kLoads = kTile * kSlice / kThreads; // of an operand's slice, per thread
constexpr size_t kShared = 2 * kSlice * kTilePitch * sizeof(float);

// A tensor read as [image][feature], features in the order channel, y, x.
template <class T> struct Flat {
    Tensor tensor;
    __device__ __forceinline__ T *operator()(int point, int image, int feature) const {
        const int pixels = tensor.height * tensor.width;
        const int channel = pixels == 1 ? feature : feature / pixels, pixel = pixels == 1 ? 0 : feature % pixels;
        return at<T>(tensor, point, int64_t(image) * pixels + pixel, channel);
    }
};

__device__ __forceinline__ float gradient_at(const Gradient &y, int point, int image, int out) {
    const float g = *at<const float>(y.g, point, image, out);
    if (!y.corrected) return g;
    return g + fmaf(y.slope.data[point * y.slope.stride + out], *at<const float>(y.value, point, image, out),
                    y.offset.data[point * y.offset.stride + out]);
}

// Operands and results of the products. kMajorA, kMajorB: neighbours in memory are neighbours in k.
template <class T> struct Forward {
    static constexpr bool kMajorA = true, kMajorB = true;
    LinearParams p;
    __device__ float a(int point, int m, int k) const { return to_float(*Flat<const T>{p.x}(point, m, k)); }
    __device__ float b(int point, int n, int k) const { return p.params[point][p.weight + int64_t(n) * inputs() + k]; }
    __device__ void write(int point, int, int m, int n, float value) const {
        *at<float>(p.y, point, m, n) = p.bias >= 0 ? value + p.params[point][p.bias + n] : value;
    }
    __device__ int inputs() const { return p.x.height * p.x.width * p.x.channels; }
};

template <class T> struct BackwardData {
    static constexpr bool kMajorA = true, kMajorB = false;
    LinearBackwardParams p;
    __device__ float a(int point, int m, int k) const { return gradient_at(p.y, point, m, k); }
    __device__ float b(int point, int n, int k) const { return p.params[point][p.weight + int64_t(k) * inputs() + n]; }
    __device__ void write(int point, int, int m, int n, float value) const {
        T *out = Flat<T>{p.dx.g}(point, m, n);
        *out = from_float<T>(p.dx.add ? to_float(*out) + value : value);
    }
    __device__ int inputs() const { return p.dx.g.height * p.dx.g.width * p.dx.g.channels; }
};

template <class T> struct BackwardWeights {
    static constexpr bool kMajorA = false, kMajorB = false;
    LinearBackwardParams p;
    int splits;
    __device__ float a(int point, int m, int k) const { return gradient_at(p.y, point, k, m); }
    __device__ float b(int point, int n, int k) const { return to_float(*Flat<const T>{p.x}(point, k, n)); }
    __device__ void write(int point, int split, int m, int n, float value) const {
        const int64_t inputs = int64_t(p.x.height) * p.x.width * p.x.channels, at = m * inputs + n;
        if (splits == 1) p.gradient[point][p.weight + at] = value * p.unscale;
        else p.workspace[(int64_t(point) * splits + split) * p.y.g.channels * inputs + at] = value;
    }
};

struct Extent {
    int m, n, k, k_per_split, splits;
};

template <bool kMajor, class Load>
__device__ __forceinline__ void load_slice(float (&values)[kLoads], int first, int limit, int k_first, int k_end,
                                           Load load) {
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
        const int j = int(threadIdx.x) + i * kThreads;
        const int outer = first + (kMajor ? j / kSlice : j % kTile), k = k_first + (kMajor ? j % kSlice : j / kTile);
        values[i] = outer < limit && k < k_end ? load(outer, k) : 0.f;
    }
}

template <bool kMajor> __device__ __forceinline__ void store_slice(float *slice, const float (&values)[kLoads]) {
#pragma unroll
    for (int i = 0; i < kLoads; ++i) {
        const int j = int(threadIdx.x) + i * kThreads;
        slice[(kMajor ? j % kSlice : j / kTile) * kTilePitch + (kMajor ? j / kSlice : j % kTile)] = values[i];
    }
}

// grid: x tiles of n times splits, y tiles of m, z points
template <class Product> __global__ void __launch_bounds__(kThreads) product_kernel(Product product, Extent extent) {
    float *slice_a = reinterpret_cast<float *>(shared_memory()), *slice_b = slice_a + kSlice * kTilePitch;
    const int split = int(blockIdx.x) % extent.splits, point = int(blockIdx.z);
    const int first_m = int(blockIdx.y) * kTile, first_n = int(blockIdx.x) / extent.splits * kTile;
    const int k_begin = split * extent.k_per_split, k_end = min(k_begin + extent.k_per_split, extent.k);
    const int row = int(threadIdx.x) / (kTile / kPerThread) * kPerThread;
    const int column = int(threadIdx.x) % (kTile / kPerThread) * kPerThread;

    float next_a[kLoads], next_b[kLoads];
    const auto load = [&](int k) {
        load_slice<Product::kMajorA>(next_a, first_m, extent.m, k, k_end,
                                     [&](int m, int at) { return product.a(point, m, at); });
        load_slice<Product::kMajorB>(next_b, first_n, extent.n, k, k_end,
                                     [&](int n, int at) { return product.b(point, n, at); });
    };
    float sum[kPerThread][kPerThread];
#pragma unroll
    for (int i = 0; i < kPerThread; ++i)
#pragma unroll
        for (int j = 0; j < kPerThread; ++j) sum[i][j] = 0.f;

    load(k_begin);
    for (int k = k_begin; k < k_end; k += kSlice) {
        __syncthreads();
        store_slice<Product::kMajorA>(slice_a, next_a);
        store_slice<Product::kMajorB>(slice_b, next_b);
        __syncthreads();
        if (k + kSlice < k_end) load(k + kSlice);
#pragma unroll
        for (int i = 0; i < kSlice; ++i) {
            const float4 a4 = *reinterpret_cast<const float4 *>(slice_a + i * kTilePitch + row);
            const float4 b4 = *reinterpret_cast<const float4 *>(slice_b + i * kTilePitch + column);
            const float a[kPerThread] = {a4.x, a4.y, a4.z, a4.w}, b[kPerThread] = {b4.x, b4.y, b4.z, b4.w};
#pragma unroll
            for (int r = 0; r < kPerThread; ++r)
#pragma unroll
                for (int c = 0; c < kPerThread; ++c) sum[r][c] = fmaf(a[r], b[c], sum[r][c]);
        }
    }
#pragma unroll
    for (int r = 0; r < kPerThread; ++r)
#pragma unroll
        for (int c = 0; c < kPerThread; ++c)
            if (first_m + row + r < extent.m && first_n + column + c < extent.n)
                product.write(point, split, first_m + row + r, first_n + column + c, sum[r][c]);
}

__global__ void __launch_bounds__(kThreads) join_splits_kernel(LinearBackwardParams p, int splits, int64_t size) {
    const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    const int point = int(blockIdx.z);
    if (i >= size) return;
    float sum = 0.f;
    for (int split = 0; split < splits; ++split) sum += p.workspace[(int64_t(point) * splits + split) * size + i];
    p.gradient[point][p.weight + i] = sum * p.unscale;
}

int tiles(int extent) { return (extent + kTile - 1) / kTile; }

// Of the sum over images in dW: about 64 blocks per point, at least 64 images each.
Extent weights_extent(const Tensor &x, int outputs, int n_images) {
    Extent e;
    e.m = outputs, e.n = x.height * x.width * x.channels, e.k = n_images;
    const int wanted = std::max(1, 64 / (tiles(e.m) * tiles(e.n))), most = std::max(1, n_images / 64);
    const int splits = std::min(wanted, most);
    e.k_per_split = ((n_images + splits - 1) / splits + kSlice - 1) / kSlice * kSlice;
    e.splits = (n_images + e.k_per_split - 1) / e.k_per_split;
    return e;
}

int64_t split_floats(const Extent &e) { return e.splits == 1 ? 0 : int64_t(e.splits) * e.m * e.n; }

template <class Product> void run(const Product &product, const Extent &extent, int n_points, Stream stream) {
    const dim3 grid(unsigned(tiles(extent.n) * extent.splits), unsigned(tiles(extent.m)), unsigned(n_points));
    launch(product_kernel<Product>, grid, dim3(kThreads), kShared, stream, product, extent);
}

} // namespace

void linear(const LinearParams &p, int n_points, Stream stream) {
    expect(p.y.element == Element::kFp32, "The output of a linear layer is float32.");
    const int inputs = p.x.height * p.x.width * p.x.channels;
    with_element(p.x.element, [&](auto t) {
        run(Forward<decltype(t)>{p}, Extent{p.n_images, p.y.channels, inputs, inputs, 1}, n_points, stream);
    });
}

void linear_backward(const LinearBackwardParams &p, int n_points, Stream stream) {
    expect(p.y.g.element == Element::kFp32 && (!p.y.corrected || p.y.value.element == Element::kFp32),
           "The gradient of a linear layer's output is float32.");
    const int outputs = p.y.g.channels;
    if (p.gradient) {
        const Extent extent = weights_extent(p.x, outputs, p.n_images);
        with_element(p.x.element,
                     [&](auto t) { run(BackwardWeights<decltype(t)>{p, extent.splits}, extent, n_points, stream); });
        if (extent.splits > 1) {
            const int64_t size = int64_t(extent.m) * extent.n;
            launch(join_splits_kernel, dim3(unsigned((size + kThreads - 1) / kThreads), 1, unsigned(n_points)),
                   dim3(kThreads), 0, stream, p, extent.splits, size);
        }
        if (p.bias >= 0) {
            ChannelSumsParams sums;
            sums.from = p.y;
            sums.n_images = p.n_images;
            sums.parts = p.workspace + n_points * split_floats(extent);
            sums.gradient = p.gradient, sums.bias = p.bias, sums.unscale = p.unscale;
            channel_sums(sums, n_points, stream);
        }
    }
    if (!p.dx.g.data) return;
    const int inputs = p.dx.g.height * p.dx.g.width * p.dx.g.channels;
    with_element(p.dx.g.element, [&](auto t) {
        run(BackwardData<decltype(t)>{p}, Extent{p.n_images, inputs, outputs, outputs, 1}, n_points, stream);
    });
}

int64_t linear_workspace(const Tensor &x, int outputs, int n_images) {
    return split_floats(weights_extent(x, outputs, n_images)) +
           int64_t(partition_of(n_images, outputs).parts) * outputs;
}

} // namespace ist::cuda
