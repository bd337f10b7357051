// conv_winograd_avx512.cpp - 3x3 convolutions of stride 1 in float32 by Winograd's minimal filtering F(2x2, 3x3),
// forward, data gradient and weight gradient: 16 multiplications for 4 outputs where the direct way takes 36.
//
//   Y = A^T [ sum over channels (G g G^T) * (B^T d B) ] A      (Lavin & Gray 2016, section 4.1)
//
// d: a 4x4 patch of the source, g: the 3x3 weights, Y: 2x2 outputs. The 16 products are 16 matrix products over the
// channels. A *group* of kTiles patches goes through three passes that meet in the first-level cache: patches to
// V[16][blocks of channels][kTiles][16]; for each block of 16 output channels V x U to M[16][kTiles][16], kTiles sums
// in registers; M to outputs, through the epilogue. Patches in a row share half of their columns, which are transformed
// once. The data gradient is the same with the weights transposed and turned by 180 degrees.
//
// Channels that do not fill a vector leave lanes empty: with 12 of 16 (DenseNet) it still takes 16 / 36 * 16 / 12 = 0.6
// of the direct way's multiplications.
//
// Float32 throughout; the transforms only add, and halve weights. Against the direct way the error of an output grows
// by a factor of 2 to 3 (1e-6 of the output vector's norm at 64 channels), far below that of a changed order of sums in
// a network's gradient. Bf16 has no such room, and no such kernel.
//
// Determinism: an output depends on its patch alone; sums over channels in their order. The weight gradient is summed
// in registers over as many patches as the shape says, from the first of a call on, and then added to `sum`.
//
// Measured on a core of Zen 4, images/s, best of some seconds, fp32:
//   ResNet-20: inference 1406 with the direct kernels, 1837 with these and four columns for each patch, 2080 with two;
//   training at batch 128 406, 477, 500, and 550 with the weight gradient (ResNet-56: 151 without, 186 with it).
//   DenseNet-40, training at batch 64 / inference: 57 / 188 with conv_panel_avx512.cpp, 71 / 240 with these, 75 with
//   the weight gradient.
// Tried:
// * places of patches by division instead of counting on: 1 % slower.
// * V[16][kTiles][channels]: sixteen rows to read from, their addresses spilled: DenseNet-40 inference 203, not 230.
// * no prefetch of the pixels that the next patches bring: 230, not 240 (what an L2 hit costs).
// * no prefetch of what the outputs are added to: DenseNet-40 training 61, not 70: a block of channels of a gradient is
//   64 bytes of every pixel's 700, beyond L2.
#include "conv_avx512.h"

