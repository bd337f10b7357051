// conv_direct_avx512.cpp - direct convolutions, forward and data gradient, in registers: the 3x3 and 1x1 convolutions
// of residual networks, stride 1 and 2, any number of channels, any image.
//
//   dst[y][x][n] = epilogue(sum over taps t, channels k: src[y * step + dy_t][x * step + dx_t][k] * w_t[k][n])
//
// A *tile* is PX neighbouring pixels of one row times NB blocks of 16 output channels, PX * NB accumulators that stay
// in registers over all taps and channels. Per tap and channel a block of weights is loaded and every pixel's input is
// broadcast from memory into the multiply-add itself; in bf16 the unit is a pair of channels (VDPBF16PS). Input pixels
// outside the image are left out rather than multiplied by zero. The data gradient is the same with other taps: ddst is
// the source, the weights are transposed, and a stride of 2 makes four interleaved grids of dsrc pixels, each with its
// own one, two or four taps.
//
// Layout: slices NHWC with any pitch; packed weights [group of NB blocks][tap][channel unit][NB * 16 lanes], lanes and
// the odd bf16 channel filled with 0. Passes: src once per block group (from L1), weights once per tile, dst once.
// Determinism: every output element is one chain of multiply-adds in the order (tap, channel): the same bits for any
// number of images and threads.
//
// Measured on a 2-core Zen 4 (256-bit units, one thread, 8 images, minimum of 200 calls; peak of the core 117 GFLOP/s
// fp32, 234 bf16), in GFLOP/s of the padded convolution, which leaving out the border can exceed; 3x3, stride 1:
//                   16 -> 16, 32x32    32 -> 32, 16x16    64 -> 64, 8x8
//   fp32 PX16 NB1        116.5              132.8             -           (oneDNN forward NHWC 98 / - / 114)
//   fp32 PX8  NB2          -                126.8           141.9
//   bf16 PX16 NB1        231.3              254.8             -           (oneDNN forward NHWC - / - / 254)
//   bf16 PX8  NB2          -                254.6           298.2
// Tried: the pitch as a template constant: the same, but bf16 16 -> 16 fell to 156 (GCC 12 spills); PX8 NB1: 2 to 10 %
// slower in bf16.
#include "conv_avx512.h"

