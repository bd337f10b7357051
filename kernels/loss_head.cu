// loss_head.cu - see loss_head.h.
//
// Shapes: x [point][image][y][x][c]. A block takes the images of a loss part, 64 threads each, a thread a 16-byte chunk
// of channels of every rows-th pixel. Passes: x and the residual are read once, the gradient of x is written once;
// pooled features and dlogits are written for loss_head_weights. The gradient of a pixel is that of its image's mean or
// 0: so the batch norm's sums need only, per image and channel, how many pixels the ReLU lets through and the sum of
// their x - mean, and the way back needs one bit of every element, which stays in shared memory.
// Determinism: float32 sums over a thread's pixels, then its image's threads in order; over channels by a warp, lanes
// in a fixed tree; over a block's images in order. The loss is double (softmax.cuh). Cuts are functions of the shape.
#include "loss_head.h"

#include <cuda_runtime.h>

#include <algorithm>

#include "operand.cuh"
#include "partition.h"
#include "softmax.cuh"

#include "../native/src/random.h" // IST_HD

namespace ist::cuda {
namespace {

constexpr int kImages = kLossPartImages, kHeadThreads = 256, kImageThreads = kHeadThreads / kImages;
constexpr int kHeadWarps = kHeadThreads / 32, kMostShared = 96 << 10;
constexpr int kWeightsThreads = 256, kWeightsWarps = kWeightsThreads / 32;

// How an image's threads share its chunks and pixels, and where things are in shared memory: floats
// constants[3][padded], sums[3][image][row][padded], logits and dlogits [image][class], losses, mask bytes.
struct HeadShape {
    int pixels = 1, channels = 1, classes = 1;
    int chunks = 1, lanes = 1, rows = 1, padded = 1; // padded: channels of whole chunks