namespace ist::cpu {
namespace {

constexpr int kTiles = 16;
constexpr int kPoints = 16; // of a transformed patch

int whole_blocks(int channels) { return (channels + kLanes - 1) / kLanes; }

// The convolution as seen by the patches.
struct Patches {
    int height, width, src_channels, dst_channels;
    int rows() const { return (height + 1) / 2; }
    int columns() const { return (width + 1) / 2; }
    int per_image() const { return rows() * columns(); }
    int src_padded() const { return whole_blocks(src_channels) * kLanes; }
    int dst_padded() const { return blocks() * kLanes; }
    int blocks() const { return whole_blocks(dst_channels); }
};

Patches forward_patches(const ConvShape &s) { return {s.height, s.width, s.src_channels, s.dst_channels}; }
Patches data_patches(const ConvShape &s) { return {s.height, s.width, s.dst_channels, s.src_channels}; }

// Where at least three quarters of the lanes are in use; DenseNet's 12 channels are just that.
bool fills(int channels) { return 4 * channels >= 3 * whole_blocks(channels) * kLanes; }

bool supports(const ConvShape &s) {
    return s.kernel == 3 && s.stride == 1 && s.padding == 1 && fills(s.src_channels) && fills(s.dst_channels) &&
           s.height >= 4 && s.width >= 4;
}

// ---- weights: U[block][point][src channel][16 lanes] ----------------------------------------------------------------

size_t packed_bytes(const Patches &p) {
    return size_t(kPoints) * size_t(p.src_channels) * size_t(p.dst_padded()) * sizeof(float);
}

// (1, 1/2, 1/2, 1) by G: the four values that three weights become.
IST_INLINE void transform_weights(const __m512 (&g)[3], __m512 (&u)[4]) {
    const __m512 half = _mm512_set1_ps(0.5f), ends = _mm512_add_ps(g[0], g[2]);
    u[0] = g[0];
    u[1] = _mm512_mul_ps(half, _mm512_add_ps(ends, g[1]));
    u[2] = _mm512_mul_ps(half, _mm512_sub_ps(ends, g[1]));
    u[3] = g[2];
}

// Weight (ky, kx) from input channel k to output channel n is oihw[n * n_stride + k * k_stride + 3 * ky + kx], or,
// turned, that of (2 - ky, 2 - kx).
void pack(const Patches &p, const float *oihw, int n_stride, int k_stride, bool turned, float *packed) {
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i index = _mm512_mullo_epi32(lane, _mm512_set1_epi32(n_stride));
    for (int block = 0; block < p.blocks(); block++) {
        const __mmask16 lanes = first_lanes(p.dst_channels - block * kLanes);
        for (int k = 0; k < p.src_channels; k++) {
            const float *from = oihw + int64_t(block) * kLanes * n_stride + int64_t(k) * k_stride;
            __m512 rows[4][3]; // G g: [point row][kx]
            for (int kx = 0; kx < 3; kx++) {
                __m512 g[3], u[4];
                for (int ky = 0; ky < 3; ky++) {
                    const int tap = 3 * ky + kx;
                    g[ky] = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), lanes, index, from + (turned ? 8 - tap : tap),
                                                     sizeof(float));
                }
                transform_weights(g, u);
                for (int i = 0; i < 4; i++) rows[i][kx] = u[i];
            }
            for (int i = 0; i < 4; i++) {
                __m512 u[4];
                transform_weights(rows[i], u);
                for (int j = 0; j < 4; j++) {
                    const int64_t at = (int64_t(block) * kPoints + 4 * i + j) * p.src_channels + k;
                    _mm512_store_ps(packed + at * kLanes, u[j]);
                }
            }
        }
    }
}

// ---- patches --------------------------------------------------------------------------------------------------------

// Where a patch lies: its outputs are the pixels (y, x) .. (y + 1, x + 1) of an image.
struct Place {
    int64_t image = 0;
    int y = 0, x = 0;
    void next(const Patches &p) {
        if ((x += 2) < p.width) return;
        x = 0;
        if ((y += 2) < p.height) return;
        y = 0, image++;
    }
};
struct Group {
    int count;
    Place places[kTiles];
};

// The next kTiles places, or the `left` that there are.
Group next_group(const Patches &p, Place &place, int64_t left) {
    Group group;
    group.count = int(left < kTiles ? left : kTiles);
    for (int t = 0; t < group.count; t++, place.next(p)) group.places[t] = place;
    return group;
}

// The first of a patch's outputs, as a row of a slice.
int64_t pixel_of(const Patches &p, const Place &at) { return (at.image * p.height + at.y) * p.width + at.x; }

// B^T d of four values.
IST_INLINE void transform_patch(__m512 (&d)[4]) {
    const __m512 a = _mm512_sub_ps(d[0], d[2]), b = _mm512_add_ps(d[1], d[2]);
    const __m512 c = _mm512_sub_ps(d[2], d[1]), e = _mm512_sub_ps(d[1], d[3]);
    d[0] = a, d[1] = b, d[2] = c, d[3] = e;
}

// A patch within the source: where its four rows begin, and what of them lies in the image.
struct Window {
    const float *rows[4];
    __mmask16 row[4], column[4]; // all lanes or none
    bool goes_on;                // its first two columns are the last two of the patch before
};

Window window(const Patches &p, const Place &at, bool first, ConstSlice src) {
    Window w;
    for (int i = 0; i < 4; i++) {
        const int y = at.y - 1 + i, x = at.x - 1 + i;
        const bool row = y >= 0 && y < p.height;
        w.row[i] = row ? 0xffff : 0;
        w.column[i] = x >= 0 && x < p.width ? 0xffff : 0;
        w.rows[i] = static_cast<const float *>(src.data) +
                    ((at.image * p.height + (row ? y : at.y)) * p.width + at.x - 1) * src.pitch;
    }
    w.goes_on = !first && at.x > 0;
    return w;
}

