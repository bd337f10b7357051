// element.cuh - elements of activations: to and from float, one at a time and by 16-byte chunks.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "ptx.cuh"
#include "tensor.h"

namespace ist::cuda {

using bf16 = __nv_bfloat16;
using fp16 = __half;

// Elements of a 16-byte chunk.
template <class T> constexpr int kPerChunk = 16 / int(sizeof(T));

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float to_float(fp16 x) { return __half2float(x); }

// Rounded to nearest, ties to even.
template <class T> __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) { return __float2bfloat16_rn(x); }
template <> __device__ __forceinline__ fp16 from_float<fp16>(float x) { return __float2half_rn(x); }

// Two elements in a 32-bit word, the first in the low half.
template <class T> __device__ __forceinline__ uint32_t pack_pair(float first, float second);
template <> __device__ __forceinline__ uint32_t pack_pair<bf16>(float first, float second) {
    return pack_bf16(first, second);
}
template <> __device__ __forceinline__ uint32_t pack_pair<fp16>(float first, float second) {
    return pack_fp16(first, second);
}

template <class T> __device__ __forceinline__ float2 unpack_pair(uint32_t word);
template <> __device__ __forceinline__ float2 unpack_pair<bf16>(uint32_t word) {
    return make_float2(__uint_as_float(word << 16), __uint_as_float(word & 0xffff0000u));
}
template <> __device__ __forceinline__ float2 unpack_pair<fp16>(uint32_t word) {
    const __half_raw low{uint16_t(word & 0xffffu)}, high{uint16_t(word >> 16)};
    return make_float2(__half2float(low), __half2float(high));
}

template <class T> __device__ __forceinline__ void unpack(uint4 chunk, float (&values)[kPerChunk<T>]) {
    const uint32_t words[4] = {chunk.x, chunk.y, chunk.z, chunk.w};
    if constexpr (sizeof(T) == 4) {
#pragma unroll
        for (int i = 0; i < 4; ++i) values[i] = __uint_as_float(words[i]);
    } else {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const float2 pair = unpack_pair<T>(words[i]);
            values[2 * i] = pair.x, values[2 * i + 1] = pair.y;
        }
    }
}

template <class T> __device__ __forceinline__ uint4 pack(const float (&values)[kPerChunk<T>]) {
    if constexpr (sizeof(T) == 4)
        return make_uint4(__float_as_uint(values[0]), __float_as_uint(values[1]), __float_as_uint(values[2]),
                          __float_as_uint(values[3]));
    else
        return make_uint4(pack_pair<T>(values[0], values[1]), pack_pair<T>(values[2], values[3]),
                          pack_pair<T>(values[4], values[5]), pack_pair<T>(values[6], values[7]));
}

// The chunk that starts at `data`, of which the first `valid` elements exist (the others are 0). `aligned`: data is a
// multiple of 16 bytes and a whole chunk may be read.
template <class T>
__device__ __forceinline__ void load_chunk(const T *data, int valid, bool aligned, float (&values)[kPerChunk<T>]) {
    if (aligned) {
        unpack<T>(*reinterpret_cast<const uint4 *>(data), values);
#pragma unroll
        for (int i = 0; i < kPerChunk<T>; ++i)
            if (i >= valid) values[i] = 0.f;
    } else {
#pragma unroll
        for (int i = 0; i < kPerChunk<T>; ++i) values[i] = i < valid ? to_float(data[i]) : 0.f;
    }
}

template <class T>
__device__ __forceinline__ void store_chunk(T *data, int valid, bool aligned, const float (&values)[kPerChunk<T>]) {
    if (aligned && valid >= kPerChunk<T>) {
        *reinterpret_cast<uint4 *>(data) = pack<T>(values);
    } else {
#pragma unroll
        for (int i = 0; i < kPerChunk<T>; ++i)
            if (i < valid) data[i] = from_float<T>(values[i]);
    }
}

// Four neighbouring elements, of which the first `valid` exist; `aligned`: data is a multiple of four elements.
template <class T>
__device__ __forceinline__ void load_four(const T *data, int valid, bool aligned, float (&values)[4]) {
    if (aligned && valid >= 4) {
        if constexpr (sizeof(T) == 4) {
            const float4 four = *reinterpret_cast<const float4 *>(data);
            values[0] = four.x, values[1] = four.y, values[2] = four.z, values[3] = four.w;
        } else {
            const uint2 words = *reinterpret_cast<const uint2 *>(data);
            const float2 low = unpack_pair<T>(words.x), high = unpack_pair<T>(words.y);
            values[0] = low.x, values[1] = low.y, values[2] = high.x, values[3] = high.y;
        }
    } else {
#pragma unroll
        for (int i = 0; i < 4; ++i) values[i] = i < valid ? to_float(data[i]) : 0.f;
    }
}

template <class T>
__device__ __forceinline__ void store_four(T *data, int valid, bool aligned, const float (&values)[4]) {
    if (aligned && valid >= 4) {
        if constexpr (sizeof(T) == 4)
            *reinterpret_cast<float4 *>(data) = make_float4(values[0], values[1], values[2], values[3]);
        else
            *reinterpret_cast<uint2 *>(data) =
                make_uint2(pack_pair<T>(values[0], values[1]), pack_pair<T>(values[2], values[3]));
    } else {
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (i < valid) data[i] = from_float<T>(values[i]);
    }
}

// As it is after it was stored.
template <class T> __device__ __forceinline__ float rounded(float x) { return to_float(from_float<T>(x)); }

// Whether every pixel of a tensor starts at a multiple of `bytes`.
inline bool pixels_aligned(const Tensor &t, int bytes) {
    const int64_t element = bytes_of(t.element);
    return reinterpret_cast<uintptr_t>(t.data) % uintptr_t(bytes) == 0 && t.pitch * element % bytes == 0 &&
           t.point_stride * element % bytes == 0;
}

// Calls body(T()) with the element type of a tensor.
template <class Body> void with_element(Element element, Body body) {
    switch (element) {
    case Element::kFp32: return body(float());
    case Element::kBf16: return body(bf16());
    case Element::kFp16: return body(fp16());
    }
}

} // namespace ist::cuda