    HeadShape(int pixels, int channels, int classes, int per_chunk)
        : pixels(pixels), channels(channels), classes(classes), chunks((channels + per_chunk - 1) / per_chunk),
          lanes(std::min(chunks, kImageThreads)), rows(std::min(kImageThreads / lanes, pixels)),
          padded(chunks * per_chunk) {}
    IST_HD int quantity() const { return kImages * rows * padded; }
    IST_HD int logits_at() const { return 3 * padded + 3 * quantity(); }
    IST_HD int losses_at() const { return (logits_at() + 2 * kImages * classes + 1) / 2 * 2; }
    IST_HD int mask_at() const { return losses_at() + kImages * int(sizeof(LossPart) / sizeof(float)); }
    size_t bytes() const { return size_t(mask_at()) * sizeof(float) + size_t(kImages) * pixels * chunks; }
};

struct Head {
    LossHeadParams p;
    HeadShape shape;
    bool x_aligned, residual_aligned, dx_aligned;
};

// The chunk at `data`, of which elements first .. first + valid - 1 exist; the others are 0.
template <class T> __device__ __forceinline__ uint4 read_chunk(const T *data, int first, int valid, bool aligned) {
    if (aligned && first <= 0 && first + valid >= kPerChunk<T>) return *reinterpret_cast<const uint4 *>(data);
    float values[kPerChunk<T>];
#pragma unroll
    for (int i = 0; i < kPerChunk<T>; ++i) values[i] = i >= first && i < first + valid ? to_float(data[i]) : 0.f;
    return pack<T>(values);
}

template <int W> __device__ __forceinline__ void read_floats(const float *from, float (&values)[W]) {
#pragma unroll
    for (int i = 0; i < W; i += 4) {
        const float4 v = *reinterpret_cast<const float4 *>(from + i);
        values[i] = v.x, values[i + 1] = v.y, values[i + 2] = v.z, values[i + 3] = v.w;
    }
}

template <int W> __device__ __forceinline__ void write_floats(float *to, const float (&values)[W]) {
#pragma unroll
    for (int i = 0; i < W; i += 4)
        *reinterpret_cast<float4 *>(to + i) = make_float4(values[i], values[i + 1], values[i + 2], values[i + 3]);
}

template <class T, bool kGradient>
__global__ void __launch_bounds__(kHeadThreads, 2) loss_head_kernel(const __grid_constant__ Head head) {
    constexpr int W = kPerChunk<T>, kAhead = 4;
    const LossHeadParams &p = head.p;
    const HeadShape &s = head.shape;
    const Tensor &x = p.from.x, &r = p.from.residual;
    float *scale = reinterpret_cast<float *>(shared_memory()), *shift = scale + s.padded, *mean = shift + s.padded;
    float *pooled = mean + s.padded, *open = pooled + s.quantity(), *product = open + s.quantity();
    float *logits = scale + s.logits_at(), *dlogits = logits + kImages * s.classes;
    LossPart *losses = reinterpret_cast<LossPart *>(scale + s.losses_at());
    uint8_t *mask = reinterpret_cast<uint8_t *>(scale + s.mask_at());
    const int thread = int(threadIdx.x), point = int(blockIdx.z), lane = thread % 32, warp = thread / 32;
    const int first_image = int(blockIdx.x) * kImages, n_images = p.loss.n_images;
    const bool is_relu = p.from.activation == Activation::kRelu;
    const float *row_of_point = p.params[point];

    for (int c = thread; c < s.padded; c += kHeadThreads) {
        const Norm &norm = p.from.norm;
        const bool applied = norm.applied && c < s.channels;
        const float mu = applied ? norm.mean.data[point * norm.mean.stride + c] : 0.f;
        const float a = applied ? row_of_point[norm.gamma + c] * norm.invstd.data[point * norm.invstd.stride + c] : 1.f;
        scale[c] = a, shift[c] = applied ? row_of_point[norm.beta + c] - mu * a : 0.f, mean[c] = mu;
    }
    __syncthreads();

    // Per image and channel: the sum of the activations, the number of open ones, the sum of their x - mean.
    const int own = thread / kImageThreads, image = first_image + own;
    const int row = thread % kImageThreads / s.lanes, first_chunk = thread % kImageThreads % s.lanes;
    const int n_pixels = image < n_images ? s.pixels : 0;
    uint8_t *own_mask = mask + own * s.pixels * s.chunks;
    for (int chunk = first_chunk; row < s.rows && chunk < s.chunks; chunk += s.lanes) {
        const int c = chunk * W, from_c = c - p.from.residual_first;
        const bool has_residual = r.data && from_c + W > 0 && from_c < r.channels;
        float a[W], b[W], mu[W], sum[W], n_open[W], centred[W];
        read_floats<W>(scale + c, a);
        read_floats<W>(shift + c, b);
        read_floats<W>(mean + c, mu);
#pragma unroll
        for (int i = 0; i < W; ++i) sum[i] = n_open[i] = centred[i] = 0.f;
#pragma unroll 1
        for (int pixel = row; pixel < n_pixels; pixel += kAhead * s.rows) {
            uint4 raw[kAhead], raw_r[kAhead];
#pragma unroll
            for (int j = 0; j < kAhead; ++j) {
                const int64_t place = int64_t(image) * s.pixels + pixel + j * s.rows;
                raw[j] = raw_r[j] = make_uint4(0, 0, 0, 0);
                if (pixel + j * s.rows >= n_pixels) continue;
                raw[j] = read_chunk<T>(at<const T>(x, point, place, c), 0, s.channels - c, head.x_aligned);
                if (has_residual)
                    raw_r[j] = read_chunk<T>(
                        at<const T>(r, point, residual_row(r, p.from.residual_step, x.height, x.width, place), from_c),
                        -from_c, r.channels, head.residual_aligned);
            }
#pragma unroll
            for (int j = 0; j < kAhead; ++j) {
                if (pixel + j * s.rows >= n_pixels) break;
                float values[W], added[W];
                unpack<T>(raw[j], values);
                unpack<T>(raw_r[j], added);
                unsigned bits = 0;
#pragma unroll
                for (int i = 0; i < W; ++i) {
                    float y = fmaf(a[i], values[i], b[i]);
                    if (has_residual) y += added[i];
                    if (is_relu) y = relu(y);
                    sum[i] += y;
                    if (!kGradient) continue;
                    const bool through = !is_relu || y > 0.f;
                    bits |= unsigned(through) << i;
                    n_open[i] += through ? 1.f : 0.f;
                    centred[i] += through ? values[i] - mu[i] : 0.f;
                }
                if (kGradient) own_mask[(pixel + j * s.rows) * s.chunks + chunk] = uint8_t(bits);
            }
        }
        const int to = (own * s.rows + row) * s.padded + c;
        write_floats<W>(pooled + to, sum);
        if (kGradient) write_floats<W>(open + to, n_open), write_floats<W>(product + to, centred);
    }
    __syncthreads();

    // The threads of an image are joined in its first row.
    const float factor = 1.f / float(s.pixels);
    for (int i = thread; i < kImages * s.padded; i += kHeadThreads) {
        const int of = i / s.padded, c = i % s.padded, to = of * s.rows * s.padded + c;
        const auto join = [&](float *quantity) {
            float sum = quantity[to];
            for (int k = 1; k < s.rows; ++k) sum += quantity[to + k * s.padded];
            return quantity[to] = sum;
        };
        const float feature = pooled[to] = join(pooled) * factor;
        if (!kGradient) continue;
        join(open), join(product);
        if (first_image + of < n_images && c < s.channels) *at<float>(p.pooled, point, first_image + of, c) = feature;
    }
    __syncthreads();

    const float *weights = row_of_point + p.weight;
    for (int k = warp; k < s.classes; k += kHeadWarps) {
        float sum[kImages];
#pragma unroll
        for (int i = 0; i < kImages; ++i) sum[i] = 0.f;
        for (int c = lane; c < s.channels; c += 32) {
            const float w = weights[int64_t(k) * s.channels + c];
#pragma unroll
            for (int i = 0; i < kImages; ++i) sum[i] = fmaf(w, pooled[i * s.rows * s.padded + c], sum[i]);
        }
        const float bias = p.bias >= 0 ? row_of_point[p.bias + k] : 0.f;
#pragma unroll
        for (int i = 0; i < kImages; ++i) {
            for (int distance = 16; distance > 0; distance /= 2)
                sum[i] += __shfl_xor_sync(0xffffffffu, sum[i], distance);
            if (lane == i) logits[i * s.classes + k] = sum[i] + bias;
        }
    }
    __syncthreads();

    if (warp < kImages) {
        const int of = first_image + warp;
        const bool exists = of < n_images;
        float *log_p = exists ? p.loss.log_probabilities : nullptr;
        if (log_p) log_p += point * p.loss.log_probabilities_stride + int64_t(of) * s.classes;
        const int label = exists ? p.loss.samples.data[point * p.loss.samples.stride + of].label : -1;
        const LossPart part = softmax_of_image(logits + warp * s.classes, s.classes, label, p.loss.gradient_factor,
                                               kGradient ? dlogits + warp * s.classes : nullptr, log_p);
        if (lane == 0) losses[warp] = part;
    }
    __syncthreads();
    if (thread == 0) write_part(p.loss, point, losses);
    if constexpr (kGradient) {
        for (int i = thread; i < kImages * s.classes; i += kHeadThreads) {
            const int of = first_image + i / s.classes;
            if (of < n_images) *at<float>(p.loss.dlogits, point, of, i % s.classes) = dlogits[i];
        }
        for (int i = thread; i < kImages * s.padded; i += kHeadThreads) {
            const int of = i / s.padded, c = i % s.padded, to = of * s.rows * s.padded + c;
            float g = 0.f;
            if (c < s.channels)
#pragma unroll 4
                for (int k = 0; k < s.classes; ++k)
                    g = fmaf(weights[int64_t(k) * s.channels + c], dlogits[of * s.classes + k], g);
            g *= factor;
            if (!p.scaled) g = rounded<T>(g); // what is left is what is summed
            pooled[to] = p.scaled ? scale[c] * g : g;
            open[to] *= g, product[to] *= g;
        }
        __syncthreads();

        if (p.sums)
            for (int c = thread; c < s.channels; c += kHeadThreads) {
                float first = 0.f, second = 0.f;
                for (int i = 0; i < kImages; ++i) {
                    first += open[i * s.rows * s.padded + c];
                    second += product[i * s.rows * s.padded + c];
                }
                float *sums = p.sums + (int64_t(point) * gridDim.x + blockIdx.x) * 2 * s.channels;
                sums[c] = first, sums[s.channels + c] = second;
            }
        for (int chunk = first_chunk; p.dx.data && row < s.rows && chunk < s.chunks; chunk += s.lanes) {
            const int c = chunk * W, valid = s.channels - c;
            float g[W];
            read_floats<W>(pooled + own * s.rows * s.padded + c, g);
            for (int pixel = row; pixel < n_pixels; pixel += s.rows) {
                T *to = at<T>(p.dx, point, int64_t(image) * s.pixels + pixel, c);
                const unsigned bits = own_mask[pixel * s.chunks + chunk];
                float values[W];
#pragma unroll
                for (int i = 0; i < W; ++i) values[i] = bits >> i & 1 ? g[i] : 0.f;
                store_chunk<T>(to, valid, head.dx_aligned, values);
            }
        }
    }
}

// grid: x 32 channels of W and, behind the last, b; y classes; z points. A warp adds every eighth image, the warps are
// added in order.
__global__ void __launch_bounds__(kWeightsThreads) loss_head_weights_kernel(LossHeadWeightsParams p) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32, point = int(blockIdx.z);
    const int c = int(blockIdx.x) * 32 + lane, k = int(blockIdx.y), channels = p.pooled.channels;
    const float *pooled = at<const float>(p.pooled, point, 0, c < channels ? c : 0);
    const float *dlogits = at<const float>(p.dlogits, point, 0, k);
    float sum = 0.f;
#pragma unroll 8
    for (int image = warp; image < p.n_images; image += kWeightsWarps) {
        const float feature = c < channels ? pooled[int64_t(image) * p.pooled.pitch] : 1.f;
        sum = fmaf(dlogits[int64_t(image) * p.dlogits.pitch], feature, sum);
    }
    shared[warp * 32 + lane] = sum;
    __syncthreads();
    if (warp != 0 || c > channels || (c == channels && p.bias < 0)) return;
    for (int i = 1; i < kWeightsWarps; ++i) sum += shared[i * 32 + lane];
    p.gradient[point][c < channels ? p.weight + int64_t(k) * channels + c : p.bias + k] = sum * p.unscale;
}

} // namespace