// Column j of a patch, transformed; what lies outside the image is 0, behind the prologue.
template <bool kPrologue>
IST_INLINE void column(const Window &w, int64_t offset, __mmask16 lanes, __m512 scale, __m512 shift, __m512 floor,
                       __m512 (&d)[4]) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const __mmask16 inside = lanes & w.row[i];
        d[i] = _mm512_maskz_loadu_ps(inside, w.rows[i] + offset);
        if (kPrologue) d[i] = _mm512_max_ps(floor, _mm512_maskz_fmadd_ps(inside, scale, d[i], shift));
    }
    transform_patch(d);
}

// Prefetches a vector, which may lie in two cache lines.
template <_mm_hint kHint> IST_INLINE void ask(const float *p) {
    _mm_prefetch(p, kHint);
    _mm_prefetch(p + kLanes - 1, kHint);
}

// Some patches to v[point][block of channels][kTiles][16], one block after the other.
template <bool kPrologue>
[[gnu::noinline]] void patches(const Patches &p, const Window *windows, int count, int64_t pitch,
                               const ConvPrologue &prologue, float *v) {
    const int64_t point_step = int64_t(kTiles) * p.src_padded(), next_rows = 2 * p.width * pitch;
    const __m512 floor = _mm512_set1_ps(prologue.relu ? 0.f : -__builtin_inff());
    for (int c = 0; c < p.src_channels; c += kLanes, v += kTiles * kLanes) {
        const __mmask16 lanes = first_lanes(p.src_channels - c);
        __m512 scale = floor, shift = floor, d[4][4]; // d: [column][row]
        if (kPrologue) {
            scale = _mm512_maskz_loadu_ps(lanes, prologue.scale + c);
            shift = _mm512_maskz_loadu_ps(lanes, prologue.shift + c);
        }
        for (int t = 0; t < count; t++) {
            const Window &w = windows[t];
            const auto load = [&](int j) {
                column<kPrologue>(w, j * pitch + c, lanes & w.column[j], scale, shift, floor, d[j]);
            };
            if (w.goes_on) {
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++) d[0][i] = d[2][i], d[1][i] = d[3][i];
            } else {
                load(0), load(1);
            }
            load(2), load(3);
            // what is new to the patch four further on, and to the patch two rows further down
            for (int i = 2; i < 4; i++)
                for (int j = 2; j < 4; j++) {
                    const float *new_pixel = w.rows[i] + j * pitch + c;
                    ask<_MM_HINT_T0>(new_pixel + 8 * pitch);
                    ask<_MM_HINT_T1>(new_pixel + next_rows);
                }
            float *out = v + t * kLanes;
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++) {
                __m512 row[4] = {d[0][i], d[1][i], d[2][i], d[3][i]};
                transform_patch(row);
#pragma GCC unroll 4
                for (int j = 0; j < 4; j++, out += point_step) _mm512_store_ps(out, row[j]);
            }
        }
    }
}

void patches(const Patches &p, const Group &group, ConstSlice src, const ConvPrologue &prologue, float *v) {
    Window windows[kTiles];
    for (int t = 0; t < group.count; t++) windows[t] = window(p, group.places[t], t == 0, src);
    if (prologue.scale) patches<true>(p, windows, group.count, src.pitch, prologue, v);
    else patches<false>(p, windows, group.count, src.pitch, prologue, v);
}

// ---- products -------------------------------------------------------------------------------------------------------

struct Output {
    Slice dst;
    ConvEpilogue epilogue;
    const ConvDataEpilogue *data; // of a data gradient, or null
    float *dbeta, *dgamma;        // [padded dst channels]
};

// Asks for what the outputs of a patch are made with. In line, because GCC takes a function that only prefetches for
// one without effect and leaves its calls out.
IST_INLINE void expect(const Patches &p, const Place &at, int channel, const Output &out) {
    const auto ask_for = [&](ConstSlice slice) __attribute__((always_inline)) {
        if (!slice.data) return;
        const float *pixel = static_cast<const float *>(slice.data) + channel + pixel_of(p, at) * slice.pitch;
        for (int i = 0; i < 2; i++, pixel += p.width * slice.pitch)
            ask<_MM_HINT_T0>(pixel), ask<_MM_HINT_T0>(pixel + slice.pitch);
    };
    ask_for(out.epilogue.residual);
    if (out.data) ask_for(out.data->x);
}

