// part_sums.cuh - sums over the parts of a reduction, in double and a fixed order, for 8 channels per block.
//
// 32 threads share a channel: thread i adds parts i, i + 32, ..., then a tree of fixed shape adds the threads.
#pragma once

#include <cuda_runtime.h>

#include "launch.cuh"

namespace ist::cuda {

constexpr int kPartChannels = 8, kPartThreads = 32 * kPartChannels;
constexpr size_t kPartShared = kPartThreads * sizeof(double);

struct PartPlace {
    int channel, point, first; // first: of the thread's parts
    bool active;
};

__device__ __forceinline__ PartPlace part_place(int channels) {
    PartPlace place;
    place.channel = int(blockIdx.x) * kPartChannels + int(threadIdx.x) % kPartChannels;
    place.point = int(blockIdx.y);
    place.first = int(threadIdx.x) / kPartChannels;
    place.active = place.channel < channels;
    return place;
}

inline dim3 part_grid(int channels, int n_points) {
    return dim3(unsigned((channels + kPartChannels - 1) / kPartChannels), unsigned(n_points));
}

// Valid in all threads of the channel.
__device__ inline double sum_part_threads(double value) {
    double *shared = reinterpret_cast<double *>(shared_memory());
    const int thread = int(threadIdx.x);
    __syncthreads();
    shared[thread] = value;
    __syncthreads();
    for (int half = kPartThreads / 2; half >= kPartChannels; half /= 2) {
        if (thread < half) shared[thread] += shared[thread + half];
        __syncthreads();
    }
    return shared[thread % kPartChannels];
}

// value(part) for every part of the thread's channel.
template <class Value> __device__ double sum_parts(const PartPlace &place, int n_parts, Value value) {
    double sum = 0;
    if (place.active)
        for (int part = place.first; part < n_parts; part += kPartThreads / kPartChannels) sum += value(part);
    return sum_part_threads(sum);
}

} // namespace ist::cuda
