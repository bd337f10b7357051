// matrix_unit.cuh - products of 16 x 16 (outputs x 16-channel slices) tiles on tensor cores, one interface for every
// element type. A k-step is 32 bytes of the summed dimension where operands lie along channels: 16 elements of 16 bits,
// 8 of 32. Fragment layouts: PTX ISA, "Matrix fragments for mma.m16n8k16 / m16n8k8".
#pragma once

#include "element.cuh"

namespace ist::cuda {

// Elements of a k-step.
template <class T> constexpr int kStep = 32 / int(sizeof(T));

// acc[j] += a * b_j for the two 8-column halves of a 16-column slice; b = {half 0: low, high; half 1: low, high}.
template <class T> __device__ __forceinline__ void multiply(float (&acc)[2][4], const uint32_t (&a)[4], const uint4 &b);

template <> __device__ __forceinline__ void multiply<bf16>(float (&acc)[2][4], const uint32_t (&a)[4], const uint4 &b) {
    mma_bf16(acc[0], a, b.x, b.y);
    mma_bf16(acc[1], a, b.z, b.w);
}

template <> __device__ __forceinline__ void multiply<fp16>(float (&acc)[2][4], const uint32_t (&a)[4], const uint4 &b) {
    mma_fp16(acc[0], a, b.x, b.y);
    mma_fp16(acc[1], a, b.z, b.w);
}

// A float32 as the sum of two TF32 numbers, to 2^-22.
struct Halves {
    uint32_t high, low;
};
__device__ __forceinline__ Halves split_tf32(uint32_t word) {
    const float value = __uint_as_float(word), high = round_tf32(value);
    return {__float_as_uint(high), __float_as_uint(round_tf32(value - high))};
}

template <>
__device__ __forceinline__ void multiply<float>(float (&acc)[2][4], const uint32_t (&a)[4], const uint4 &b) {
    uint32_t high[4], low[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const Halves halves = split_tf32(a[i]);
        high[i] = halves.high, low[i] = halves.low;
    }
    const uint32_t columns[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
    for (int j = 0; j < 2; ++j) {
        const Halves first = split_tf32(columns[2 * j]), second = split_tf32(columns[2 * j + 1]);
        mma_tf32(acc[j], low, first.high, second.high);
        mma_tf32(acc[j], high, first.low, second.low);
        mma_tf32(acc[j], high, first.high, second.high);
    }
}

// --- operands that lie across pixels: the weight gradient sums over pixels -------------------------------------------

// 16 pixels of 16 channels, as the left operand [channel][pixel] or the right operand [pixel][channel]. A lane reads
// from kLanePixels pixels of the run; `base` holds the addresses of their first channel in shared memory.
template <class T> constexpr int kLanePixels = sizeof(T) == 2 ? 1 : 4;

template <class T> __device__ __forceinline__ int left_pixel(int lane, int i) {
    return sizeof(T) == 2 ? (lane & 7) + ((lane >> 4) << 3) : (lane & 3) + 4 * i;
}
template <class T> __device__ __forceinline__ int right_pixel(int lane, int i) {
    return sizeof(T) == 2 ? (lane & 7) + (((lane >> 3) & 1) << 3) : (lane & 3) + 4 * i;
}

template <class T> struct Across {
    uint32_t words[4 * kLanePixels<T> / (sizeof(T) == 2 ? 1 : 2)];
};

template <class T>
__device__ __forceinline__ void load_left(Across<T> &a, const SharedAddress (&base)[kLanePixels<T>], int lane) {
    if constexpr (sizeof(T) == 2) {
        ldmatrix<true>(a.words, base[0] + ((lane >> 3) & 1) * 16);
    } else {
        const int channel = (lane >> 2) * 4;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            a.words[2 * i] = load_shared_word(base[i] + channel);
            a.words[2 * i + 1] = load_shared_word(base[i] + channel + 32);
        }
    }
}

template <class T>
__device__ __forceinline__ void load_right(Across<T> &b, const SharedAddress (&base)[kLanePixels<T>], int lane) {
    if constexpr (sizeof(T) == 2) {
        ldmatrix<true>(b.words, base[0] + (lane >> 4) * 16);
    } else {
        const int channel = (lane >> 2) * 4;
#pragma unroll
        for (int q = 0; q < 2; ++q)
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                b.words[4 * q + i] = load_shared_word(base[2 * q + i] + channel);
                b.words[4 * q + 2 + i] = load_shared_word(base[2 * q + i] + channel + 32);
            }
    }
}

// acc[j] += left * right_j over 16 pixels.
template <class T>
__device__ __forceinline__ void multiply_across(float (&acc)[2][4], const Across<T> &a, const Across<T> &b) {
#pragma unroll
    for (int q = 0; q < int(sizeof(a.words)) / 16; ++q) {
        const uint32_t left[4] = {a.words[4 * q], a.words[4 * q + 1], a.words[4 * q + 2], a.words[4 * q + 3]};
        multiply<T>(acc, left, make_uint4(b.words[4 * q], b.words[4 * q + 1], b.words[4 * q + 2], b.words[4 * q + 3]));
    }
}

} // namespace ist::cuda