// m[point][kTiles][16] = v[point][block of channels][kTiles][16] x u[point][channels][16]; asks(point) is called on the
// way.
template <class Asks> void products(const float *v, const float *u, int channels, float *m, const Asks &asks) {
    for (int point = 0; point < kPoints; point++, m += kTiles * kLanes) {
        asks(point);
        __m512 sum[kTiles];
#pragma GCC unroll 16
        for (int t = 0; t < kTiles; t++) sum[t] = _mm512_setzero_ps();
        for (int left = channels; left > 0; left -= kLanes, v += kTiles * kLanes) {
            const float *x = v, *end = v + (left < kLanes ? left : kLanes);
            for (; x < end; x++, u += kLanes) {
                const __m512 w = _mm512_load_ps(u);
#pragma GCC unroll 16
                for (int t = 0; t < kTiles; t++) sum[t] = _mm512_fmadd_ps(w, _mm512_set1_ps(x[t * kLanes]), sum[t]);
            }
        }
#pragma GCC unroll 16
        for (int t = 0; t < kTiles; t++) _mm512_store_ps(m + t * kLanes, sum[t]);
    }
}

// ---- outputs --------------------------------------------------------------------------------------------------------

// A^T m of four values.
IST_INLINE void transform_output(__m512 m0, __m512 m1, __m512 m2, __m512 m3, __m512 &y0, __m512 &y1) {
    y0 = _mm512_add_ps(_mm512_add_ps(m0, m1), m2);
    y1 = _mm512_sub_ps(_mm512_sub_ps(m1, m2), m3);
}

// m to the 2x2 outputs of a group, channels channel .. channel + 15.
[[gnu::noinline]] void outputs(const Patches &p, const Group &group, const float *m, int channel, const Output &out) {
    const int64_t point_step = kTiles * kLanes;
    const __mmask16 lanes = first_lanes(p.dst_channels - channel);
    const __m512 bias =
        out.epilogue.bias ? _mm512_maskz_loadu_ps(lanes, out.epilogue.bias + channel) : _mm512_setzero_ps();
    const float *added = static_cast<const float *>(out.epilogue.residual.data);
    if (added) added += channel;
    const int64_t added_pitch = out.epilogue.residual.pitch;
    float *dst = static_cast<float *>(out.dst.data) + channel;
    NormAt<float> norm{};
    if (out.data) {
        norm.step = out.data->x.pitch, norm.relu = out.data->relu;
        norm.scale = out.data->scale + channel, norm.shift = out.data->shift + channel;
        norm.mean = out.data->mean + channel;
        norm.dbeta = out.dbeta + channel, norm.dgamma = out.dgamma + channel;
    }
    for (int t = 0; t < group.count; t++, m += kLanes) {
        __m512 half[4][2], y[2][2];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            const float *row = m + 4 * i * point_step;
            transform_output(_mm512_load_ps(row), _mm512_load_ps(row + point_step),
                             _mm512_load_ps(row + 2 * point_step), _mm512_load_ps(row + 3 * point_step), half[i][0],
                             half[i][1]);
        }
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) transform_output(half[0][j], half[1][j], half[2][j], half[3][j], y[0][j], y[1][j]);

        const Place &at = group.places[t];
        const int columns = at.x + 1 < p.width ? 2 : 1;
        const int64_t first = pixel_of(p, at);
        __mmask16 wanted[2][2];
        __m512 residual[2][2];
#pragma GCC unroll 2
        for (int i = 0; i < 2; i++)
#pragma GCC unroll 2
            for (int j = 0; j < 2; j++) {
                wanted[i][j] = at.y + i < p.height && j < columns ? lanes : __mmask16(0);
                if (added)
                    residual[i][j] =
                        _mm512_maskz_loadu_ps(wanted[i][j], added + (first + i * p.width + j) * added_pitch);
            }
        if (out.data)
#pragma GCC unroll 2
            for (int i = 0; i < 2; i++) {
                if (at.y + i >= p.height) continue;
                norm.x = static_cast<const float *>(out.data->x.data) + (first + i * p.width) * norm.step + channel;
                if (columns == 2) {
                    norm_backward<F32, 2>(y[i], norm, 0, lanes);
                } else {
                    __m512 one[1] = {y[i][0]};
                    norm_backward<F32, 1>(one, norm, 0, lanes);
                    y[i][0] = one[0];
                }
            }
