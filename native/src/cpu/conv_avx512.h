// conv_avx512.h - what the AVX-512 convolutions share: element types and the batch norm's backward on registers.
// Included by conv_*_avx512.cpp alone.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "conv_kernels.h"

namespace ist::cpu {
namespace {

#define IST_INLINE inline __attribute__((always_inline))

constexpr int kLanes = 16;

// All lanes where there are that many.
IST_INLINE __mmask16 first_lanes(int count) {
    return count >= kLanes ? __mmask16(0xffff) : __mmask16((1u << count) - 1u);
}

// Element types: T, channels per multiply-add, and the operations of a tile.
struct F32 {
    using T = float;
    static constexpr int kUnit = 1;
    static IST_INLINE __m512 broadcast(const T *p) { return _mm512_set1_ps(*p); }
    static IST_INLINE __m512 multiply_add(__m512 weights, __m512 x, __m512 sum) {
        return _mm512_fmadd_ps(weights, x, sum);
    }
    static IST_INLINE __m512 load(const T *p, __mmask16 lanes) { return _mm512_maskz_loadu_ps(lanes, p); }
    static IST_INLINE void store(T *p, __m512 v, __mmask16 lanes) { _mm512_mask_storeu_ps(p, lanes, v); }
    static T weight(float w) { return w; }
};

struct Bf16 {
    using T = uint16_t;
    static constexpr int kUnit = 2;
    static IST_INLINE __m512 broadcast(const T *p) {
        int32_t pair;
        std::memcpy(&pair, p, sizeof pair);
        return _mm512_castsi512_ps(_mm512_set1_epi32(pair));
    }
    static IST_INLINE __m512 broadcast_last(const T *p) { return _mm512_castsi512_ps(_mm512_set1_epi32(*p)); }
    static IST_INLINE __m512 multiply_add(__m512 weights, __m512 x, __m512 sum) {
        return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(weights), reinterpret_cast<__m512bh>(x));
    }
    static IST_INLINE __m512 load(const T *p, __mmask16 lanes) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, p)), 16));
    }
    static IST_INLINE void store(T *p, __m512 v, __mmask16 lanes) {
        _mm256_mask_storeu_epi16(p, lanes, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
    }
    static T weight(float w) { // round to nearest even
        return T(_mm_cvtsi128_si32(reinterpret_cast<__m128i>(_mm_cvtneps_pbh(_mm_set_ss(w)))));
    }
};

template <class T> struct ElementOf;
template <> struct ElementOf<F32::T> {
    using Type = F32;
};
template <> struct ElementOf<Bf16::T> {
    using Type = Bf16;
};

// The batch norm of a ConvDataEpilogue at some neighbouring pixels; x null where there is none.
template <class T> struct NormAt {
    const T *x;
    int64_t step; // from pixel to pixel, in elements
    const float *scale, *shift, *mean;
    bool relu;
    float *dbeta, *dgamma; // sums over a few rows of pixels, whole blocks of lanes
};

// dy -> scale * t, for PX pixels and the block of channels from `channel` on.
template <class E, int PX>
IST_INLINE void norm_backward(__m512 (&dy)[PX], const NormAt<typename E::T> &norm, int channel, __mmask16 lanes) {
    const __m512 scale = _mm512_maskz_loadu_ps(lanes, norm.scale + channel);
    const __m512 shift = _mm512_maskz_loadu_ps(lanes, norm.shift + channel);
    const __m512 mean = _mm512_maskz_loadu_ps(lanes, norm.mean + channel);
    __m512 dbeta = _mm512_load_ps(norm.dbeta + channel), dgamma = _mm512_load_ps(norm.dgamma + channel);
#pragma GCC unroll 16
    for (int i = 0; i < PX; i++) {
        const __m512 x = E::load(norm.x + i * norm.step + channel, lanes);
        __mmask16 open = lanes;
        if (norm.relu) // NaN is let through
            open &= _mm512_cmp_ps_mask(_mm512_fmadd_ps(scale, x, shift), _mm512_setzero_ps(), _CMP_NLE_UQ);
        const __m512 t = _mm512_maskz_mov_ps(open, dy[i]);
        dbeta = _mm512_add_ps(dbeta, t);
        dgamma = _mm512_fmadd_ps(t, _mm512_sub_ps(x, mean), dgamma);
        dy[i] = _mm512_mul_ps(scale, t);
    }
    _mm512_store_ps(norm.dbeta + channel, dbeta);
    _mm512_store_ps(norm.dgamma + channel, dgamma);
}

// dst = prologue(src). A few pixels at a time, all of their channels: memory is read in order.
template <class E>
void apply(const ConvPrologue &prologue, typename E::T *dst, int64_t dst_pitch, const typename E::T *src,
           int64_t src_pitch, int64_t pixels, int channels) {
    constexpr int kTogether = 4, kAhead = 16; // pixels
    const __m512 floor = _mm512_set1_ps(prologue.relu ? 0.f : -__builtin_inff());
    for (int64_t first = 0; first < pixels; first += kTogether) {
        const int count = int(pixels - first < kTogether ? pixels - first : kTogether);
        for (int c = 0; c < channels; c += kLanes) {
            const __mmask16 lanes = first_lanes(channels - c);
            const __m512 scale = _mm512_maskz_loadu_ps(lanes, prologue.scale + c);
            const __m512 shift = _mm512_maskz_loadu_ps(lanes, prologue.shift + c);
            const typename E::T *from = src + first * src_pitch + c;
            typename E::T *to = dst + first * dst_pitch + c;
            for (int i = 0; i < count; i++, from += src_pitch, to += dst_pitch) {
                _mm_prefetch(from + kAhead * src_pitch, _MM_HINT_T0);
                E::store(to, _mm512_max_ps(floor, _mm512_fmadd_ps(scale, E::load(from, lanes), shift)), lanes);
            }
        }
    }
}

// Float sums to the double ones they belong to.
inline void flush(float *from, double *to, int channels) {
    for (int c = 0; c < channels; c++) to[c] += from[c], from[c] = 0;
}

} // namespace
} // namespace ist::cpu
