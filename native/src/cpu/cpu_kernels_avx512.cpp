// cpu_kernels_avx512.cpp - the loops of cpu_kernels_loops.h on 16 float lanes; float and bf16 elements.
#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "cpu_kernels.h"

namespace ist::cpu::avx512 {

constexpr int kLanes = 16;
struct V {
    __m512 v;
};
struct bf16 {
    uint16_t bits;
};

inline V operator+(V a, V b) { return {_mm512_add_ps(a.v, b.v)}; }
inline V operator-(V a, V b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline V operator*(V a, V b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline V fma(V a, V b, V c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline V max(V a, V b) { return {_mm512_max_ps(a.v, b.v)}; } // b where either is NaN
inline V broadcast(float x) { return {_mm512_set1_ps(x)}; }
// v where y > 0, else 0; NaN in y keeps v, so that a NaN is never hidden
inline V keep_positive(V v, V y) {
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y.v, _mm512_setzero_ps(), _CMP_NLE_UQ), v.v)};
}
inline __mmask16 first(int count) { return __mmask16((1u << count) - 1u); }

inline V load_full(const float *p) { return {_mm512_loadu_ps(p)}; }
inline V load_part(const float *p, int count) { return {_mm512_maskz_loadu_ps(first(count), p)}; }
inline void store_full(float *p, V v) { _mm512_storeu_ps(p, v.v); }
inline void store_part(float *p, V v, int count) { _mm512_mask_storeu_ps(p, first(count), v.v); }

inline V widen(__m256i x) { return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16))}; }
inline __m256i narrow(V v) {
    const __m256bh x = _mm512_cvtneps_pbh(v.v); // round to nearest even
    __m256i bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}
inline V load_full(const bf16 *p) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p))); }
inline V load_part(const bf16 *p, int count) { return widen(_mm256_maskz_loadu_epi16(first(count), p)); }
inline void store_full(bf16 *p, V v) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), narrow(v)); }
inline void store_part(bf16 *p, V v, int count) { _mm256_mask_storeu_epi16(p, first(count), narrow(v)); }

inline float to_scalar(float x) { return x; }
inline float to_scalar(bf16 x) {
    const uint32_t bits = uint32_t(x.bits) << 16;
    float f;
    std::memcpy(&f, &bits, sizeof f);
    return f;
}
template <class T> T from_scalar(float x);
template <> inline float from_scalar<float>(float x) { return x; }
template <> inline bf16 from_scalar<bf16>(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return {uint16_t(x != x ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

} // namespace ist::cpu::avx512

#define IST_ISA avx512
#include "cpu_kernels_loops.h"

namespace ist::cpu {

const CpuKernels &kernels_f32_avx512() {
    static const CpuKernels kernels = avx512::make_kernels<float>("avx512");
    return kernels;
}
const CpuKernels &kernels_bf16_avx512() {
    static const CpuKernels kernels = avx512::make_kernels<avx512::bf16>("avx512_bf16");
    return kernels;
}
const VectorKernels &vector_kernels_avx512() {
    static const VectorKernels kernels = avx512::make_vector_kernels();
    return kernels;
}

} // namespace ist::cpu