#pragma GCC unroll 2
        for (int i = 0; i < 2; i++)
#pragma GCC unroll 2
            for (int j = 0; j < 2; j++) {
                __m512 value = y[i][j];
                if (out.epilogue.bias) value = _mm512_add_ps(value, bias);
                if (added) value = _mm512_add_ps(value, residual[i][j]);
                if (out.epilogue.relu) value = _mm512_max_ps(_mm512_setzero_ps(), value); // NaN stays NaN
                _mm512_mask_storeu_ps(dst + (first + i * p.width + j) * out.dst.pitch, wanted[i][j], value);
            }
    }
}

// ---- a slice --------------------------------------------------------------------------------------------------------

size_t patch_floats(const Patches &p) { return size_t(kPoints) * kTiles * size_t(p.src_padded()); }
size_t scratch_bytes(const Patches &p) {
    return (patch_floats(p) + size_t(kPoints) * kTiles * kLanes + 2 * size_t(p.dst_padded())) * sizeof(float);
}

void convolve(const Patches &p, int n, ConstSlice src, const ConvPrologue &prologue, const float *packed, Output out,
              void *scratch) {
    float *v = static_cast<float *>(scratch), *m = v + patch_floats(p);
    out.dbeta = m + kPoints * kTiles * kLanes, out.dgamma = out.dbeta + p.dst_padded();
    std::memset(out.dbeta, 0, 2 * size_t(p.dst_padded()) * sizeof(float));
    const int64_t all = int64_t(n) * p.per_image(), block_floats = int64_t(kPoints) * p.src_channels * kLanes;
    constexpr int64_t kFlushedTiles = kSumRows / 4;
    Place place;
    for (int64_t first = 0; first < all; first += kTiles) {
        const Group group = next_group(p, place, all - first);
        patches(p, group, src, prologue, v);
        for (int block = 0; block < p.blocks(); block++) {
            products(v, packed + block * block_floats, p.src_channels, m,
                     [&](int point) __attribute__((always_inline)) {
                         if (point < group.count) expect(p, group.places[point], block * kLanes, out);
                     });
            outputs(p, group, m, block * kLanes, out);
        }
        if (out.data && ((first + kTiles) % kFlushedTiles == 0 || first + kTiles >= all)) {
            flush(out.dbeta, out.data->dbeta, p.dst_channels);
            flush(out.dgamma, out.data->dgamma, p.dst_channels);
        }
    }
}

// ---- weight gradient ------------------------------------------------------------------------------------------------
//
//   dW = G'^T [ sum over patches (A dY A^T) * (B^T d B) ] G',   dY: the 2x2 gradients of a patch's outputs
//
// which is the forward pass's trilinear form solved for the weights, so V is the same. A z = (z0, z0 + z1, z0 - z1,
// z1): the sign of the last is left to G'. sum[block of src channels][block of dst channels][point][16 src][16 dst] is
// transformed once a step.

constexpr int kPatchBytes = 256 * 1024; // of V and U at a time, which lie in L2

// Groups whose products are summed in registers before they go to `sum`: a fixed function of the shape.
int groups_together(const Patches &p) {
    const int bytes = kPoints * kTiles * (p.src_padded() + p.dst_padded()) * int(sizeof(float));
    const int groups = kPatchBytes / bytes;
    return groups < 1 ? 1 : groups > 4 ? 4 : groups;
}

// A z of two values.
IST_INLINE void spread_gradient(__m512 z0, __m512 z1, __m512 (&u)[4]) {
    u[0] = z0, u[1] = _mm512_add_ps(z0, z1), u[2] = _mm512_sub_ps(z0, z1), u[3] = z1;
}

