// conv_kernels.h - the engine's own convolutions for AVX-512, one table per element type (float, bf16).
//
// Activations are NHWC slices with a pitch (a channel range of a concatenation is read and written in place), weights
// are packed once per point and step from a point's float32 OIHW. Arithmetic is float32 accumulation in a fixed order:
// same bits for any number of images per call and any division among threads. A table's function may only be called
// for shapes its `supports` accepts; everything else goes to oneDNN (convolution.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu_kernels.h"

namespace ist::cpu {

struct ConvShape {
    int n, height, width, src_channels, dst_channels, kernel, stride, padding;
    bool bf16;
    int dst_height() const { return (height + 2 * padding - kernel) / stride + 1; }
    int dst_width() const { return (width + 2 * padding - kernel) / stride + 1; }
};

// What is done to an input element before it is multiplied: x = relu?(scale[c] * x + shift[c]), rounded to the element
// type; nothing where scale is null. Padding stays 0.
struct ConvPrologue {
    const float *scale = nullptr, *shift = nullptr; // [src_channels]
    bool relu = false;
};

// What is done to an output element before it is rounded and stored: relu?(y + bias[c] + residual).
struct ConvEpilogue {
    const float *bias = nullptr; // [dst_channels] or null
    ConstSlice residual;         // same pixels and channels as dst, or null
    bool relu = false;
};

// dst = epilogue(conv(prologue(src))) on n images.
struct ConvForwardKernels {
    bool (*supports)(const ConvShape &shape);
    size_t (*packed_bytes)(const ConvShape &shape);
    void (*pack)(const ConvShape &shape, const float *oihw, void *packed);
    size_t (*scratch_bytes)(const ConvShape &shape);
    void (*run)(const ConvShape &shape, int n, ConstSlice src, const ConvPrologue &prologue, const void *packed,
                const ConvEpilogue &epilogue, Slice dst, void *scratch);
    bool prologue; // whether run applies one; otherwise it must be empty
};

// What becomes of the gradient dy of a convolution's input: it is written to dsrc or (add) added to what is there.
// Where the input was a batch norm's output y = relu?(scale * x + shift) (x not null), the batch norm's backward comes
// first: with t = dy where y > 0, else 0, dsrc gets scale * t, dbeta += sum of t, dgamma += sum of t * (x - mean).
struct ConvDataEpilogue {
    bool add = false;
    ConstSlice x;                                                    // same pixels and channels as dsrc, or null
    const float *scale = nullptr, *shift = nullptr, *mean = nullptr; // [src_channels]
    bool relu = false;
    double *dbeta = nullptr, *dgamma = nullptr; // [src_channels]
};

// dsrc = epilogue(conv^T(ddst)).
struct ConvDataKernels {
    bool (*supports)(const ConvShape &shape);
    size_t (*packed_bytes)(const ConvShape &shape);
    void (*pack)(const ConvShape &shape, const float *oihw, void *packed);
    size_t (*scratch_bytes)(const ConvShape &shape);
    void (*run)(const ConvShape &shape, int n, ConstSlice ddst, const void *packed, const ConvDataEpilogue &epilogue,
                Slice dsrc, void *scratch);
};

// Weight gradient of n images, of the convolution of prologue(src), written or (add) added to `sum`, float32 in a
// layout of the kernel's own; unpack: sum -> OIHW.
struct ConvWeightKernels {
    bool (*supports)(const ConvShape &shape);
    size_t (*sum_floats)(const ConvShape &shape);
    size_t (*scratch_bytes)(const ConvShape &shape);
    void (*run)(const ConvShape &shape, int n, ConstSlice src, const ConvPrologue &prologue, ConstSlice ddst,
                float *sum, bool add, void *scratch);
    void (*unpack)(const ConvShape &shape, const float *sum, float *oihw);
};

const ConvForwardKernels &conv_winograd_f32_avx512();
const ConvDataKernels &conv_winograd_data_f32_avx512();
const ConvWeightKernels &conv_winograd_weights_f32_avx512();
const ConvForwardKernels &conv_direct_f32_avx512();
const ConvForwardKernels &conv_direct_bf16_avx512();
const ConvDataKernels &conv_direct_data_f32_avx512();
const ConvDataKernels &conv_direct_data_bf16_avx512();
const ConvWeightKernels &conv_weights_f32_avx512();
const ConvWeightKernels &conv_weights_bf16_avx512();
// conv_panel_avx512.cpp: 1x1 convolutions, and 3x3 ones to fewer than 16 channels (DenseNet's), as matrix products.
// `packed` and `scratch` on cache lines.
const ConvForwardKernels &conv_panel_f32_avx512();
const ConvForwardKernels &conv_panel_bf16_avx512();
const ConvDataKernels &conv_panel_data_f32_avx512();
const ConvDataKernels &conv_panel_data_bf16_avx512();

} // namespace ist::cpu
