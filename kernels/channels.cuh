// channels.cuh - how kernels walk tensors of any shape: each thread keeps one run of W channels and goes down pixels.
//
// W is 8 (of 16-bit elements), 4 or 1, the widest that every tensor's alignment and channel count allow, so that runs
// are read and written by whole words and never reach into a neighbouring range of a concatenation. A block is `lanes`
// runs wide and `block_rows` pixels high; grid: x parts of the pixels, y groups of runs, z points.
#pragma once

#include <type_traits>

#include "element.cuh"
#include "launch.cuh"

#include "../native/src/error.h"

namespace ist::cuda {

constexpr int kChannelThreads = 256;

// A run as it lies in memory: 16 bytes, 8 bytes or one element. Kernels load all runs they need before they unpack the
// first, so that the loads are under way together.
template <class T, int W> struct RawRun {
    static constexpr int kBytes = W * int(sizeof(T));
    static_assert(kBytes == 16 || kBytes == 8 || W == 1, "a run is a chunk, half a chunk or an element");
    using Words = std::conditional_t<kBytes == 16, uint4, std::conditional_t<kBytes == 8, uint2, T>>;
    Words words;
};

template <class T, int W> __device__ __forceinline__ RawRun<T, W> load_raw(const T *from) {
    return {*reinterpret_cast<const typename RawRun<T, W>::Words *>(from)};
}

template <class T, int W> __device__ __forceinline__ void unpack_run(const RawRun<T, W> &raw, float (&values)[W]) {
    if constexpr (W == 1) {
        values[0] = to_float(raw.words);
    } else if constexpr (RawRun<T, W>::kBytes == 16) {
        unpack<T>(raw.words, values);
    } else {
        const float2 low = unpack_pair<T>(raw.words.x), high = unpack_pair<T>(raw.words.y);
        values[0] = low.x, values[1] = low.y, values[2] = high.x, values[3] = high.y;
    }
}

template <class T, int W> __device__ __forceinline__ void load_run(const T *from, float (&values)[W]) {
    unpack_run<T, W>(load_raw<T, W>(from), values);
}

template <class T, int W> __device__ __forceinline__ void store_run(T *to, const float (&values)[W]) {
    using Words = typename RawRun<T, W>::Words;
    if constexpr (W == 1) *to = from_float<T>(values[0]);
    else if constexpr (RawRun<T, W>::kBytes == 16) *reinterpret_cast<Words *>(to) = pack<T>(values);
    else
        *reinterpret_cast<Words *>(to) =
            make_uint2(pack_pair<T>(values[0], values[1]), pack_pair<T>(values[2], values[3]));
}

// Writes, or adds to what is there.
template <class T, int W> __device__ __forceinline__ void store_run(T *to, const float (&values)[W], bool add) {
    if (!add) return store_run<T, W>(to, values);
    float sum[W];
    load_run<T, W>(to, sum);
#pragma unroll
    for (int i = 0; i < W; ++i) sum[i] += values[i];
    store_run<T, W>(to, sum);
}

template <class T> __device__ __forceinline__ T *at(const Tensor &t, int point, int64_t row, int channel) {
    return static_cast<T *>(t.data) + point * t.point_stride + row * t.pitch + channel;
}

// The widest run for all tensors and channel counts it is told of.
class RunWidth {
  public:
    RunWidth &fit(const Tensor &t) {
        if (!t.data) return *this;
        while (w_ > 1 && (w_ * bytes_of(t.element) > 16 || !pixels_aligned(t, w_ * bytes_of(t.element)))) narrow();
        return fit(t.channels);
    }
    RunWidth &fit(int channels) {
        while (channels % w_ != 0) narrow();
        return *this;
    }
    int width() const { return w_; }

  private:
    void narrow() { w_ = w_ == 8 ? 4 : 1; }
    int w_ = 8;
};

// The channels of a kernel's threads.
struct Runs {
    int channels = 0;
    int lanes = 1, block_rows = 1, groups = 1;
};

inline Runs runs_of(int channels, int width) {
    const int runs = channels / width;
    Runs r;
    r.channels = channels;
    r.groups = (runs + 63) / 64;
    r.lanes = (runs + r.groups - 1) / r.groups;
    r.block_rows = kChannelThreads / r.lanes;
    return r;
}

// A thread's place; `channel` is valid where `active`.
struct RunPlace {
    int row, channel, point;
    bool active;
};
template <int W> __device__ __forceinline__ RunPlace run_place(const Runs &runs) {
    RunPlace place;
    place.row = int(threadIdx.x) / runs.lanes;
    place.channel = (int(blockIdx.y) * runs.lanes + int(threadIdx.x) % runs.lanes) * W;
    place.point = int(blockIdx.z);
    place.active = place.row < runs.block_rows && place.channel < runs.channels;
    return place;
}

// Two constants per channel, value(channel) in x and y, for each thread's run: read once for the block, by way of
// shared memory (constants_shared()). All threads take part; a channel may lie behind the tensor's last.
inline size_t constants_shared(const Runs &runs, int width) { return size_t(2 * runs.lanes * width) * sizeof(float); }

template <int W, class Value>
__device__ __forceinline__ void run_constants(const Runs &runs, Value value, float (&first)[W], float (&second)[W]) {
    const int count = runs.lanes * W;
    float *firsts = reinterpret_cast<float *>(shared_memory()), *seconds = firsts + count;
    __syncthreads();
    for (int i = int(threadIdx.x); i < count; i += kChannelThreads) {
        const int channel = int(blockIdx.y) * count + i;
        const float2 constants = channel < runs.channels ? value(channel) : make_float2(0.f, 0.f);
        firsts[i] = constants.x, seconds[i] = constants.y;
    }
    __syncthreads();
    constexpr int kPart = W < 4 ? W : 4;
    const int at = int(threadIdx.x) % runs.lanes * W;
#pragma unroll
    for (int i = 0; i < W; i += kPart) {
        float x[kPart], y[kPart];
        load_run<float, kPart>(firsts + at + i, x);
        load_run<float, kPart>(seconds + at + i, y);
#pragma unroll
        for (int j = 0; j < kPart; ++j) first[i + j] = x[j], second[i + j] = y[j];
    }
}

// Sums a block's rows in a fixed tree through shared memory (W * 256 floats); the sum is valid in row 0.
template <int W> __device__ void sum_rows(float (&values)[W], const Runs &runs, const RunPlace &place) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    __syncthreads();
#pragma unroll
    for (int i = 0; i < W; ++i) shared[i * kChannelThreads + int(threadIdx.x)] = values[i];
    __syncthreads();
    for (int n = runs.block_rows; n > 1;) {
        const int half = (n + 1) / 2;
        if (place.row < n - half) {
#pragma unroll
            for (int i = 0; i < W; ++i) {
                float *sum = shared + i * kChannelThreads + int(threadIdx.x);
                sum[0] += sum[half * runs.lanes];
            }
        }
        __syncthreads();
        n = half;
    }
    if (place.row == 0) {
#pragma unroll
        for (int i = 0; i < W; ++i) values[i] = shared[i * kChannelThreads + int(threadIdx.x)];
    }
}

template <int W> using Width = std::integral_constant<int, W>;

// Calls body(Width<W>()) for runs of T, the wider type where there are two.
template <class T, class Body> void with_width(int width, Body body) {
    if constexpr (sizeof(T) == 2)
        if (width == 8) return body(Width<8>());
    if (width == 4) return body(Width<4>());
    return body(Width<1>());
}

inline void expect(bool condition, const char *sentence) {
    if (!condition) throw Error(IST_INTERNAL, sentence);
}

} // namespace ist::cuda