// A group of ddst to u[point][block of channels][kTiles][16].
void gradients(const Patches &p, const Group &group, ConstSlice ddst, float *u) {
    const int64_t point_step = int64_t(kTiles) * p.dst_padded();
    for (int c = 0; c < p.dst_channels; c += kLanes, u += kTiles * kLanes) {
        const __mmask16 lanes = first_lanes(p.dst_channels - c);
        for (int t = 0; t < group.count; t++) {
            const Place &at = group.places[t];
            const float *pixel = static_cast<const float *>(ddst.data) + c + pixel_of(p, at) * ddst.pitch;
            __m512 rows[2][4];
#pragma GCC unroll 2
            for (int i = 0; i < 2; i++) {
                const __mmask16 row = at.y + i < p.height ? lanes : __mmask16(0);
                const float *z = pixel + i * p.width * ddst.pitch;
                spread_gradient(_mm512_maskz_loadu_ps(row, z),
                                _mm512_maskz_loadu_ps(at.x + 1 < p.width ? row : __mmask16(0), z + ddst.pitch),
                                rows[i]);
            }
            float *out = u + t * kLanes;
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++) {
                __m512 column[4];
                spread_gradient(rows[0][j], rows[1][j], column);
#pragma GCC unroll 4
                for (int i = 0; i < 4; i++) _mm512_store_ps(out + (4 * i + j) * point_step, column[i]);
            }
        }
    }
}

// sum[k][16] (+)= v[k] u[16], summed over the patches of some groups, for kChannels of 16 source channels.
template <int kChannels>
void add_products(const float *v, const float *u, const int *counts, int groups, int64_t v_step, int64_t u_step,
                  float *sum, bool add) {
    __m512 acc[kChannels];
#pragma GCC unroll 16
    for (int k = 0; k < kChannels; k++) acc[k] = _mm512_setzero_ps();
    for (int g = 0; g < groups; g++, v += v_step, u += u_step)
        for (int t = 0; t < counts[g]; t++) {
            const __m512 w = _mm512_load_ps(u + t * kLanes);
            const float *x = v + t * kLanes;
#pragma GCC unroll 16
            for (int k = 0; k < kChannels; k++) acc[k] = _mm512_fmadd_ps(w, _mm512_set1_ps(x[k]), acc[k]);
        }
#pragma GCC unroll 16
    for (int k = 0; k < kChannels; k++) {
        float *to = sum + k * kLanes;
        _mm512_store_ps(to, add ? _mm512_add_ps(_mm512_load_ps(to), acc[k]) : acc[k]);
    }
}

// Whole fours of source channels: none of them is ever summed for nothing where DenseNet's are 12 k.
auto products_of(int channels) {
    if (channels > 12) return add_products<16>;
    if (channels > 8) return add_products<12>;
    return channels > 4 ? add_products<8> : add_products<4>;
}

size_t sum_floats(const ConvShape &s) {
    const Patches p = forward_patches(s);
    return size_t(kPoints) * size_t(p.src_padded()) * size_t(p.dst_padded());
}
size_t weights_scratch(const ConvShape &s) {
    const Patches p = forward_patches(s);
    return size_t(groups_together(p)) * kPoints * kTiles * size_t(p.src_padded() + p.dst_padded()) * sizeof(float);
}

void run_weights(const ConvShape &s, int n, ConstSlice src, const ConvPrologue &prologue, ConstSlice ddst, float *sum,
                 bool add, void *scratch) {
    const Patches p = forward_patches(s);
    const int together = groups_together(p);
    const int64_t v_step = int64_t(kPoints) * kTiles * p.src_padded();
    const int64_t u_step = int64_t(kPoints) * kTiles * p.dst_padded();
    float *v = static_cast<float *>(scratch), *u = v + together * v_step;
    const int64_t all = int64_t(n) * p.per_image();
    Place place;
    for (int64_t first = 0; first < all; add = true) {
        int counts[4], groups = 0;
        for (; groups < together && first < all; groups++, first += kTiles) {
            const Group group = next_group(p, place, all - first);
            counts[groups] = group.count;
            patches(p, group, src, prologue, v + groups * v_step);
            gradients(p, group, ddst, u + groups * u_step);
        }
        float *to = sum;
        for (int from = 0; from < p.src_channels; from += kLanes) {
            const auto products = products_of(p.src_channels - from);
            for (int block = 0; block < p.blocks(); block++)
                for (int point = 0; point < kPoints; point++, to += kLanes * kLanes)
                    products(v + kTiles * (int64_t(point) * p.src_padded() + from),
                             u + kTiles * (int64_t(point) * p.dst_padded() + block * kLanes), counts, groups, v_step,
                             u_step, to, add);
        }
    }
}

