// cpu_kernels_avx2.cpp - the loops of cpu_kernels_loops.h on 8 float lanes, for processors without AVX-512.
#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "cpu_kernels.h"

namespace ist::cpu::avx2 {

constexpr int kLanes = 8;
struct V {
    __m256 v;
};

inline V operator+(V a, V b) { return {_mm256_add_ps(a.v, b.v)}; }
inline V operator-(V a, V b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline V operator*(V a, V b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline V fma(V a, V b, V c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline V max(V a, V b) { return {_mm256_max_ps(a.v, b.v)}; } // b where either is NaN
inline V broadcast(float x) { return {_mm256_set1_ps(x)}; }
// v where y > 0, else 0; NaN in y keeps v, so that a NaN is never hidden
inline V keep_positive(V v, V y) { return {_mm256_and_ps(_mm256_cmp_ps(y.v, _mm256_setzero_ps(), _CMP_NLE_UQ), v.v)}; }
inline __m256i first(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

inline V load_full(const float *p) { return {_mm256_loadu_ps(p)}; }
inline V load_part(const float *p, int count) { return {_mm256_maskload_ps(p, first(count))}; }
inline void store_full(float *p, V v) { _mm256_storeu_ps(p, v.v); }
inline void store_part(float *p, V v, int count) { _mm256_maskstore_ps(p, first(count), v.v); }

inline float to_scalar(float x) { return x; }
template <class T> T from_scalar(float x) { return x; }

} // namespace ist::cpu::avx2

#define IST_ISA avx2
#include "cpu_kernels_loops.h"

namespace ist::cpu {

const CpuKernels &kernels_f32_avx2() {
    static const CpuKernels kernels = avx2::make_kernels<float>("avx2");
    return kernels;
}
const VectorKernels &vector_kernels_avx2() {
    static const VectorKernels kernels = avx2::make_vector_kernels();
    return kernels;
}

} // namespace ist::cpu
