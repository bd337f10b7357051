// cpu_kernels.h - the engine's own CPU loops, one table per instruction set and element type.
//
// A *slice* is a few images of one value: `rows` pixels of `channels` elements, `pitch` elements apart (pitch >
// channels where the value is a channel range of a concatenation). Elements are float or bf16; arithmetic is float32,
// sums over rows leave float32 after at most kSumRows rows and go on in double. Row order is fixed: same bits on every
// run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../network.h"

namespace ist::cpu {

constexpr int64_t kSumRows = 1024;

struct Slice {
    void *data = nullptr;
    int64_t pitch = 0;
};

struct ConstSlice {
    const void *data = nullptr;
    int64_t pitch = 0;
    ConstSlice() = default;
    ConstSlice(const void *data, int64_t pitch) : data(data), pitch(pitch) {}
    ConstSlice(const Slice &slice) : data(slice.data), pitch(slice.pitch) {}
};

struct Spatial { // n images of height x width pixels
    int64_t n;
    int height, width;
};

struct CpuKernels {
    const char *name;
    size_t element_size;

    void (*to_float)(float *dst, const void *src, int64_t n);
    void (*from_float)(void *dst, const float *src, int64_t n);
    // dst = src, or dst += src
    void (*copy)(Slice dst, ConstSlice src, int64_t rows, int channels);
    void (*add)(Slice dst, ConstSlice src, int64_t rows, int channels);
    void (*zero)(Slice dst, int64_t rows, int channels);

    // sum[c] += sum of (x - shift[c]), square[c] += sum of (x - shift[c])^2
    void (*statistics)(ConstSlice x, int64_t rows, int channels, const float *shift, double *sum, double *square);
    // sum[c] += sum of x
    void (*channel_sums)(ConstSlice x, int64_t rows, int channels, double *sum);
    // dst = act(scale * src + shift [+ residual]); scale and shift may both be null (1 and 0)
    void (*affine)(Slice dst, ConstSlice src, ConstSlice residual, int64_t rows, int channels, const float *scale,
                   const float *shift, Activation activation);
    // With t = dy * act'(y): g (+)= gamma * t (gamma null: 1), residual_g (+)= t, dbeta += sum t,
    // dgamma += sum t * (src - mean). g.data, residual_g.data and dbeta may be null (then not wanted).
    void (*affine_backward)(Slice g, bool g_add, Slice residual_g, bool residual_add, ConstSlice dy, ConstSlice y,
                            ConstSlice src, int64_t rows, int channels, const float *gamma, const float *mean,
                            Activation activation, double *dbeta, double *dgamma);
    // dst = g + slope[c] * x + offset[c]: the batch-norm correction
    void (*correct)(Slice dst, ConstSlice g, ConstSlice x, int64_t rows, int channels, const float *slope,
                    const float *offset);

    // Pools and shortcut A on NHWC; `in` is the larger side. Backward adds when `add`.
    void (*avg_pool)(Slice dst, ConstSlice src, Spatial in, int window, int channels);
    void (*avg_pool_backward)(Slice dsrc, bool add, ConstSlice ddst, Spatial in, int window, int channels);
    void (*max_pool)(Slice dst, ConstSlice src, Spatial in, int window, int channels);
    void (*max_pool_backward)(Slice dsrc, bool add, ConstSlice ddst, ConstSlice src, Spatial in, int window,
                              int channels);
    void (*pad_shortcut)(Slice dst, ConstSlice src, Spatial in, int stride, int src_channels, int dst_channels);
    void (*pad_shortcut_backward)(Slice dsrc, bool add, ConstSlice ddst, Spatial in, int stride, int src_channels,
                                  int dst_channels);
    // float side: [n][channels]
    void (*global_avg_pool)(float *dst, ConstSlice src, Spatial in, int channels);
    void (*global_avg_pool_backward)(Slice dsrc, bool add, const float *ddst, Spatial in, int channels);
};

// Loops over float vectors of `n` coordinates (a chunk of a point).
struct VectorKernels {
    double (*dot_difference)(const float *a0, const float *a1, const float *b0, const float *b1,
                             int64_t n); // (a1 - a0) . (b1 - b0)
    // d_d, d_dprev, g_dprev, g_d of backend.h for one pivot: prev, here, next, gradient (null: 0)
    void (*path_dots)(const float *prev, const float *here, const float *next, const float *gradient,
                      float weight_decay, int64_t n, double *out4);
    // here is updated in place from the *old* prev and next
    void (*path_update)(const float *prev, float *here, const float *next, const float *gradient, float *momentum,
                        float weight_decay, float c_prev, float c_next, float momentum_factor, float learning_rate,
                        bool nesterov, int64_t n);
    void (*sgd)(float *params, const float *gradient, float *momentum, float weight_decay, float momentum_factor,
                float learning_rate, bool nesterov, int64_t n);
    void (*mix)(float *dst, const float *a, const float *b, double fraction, int64_t n); // (1-f) a + f b
    void (*add)(float *dst, const float *src, int64_t n);                                // dst += src
};

const CpuKernels &kernels_f32_avx2();
const CpuKernels &kernels_f32_avx512();
const CpuKernels &kernels_bf16_avx512();
const VectorKernels &vector_kernels_avx2();
const VectorKernels &vector_kernels_avx512();

} // namespace ist::cpu