// G'^T m of four values.
IST_INLINE void gather_gradient(__m512 m0, __m512 m1, __m512 m2, __m512 m3, __m512 (&w)[3]) {
    const __m512 half = _mm512_set1_ps(0.5f), sum = _mm512_mul_ps(half, _mm512_add_ps(m1, m2));
    w[0] = _mm512_add_ps(m0, sum);
    w[1] = _mm512_mul_ps(half, _mm512_sub_ps(m1, m2));
    w[2] = _mm512_sub_ps(sum, m3);
}

void unpack_weights(const ConvShape &s, const float *sum, float *oihw) {
    const Patches p = forward_patches(s);
    for (int k = 0; k < p.src_channels; k++)
        for (int block = 0; block < p.blocks(); block++) {
            const float *m =
                sum + (int64_t(k / kLanes) * p.blocks() + block) * kPoints * kLanes * kLanes + k % kLanes * kLanes;
            __m512 rows[4][3]; // [point row][kx]
            for (int i = 0; i < 4; i++) {
                __m512 points[4];
                for (int j = 0; j < 4; j++) points[j] = _mm512_loadu_ps(m + (4 * i + j) * kLanes * kLanes);
                gather_gradient(points[0], points[1], points[2], points[3], rows[i]);
            }
            float taps[9][kLanes];
            for (int kx = 0; kx < 3; kx++) {
                __m512 column[3];
                gather_gradient(rows[0][kx], rows[1][kx], rows[2][kx], rows[3][kx], column);
                for (int ky = 0; ky < 3; ky++) _mm512_storeu_ps(taps[3 * ky + kx], column[ky]);
            }
            for (int lane = 0; lane < kLanes && block * kLanes + lane < p.dst_channels; lane++)
                for (int tap = 0; tap < 9; tap++)
                    oihw[(int64_t(block * kLanes + lane) * p.src_channels + k) * 9 + tap] = taps[tap][lane];
        }
}

// ---- tables ---------------------------------------------------------------------------------------------------------

size_t forward_bytes(const ConvShape &s) { return packed_bytes(forward_patches(s)); }
size_t forward_scratch(const ConvShape &s) { return scratch_bytes(forward_patches(s)); }
void pack_forward(const ConvShape &s, const float *oihw, void *packed) {
    pack(forward_patches(s), oihw, 9 * s.src_channels, 9, false, static_cast<float *>(packed));
}
void run_forward(const ConvShape &s, int n, ConstSlice src, const ConvPrologue &prologue, const void *packed,
                 const ConvEpilogue &epilogue, Slice dst, void *scratch) {
    convolve(forward_patches(s), n, src, prologue, static_cast<const float *>(packed),
             Output{dst, epilogue, nullptr, nullptr, nullptr}, scratch);
}

size_t data_bytes(const ConvShape &s) { return packed_bytes(data_patches(s)); }
size_t data_scratch(const ConvShape &s) { return scratch_bytes(data_patches(s)); }
void pack_data(const ConvShape &s, const float *oihw, void *packed) {
    pack(data_patches(s), oihw, 9, 9 * s.src_channels, true, static_cast<float *>(packed));
}
void run_data(const ConvShape &s, int n, ConstSlice ddst, const void *packed, const ConvDataEpilogue &epilogue,
              Slice dsrc, void *scratch) {
    ConvEpilogue plain;
    if (epilogue.add) plain.residual = dsrc;
    convolve(data_patches(s), n, ddst, {}, static_cast<const float *>(packed),
             Output{dsrc, plain, epilogue.x.data ? &epilogue : nullptr, nullptr, nullptr}, scratch);
}

} // namespace

const ConvForwardKernels &conv_winograd_f32_avx512() {
    static constexpr ConvForwardKernels kernels = {supports,        forward_bytes, pack_forward,
                                                   forward_scratch, run_forward,   true};
    return kernels;
}
const ConvDataKernels &conv_winograd_data_f32_avx512() {
    static constexpr ConvDataKernels kernels = {supports, data_bytes, pack_data, data_scratch, run_data};
    return kernels;
}
const ConvWeightKernels &conv_winograd_weights_f32_avx512() {
    static constexpr ConvWeightKernels kernels = {supports, sum_floats, weights_scratch, run_weights, unpack_weights};
    return kernels;
}

} // namespace ist::cpu
