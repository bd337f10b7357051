// columns.cuh - how kernels walk along vectors of coordinates: a warp takes a column of 512 coordinates, and where
// there are many rows (the pivots of a path), it takes that column through all of them.
//
// Lane l holds coordinates 128 j + 4 l .. + 3 of its column for j = 0 .. 3, so that a warp reads and writes 512 bytes
// in one piece. The cut into columns depends on nothing but the number of coordinates; so do sums over them: 16 values
// per lane and then 32 lanes in float32, columns in float64 (sum_columns).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "../native/src/backend.h"
#include "../native/src/random.h" // IST_HD
#include "vectors.h"

namespace ist::cuda {

constexpr int kColumnWarps = 2; // of a block
constexpr int kColumnThreads = 32 * kColumnWarps;
constexpr int kColumnBlocks = 6; // on a multiprocessor: 168 registers a thread, for all loads of a pivot under way
constexpr int kPerLane = kColumn / 32;

// Blocks that give every column a warp.
inline int64_t column_blocks(int64_t n_columns) { return (n_columns + kColumnWarps - 1) / kColumnWarps; }

IST_HD inline bool is_aligned(const void *pointer) { return reinterpret_cast<uintptr_t>(pointer) % 16 == 0; }
inline bool is_aligned(const PathView &path) {
    return path.stride % 4 == 0 && is_aligned(path.values) && is_aligned(path.gradient) && is_aligned(path.momentum);
}

__device__ __forceinline__ int64_t column_of_warp() {
    return int64_t(blockIdx.x) * kColumnWarps + int64_t(threadIdx.x) / 32;
}
__device__ __forceinline__ int lane_of_thread() { return int(threadIdx.x) % 32; }

// A lane's share of a column.
struct Share {
    float v[kPerLane];
};

// Where a lane's share is. Loads and stores are whole where rows start at 16-byte addresses and reach the end of the
// column.
struct Place {
    int64_t first; // the lane's first coordinate
    int64_t end;   // coordinates there are
};

__device__ __forceinline__ int64_t coordinate(const Place &at, int i) { return at.first + (i / 4) * 128 + i % 4; }

// Coordinates from `end` on read as 0.
template <bool kWhole> __device__ __forceinline__ Share load_share(const float *row, const Place &at) {
    Share share;
    if constexpr (kWhole) {
#pragma unroll
        for (int j = 0; j < kPerLane / 4; ++j) {
            const float4 four = *reinterpret_cast<const float4 *>(row + at.first + j * 128);
            share.v[4 * j] = four.x, share.v[4 * j + 1] = four.y;
            share.v[4 * j + 2] = four.z, share.v[4 * j + 3] = four.w;
        }
    } else {
#pragma unroll
        for (int i = 0; i < kPerLane; ++i) share.v[i] = coordinate(at, i) < at.end ? row[coordinate(at, i)] : 0.f;
    }
    return share;
}

// Coordinates from `end` on are not written.
template <bool kWhole> __device__ __forceinline__ void store_share(float *row, const Place &at, const Share &share) {
    if constexpr (kWhole) {
#pragma unroll
        for (int j = 0; j < kPerLane / 4; ++j)
            *reinterpret_cast<float4 *>(row + at.first + j * 128) =
                make_float4(share.v[4 * j], share.v[4 * j + 1], share.v[4 * j + 2], share.v[4 * j + 3]);
    } else {
#pragma unroll
        for (int i = 0; i < kPerLane; ++i)
            if (coordinate(at, i) < at.end) row[coordinate(at, i)] = share.v[i];
    }
}

// The squared length of b - a.
__device__ __forceinline__ float squared_gap(const Share &a, const Share &b) {
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) sum = fmaf(b.v[i] - a.v[i], b.v[i] - a.v[i], sum);
    return sum;
}

// The sum over the lanes of a warp, in every lane.
__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) value += __shfl_xor_sync(0xffffffffu, value, distance);
    return value;
}

// Four such sums with 6 shuffles instead of 20: lane l returns that of value[l % 4].
__device__ __forceinline__ float warp_sums(const float (&value)[4]) {
    const bool odd = threadIdx.x & 1, upper = threadIdx.x & 2;
    float first = odd ? value[1] : value[0], second = odd ? value[3] : value[2];
    first += __shfl_xor_sync(0xffffffffu, odd ? value[0] : value[1], 1);
    second += __shfl_xor_sync(0xffffffffu, odd ? value[2] : value[3], 1);
    float sum = upper ? second : first;
    sum += __shfl_xor_sync(0xffffffffu, upper ? first : second, 2);
#pragma unroll
    for (int distance = 4; distance < 32; distance *= 2) sum += __shfl_xor_sync(0xffffffffu, sum, distance);
    return sum;
}

// v = momentum * v + g; p -= lr * v, or with nesterov p -= lr * (g + momentum * v): what ist_sgd says, in the CPU's
// order of operations, so that the bits are the same.
__device__ __forceinline__ void sgd_step(float &p, float &velocity, float g, const ist_sgd &sgd) {
    velocity = fmaf(sgd.momentum, velocity, g);
    const float step = sgd.nesterov ? fmaf(sgd.momentum, velocity, g) : velocity;
    p = p - sgd.learning_rate * step;
}

} // namespace ist::cuda