namespace ist::cpu {
namespace {

constexpr int kMaxTaps = 9;

struct Tap {
    int dy, dx; // source pixel of destination pixel (0, 0) of the grid
    int ky, kx; // weight
};

// Destination pixels (y * dst_step + dst_y, x * dst_step + dst_x) for 0 <= y < height, 0 <= x < width.
struct Grid {
    int height, width, dst_y, dst_x, first_tap, n_taps;
};

// A convolution as the tiles see it.
struct Plan {
    int src_height, src_width, src_step, src_channels; // of what is read
    int dst_height, dst_width, dst_step, dst_channels; // of what is written
    int n_taps, n_grids;
    Tap taps[kMaxTaps];
    Grid grids[4];
    int blocks_per_group() const { return grids[0].width % 16 == 0 ? 1 : 2; }
    int blocks() const { return (dst_channels + kLanes - 1) / kLanes; }
};

Plan forward_plan(const ConvShape &s) {
    Plan p{s.height, s.width, s.stride, s.src_channels, s.dst_height(), s.dst_width(), 1, s.dst_channels, 0, 0, {}, {}};
    for (int ky = 0; ky < s.kernel; ky++)
        for (int kx = 0; kx < s.kernel; kx++) p.taps[p.n_taps++] = {ky - s.padding, kx - s.padding, ky, kx};
    p.grids[p.n_grids++] = {p.dst_height, p.dst_width, 0, 0, 0, p.n_taps};
    return p;
}

// dsrc[y] gets ddst[o] * w[k] where o * stride + k - padding = y.
Plan data_plan(const ConvShape &s) {
    Plan p{s.dst_height(), s.dst_width(), 1, s.dst_channels, s.height, s.width, s.stride, s.src_channels, 0, 0, {}, {}};
    for (int a = 0; a < s.stride; a++)
        for (int b = 0; b < s.stride; b++) {
            Grid grid{
                (s.height - a + s.stride - 1) / s.stride, (s.width - b + s.stride - 1) / s.stride, a, b, p.n_taps, 0};
            for (int ky = 0; ky < s.kernel; ky++)
                for (int kx = 0; kx < s.kernel; kx++) {
                    const int y = a + s.padding - ky, x = b + s.padding - kx;
                    if (y % s.stride == 0 && x % s.stride == 0)
                        p.taps[p.n_taps++] = {y / s.stride, x / s.stride, ky, kx};
                }
            grid.n_taps = p.n_taps - grid.first_tap;
            if (grid.height > 0 && grid.width > 0) p.grids[p.n_grids++] = grid;
        }
    return p;
}

bool supports(const ConvShape &s) {
    const bool kernel = (s.kernel == 3 && s.padding == 1) || (s.kernel == 1 && s.padding == 0);
    return kernel && (s.stride == 1 || s.stride == 2) && s.height >= s.stride && s.width >= s.stride;
}

// ---- weights ------------------------------------------------------------------------------------------------------

template <class E> int64_t units(int channels) { return (channels + E::kUnit - 1) / E::kUnit; }

template <class E> size_t packed_bytes(const Plan &p) {
    return size_t(p.blocks()) * kLanes * size_t(p.n_taps) * size_t(units<E>(p.src_channels)) * sizeof(float);
}

// Output channel n of input channel k is oihw[n * n_stride + k * k_stride + (ky, kx)].
template <class E>
void pack(const Plan &p, const float *oihw, int kernel, int64_t n_stride, int64_t k_stride, void *packed) {
    auto *out = static_cast<typename E::T *>(packed);
    const int per_group = p.blocks_per_group();
    for (int first = 0; first < p.blocks(); first += per_group) {
        const int lanes = (p.blocks() - first < per_group ? p.blocks() - first : per_group) * kLanes;
        for (int t = 0; t < p.n_taps; t++)
            for (int k0 = 0; k0 < p.src_channels; k0 += E::kUnit)
                for (int lane = 0; lane < lanes; lane++)
                    for (int k = k0; k < k0 + E::kUnit; k++) {
                        const int n = first * kLanes + lane;
                        const bool real = n < p.dst_channels && k < p.src_channels;
                        *out++ =
                            real ? E::weight(oihw[n * n_stride + k * k_stride + p.taps[t].ky * kernel + p.taps[t].kx])
                                 : typename E::T(0);
                    }
    }
}

// ---- tiles --------------------------------------------------------------------------------------------------------

enum class Skip { kNone, kFirst, kLast }; // the pixel of a tile that a tap finds outside the image

template <class T> struct TapOfTile {
    const T *src;
    const float *weights;
    Skip skip;
};

template <class T> struct TileArguments {
    TapOfTile<T> taps[kMaxTaps];
    int n_taps, channels;
    int64_t src_step, dst_step, residual_step; // from pixel to pixel, in elements
    T *dst;
    const T *residual; // or null
    const float *bias; // or null
    bool relu;
    __mmask16 last_lanes; // of the tile's last block
    NormAt<T> norm;       // in front, for data gradients
};

template <class E, int PX, int NB, int kFrom, int kTo>
IST_INLINE void tap(__m512 (&sum)[NB][PX], const typename E::T *src, int64_t step, const float *weights, int channels) {
    const int whole = channels / E::kUnit;
    for (int k = 0; k < whole; k++, weights += NB * kLanes, src += E::kUnit) {
        __m512 w[NB];
#pragma GCC unroll 2
        for (int n = 0; n < NB; n++) w[n] = _mm512_load_ps(weights + n * kLanes);
#pragma GCC unroll 16
        for (int x = kFrom; x < kTo; x++) {
            const __m512 value = E::broadcast(src + x * step);
#pragma GCC unroll 2
            for (int n = 0; n < NB; n++) sum[n][x] = E::multiply_add(w[n], value, sum[n][x]);
        }
    }
    if constexpr (E::kUnit == 2) { // an odd channel: its partner belongs to the next pixel, and may be NaN
        if (channels % 2 == 0) return;
        for (int n = 0; n < NB; n++) {
            const __m512 w = _mm512_load_ps(weights + n * kLanes);
#pragma GCC unroll 16
            for (int x = kFrom; x < kTo; x++)
                sum[n][x] = E::multiply_add(w, E::broadcast_last(src + x * step), sum[n][x]);
        }
    }
}

template <class E, int PX, int NB> void tile(const TileArguments<typename E::T> &a) {
    __m512 sum[NB][PX];
#pragma GCC unroll 2
    for (int n = 0; n < NB; n++)
#pragma GCC unroll 16
        for (int x = 0; x < PX; x++) sum[n][x] = _mm512_setzero_ps();
    const int64_t step = a.src_step;
    for (int t = 0; t < a.n_taps; t++) {
        const TapOfTile<typename E::T> &at = a.taps[t];
        if (at.skip == Skip::kNone) tap<E, PX, NB, 0, PX>(sum, at.src, step, at.weights, a.channels);
        else if (at.skip == Skip::kFirst) tap<E, PX, NB, 1, PX>(sum, at.src, step, at.weights, a.channels);
        else tap<E, PX, NB, 0, PX - 1>(sum, at.src, step, at.weights, a.channels);
    }
#pragma GCC unroll 2
    for (int n = 0; n < NB; n++) {
        const __mmask16 lanes = n == NB - 1 ? a.last_lanes : __mmask16(0xffff);
        if (a.norm.x) norm_backward<E, PX>(sum[n], a.norm, n * kLanes, lanes);
        const __m512 bias = a.bias ? _mm512_maskz_loadu_ps(lanes, a.bias + n * kLanes) : _mm512_setzero_ps();
#pragma GCC unroll 16
        for (int x = 0; x < PX; x++) {
            __m512 y = sum[n][x];
            if (a.bias) y = _mm512_add_ps(y, bias);
            if (a.residual) y = _mm512_add_ps(y, E::load(a.residual + x * a.residual_step + n * kLanes, lanes));
            if (a.relu) y = _mm512_max_ps(_mm512_setzero_ps(), y); // NaN stays NaN
            E::store(a.dst + x * a.dst_step + n * kLanes, y, lanes);
        }
    }
}

template <class E, int NB> void tile_of(int pixels, const TileArguments<typename E::T> &arguments) {
    switch (pixels) {
    case 16:
        if constexpr (NB == 1) return tile<E, 16, NB>(arguments);
        break;
    case 8: return tile<E, 8, NB>(arguments);
    case 4: return tile<E, 4, NB>(arguments);
    case 2: return tile<E, 2, NB>(arguments);
    case 1: return tile<E, 1, NB>(arguments);
    }
}

// The tiles of one row of one grid, for one group of blocks.
template <class E>
void row(const Plan &p, const Grid &grid, int y, const typename E::T *src, int64_t src_pitch, const float *weights,
         int64_t weights_per_tap, int blocks, TileArguments<typename E::T> a) {
    using T = typename E::T;
    const Tap *taps[kMaxTaps];
    const T *rows[kMaxTaps];
    const float *packed[kMaxTaps];
    a.n_taps = 0;
    for (int t = grid.first_tap; t < grid.first_tap + grid.n_taps; t++) {
        const int from = y * p.src_step + p.taps[t].dy;
        if (from < 0 || from >= p.src_height) continue;
        taps[a.n_taps] = &p.taps[t];
        rows[a.n_taps] = src + (int64_t(from) * p.src_width + p.taps[t].dx) * src_pitch;
        packed[a.n_taps++] = weights + t * weights_per_tap;
    }
    T *const dst = a.dst;
    const T *const residual = a.residual, *const norm_x = a.norm.x;
    const int widest = blocks == 1 ? 16 : 8;
    for (int x = 0; x < grid.width;) {
        int pixels = widest;
        while (pixels > grid.width - x) pixels /= 2;
        for (int t = 0; t < a.n_taps; t++) {
            const int first = x * p.src_step + taps[t]->dx, last = first + (pixels - 1) * p.src_step;
            a.taps[t] = {rows[t] + int64_t(x) * p.src_step * src_pitch, packed[t],
                         first < 0             ? Skip::kFirst
                         : last >= p.src_width ? Skip::kLast
                                               : Skip::kNone};
        }
        a.dst = dst + x * a.dst_step;
        a.residual = residual ? residual + x * a.residual_step : nullptr;
        a.norm.x = norm_x ? norm_x + x * a.norm.step : nullptr;
        if (blocks == 1) tile_of<E, 1>(pixels, a);
        else tile_of<E, 2>(pixels, a);
        x += pixels;
    }
}

// norm: the epilogue of a data gradient, whose sums are gathered in `sums` [2][whole blocks], or null.
template <class E>
void convolve(const Plan &p, int n, ConstSlice src, const void *packed, const ConvEpilogue &epilogue,
              const ConvDataEpilogue *norm, float *sums, Slice dst) {
    using T = typename E::T;
    const int64_t weights_per_block = units<E>(p.src_channels) * kLanes;
    const int channels = p.blocks() * kLanes;
    TileArguments<T> a{};
    a.channels = p.src_channels;
    a.src_step = p.src_step * src.pitch;
    a.dst_step = p.dst_step * dst.pitch;
    a.residual_step = p.dst_step * epilogue.residual.pitch;
    a.relu = epilogue.relu;
    if (norm) {
        a.norm.relu = norm->relu;
        a.norm.step = p.dst_step * norm->x.pitch;
        std::memset(sums, 0, size_t(2 * channels) * sizeof(float));
    }
    const auto at = [](const void *data, int64_t element) {
        return data ? static_cast<const T *>(data) + element : nullptr;
    };
    for (int i = 0; i < n; i++) {
        const T *from = at(src.data, int64_t(i) * p.src_height * p.src_width * src.pitch);
        for (int block = 0; block < p.blocks(); block += p.blocks_per_group()) {
            const int left = p.blocks() - block, blocks = left < p.blocks_per_group() ? left : p.blocks_per_group();
            const int channel = block * kLanes, last = (block + blocks - 1) * kLanes;
            const float *weights = static_cast<const float *>(packed) + block * p.n_taps * weights_per_block;
            a.last_lanes = first_lanes(p.dst_channels - last);
            a.bias = epilogue.bias ? epilogue.bias + channel : nullptr;
            if (norm) {
                a.norm.scale = norm->scale + channel, a.norm.shift = norm->shift + channel;
                a.norm.mean = norm->mean + channel;
                a.norm.dbeta = sums + channel, a.norm.dgamma = sums + channels + channel;
            }
            for (int g = 0; g < p.n_grids; g++)
                for (int y = 0; y < p.grids[g].height; y++) {
                    const int64_t pixel =
                        (int64_t(i) * p.dst_height + y * p.dst_step + p.grids[g].dst_y) * p.dst_width +
                        p.grids[g].dst_x;
                    a.dst = static_cast<T *>(dst.data) + pixel * dst.pitch + channel;
                    a.residual = at(epilogue.residual.data, pixel * epilogue.residual.pitch + channel);
                    a.norm.x = norm ? at(norm->x.data, pixel * norm->x.pitch + channel) : nullptr;
                    row<E>(p, p.grids[g], y, from, src.pitch, weights, blocks * weights_per_block, blocks, a);
                }
        }
        if (norm) {
            flush(sums, norm->dbeta, p.dst_channels);
            flush(sums + channels, norm->dgamma, p.dst_channels);
        }
    }
}

// ---- tables -------------------------------------------------------------------------------------------------------

size_t no_scratch(const ConvShape &) { return 0; }

template <class E> size_t forward_bytes(const ConvShape &s) { return packed_bytes<E>(forward_plan(s)); }
template <class E> void pack_forward(const ConvShape &s, const float *oihw, void *packed) {
    const int64_t area = int64_t(s.kernel) * s.kernel;
    pack<E>(forward_plan(s), oihw, s.kernel, s.src_channels * area, area, packed);
}
template <class E>
void run_forward(const ConvShape &s, int n, ConstSlice src, const ConvPrologue &, const void *packed,
                 const ConvEpilogue &epilogue, Slice dst, void *) {
    convolve<E>(forward_plan(s), n, src, packed, epilogue, nullptr, nullptr, dst);
}

template <class E> size_t data_bytes(const ConvShape &s) { return packed_bytes<E>(data_plan(s)); }
template <class E> void pack_data(const ConvShape &s, const float *oihw, void *packed) {
    const int64_t area = int64_t(s.kernel) * s.kernel;
    pack<E>(data_plan(s), oihw, s.kernel, area, s.src_channels * area, packed);
}
size_t data_scratch_bytes(const ConvShape &s) { return size_t(data_plan(s).blocks()) * kLanes * 2 * sizeof(float); }
template <class E>
void run_data(const ConvShape &s, int n, ConstSlice ddst, const void *packed, const ConvDataEpilogue &epilogue,
              Slice dsrc, void *scratch) {
    ConvEpilogue plain;
    if (epilogue.add) plain.residual = dsrc;
    convolve<E>(data_plan(s), n, ddst, packed, plain, epilogue.x.data ? &epilogue : nullptr,
                static_cast<float *>(scratch), dsrc);
}

template <class E> constexpr ConvForwardKernels forward_kernels() {
    return {supports, forward_bytes<E>, pack_forward<E>, no_scratch, run_forward<E>, false};
}
template <class E> constexpr ConvDataKernels data_kernels() {
    return {supports, data_bytes<E>, pack_data<E>, data_scratch_bytes, run_data<E>};
}

} // namespace

const ConvForwardKernels &conv_direct_f32_avx512() {
    static constexpr ConvForwardKernels kernels = forward_kernels<F32>();
    return kernels;
}
const ConvForwardKernels &conv_direct_bf16_avx512() {
    static constexpr ConvForwardKernels kernels = forward_kernels<Bf16>();
    return kernels;
}
const ConvDataKernels &conv_direct_data_f32_avx512() {
    static constexpr ConvDataKernels kernels = data_kernels<F32>();
    return kernels;
}
const ConvDataKernels &conv_direct_data_bf16_avx512() {
    static constexpr ConvDataKernels kernels = data_kernels<Bf16>();
    return kernels;
}

} // namespace ist::cpu