void loss_head(const LossHeadParams &p, int n_points, Stream stream) {
    const Tensor &x = p.from.x, &r = p.from.residual;
    const bool gradient = p.loss.dlogits.data;
    expect(!p.from.residual_norm.applied, "The loss head takes no normalised residual.");
    expect(p.from.activation == Activation::kNone || p.from.activation == Activation::kRelu,
           "The loss head takes no activation but ReLU.");
    operand_width(p.from, x); // checks the residual
    expect(!gradient || (p.pooled.data && p.pooled.element == Element::kFp32 &&
                         p.loss.dlogits.element == Element::kFp32 && (!p.dx.data || p.dx.element == x.element)),
           "The loss head's pooled features and dlogits are float32, its gradient has its operand's element type.");
    rows_of(x, p.loss.n_images);
    with_element(x.element, [&](auto t) {
        using T = decltype(t);
        const HeadShape shape(x.height * x.width, x.channels, p.loss.logits.channels, kPerChunk<T>);
        const bool residual_aligned = pixels_aligned(r, 16) && p.from.residual_first % kPerChunk<T> == 0;
        const Head head{p, shape, pixels_aligned(x, 16), residual_aligned, pixels_aligned(p.dx, 16)};
        const dim3 grid(unsigned(loss_parts(p.loss.n_images)), 1, unsigned(n_points));
        const auto run = [&](auto kernel) { launch(kernel, grid, dim3(kHeadThreads), shape.bytes(), stream, head); };
        if (gradient) run(loss_head_kernel<T, true>);
        else run(loss_head_kernel<T, false>);
    });
}

bool loss_head_fits(int pixels, int channels, int classes) {
    if (int64_t(pixels) * channels > kMostShared || int64_t(classes) * kImages > kMostShared) return false;
    return HeadShape(pixels, channels, classes, 4).bytes() <= size_t(kMostShared) &&
           HeadShape(pixels, channels, classes, 8).bytes() <= size_t(kMostShared);
}

void loss_head_weights(const LossHeadWeightsParams &p, int n_points, Stream stream) {
    expect(p.pooled.element == Element::kFp32 && p.dlogits.element == Element::kFp32,
           "Pooled features and dlogits are float32.");
    const dim3 grid(unsigned(p.pooled.channels / 32 + 1), unsigned(p.dlogits.channels), unsigned(n_points));
    launch(loss_head_weights_kernel, grid, dim3(kWeightsThreads), kWeightsThreads * sizeof(float), stream, p);
}

} // namespace ist::cuda
