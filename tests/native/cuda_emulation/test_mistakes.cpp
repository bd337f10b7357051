// test_mistakes.cpp - planted mistakes: each is found, by name, and the correct twin beside it is not.
#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "findings.h"
#include "kernels/ptx.cuh"

#if defined(__SANITIZE_ADDRESS__) // ends the program itself
#define EXPECT_FOUND(kind, part, statement) EXPECT_DEATH(statement, "")
#else
#define EXPECT_FOUND(kind, part, statement) expect_finding(kind, part, [&] { statement; })
#endif

namespace ist::cuda {
namespace {

using emulation::kChecked;
using emulation::Kind;

std::vector<float> ramp(size_t n) {
    std::vector<float> v(n);
    for (size_t i = 0; i < n; i++) v[i] = 1 + 0.37f * float(i);
    return v;
}

bool has_nan(const std::vector<float> &v) {
    for (float x : v) {
        if (std::isnan(x)) return true;
    }
    return false;
}

// ---- Barriers

template <bool kBarrier> __global__ void reverse_kernel(const float *in, float *out) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    const unsigned i = threadIdx.x, n = blockDim.x;
    shared[i] = 0;
    __syncthreads();
    shared[i] = in[i];
    if (kBarrier) __syncthreads();
    out[i] = shared[n - 1 - i];
}

TEST(Mistakes, MissingBarrier) {
    DeviceArray<float> in(ramp(128)), out(128);
    const auto run = [&](auto kernel) {
        launch(kernel, 1, 128, 512, nullptr, in.data(), out.data());
        return out.host();
    };
    EXPECT_EQ(different_results([&] { return run(reverse_kernel<true>); }), 1u);
    EXPECT_EQ(out.host()[0], ramp(128)[127]);
    if (kChecked) {
        expect_finding(Kind::kRace, "nothing orders the two", [&] { run(reverse_kernel<false>); });
    } else {
        EXPECT_GT(different_results([&] { return run(reverse_kernel<false>); }), 1u);
    }
}

__global__ void some_arrive_kernel(int *out) {
    if (threadIdx.x < 96) __syncthreads();
    out[threadIdx.x] = 1;
}
__global__ void different_places_kernel(int *out) {
    if (threadIdx.x < 32) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    out[threadIdx.x] = 1;
}
__global__ void half_a_warp_kernel(int *out) {
    if (threadIdx.x % 32 < 16) barrier(1, 64);
    out[threadIdx.x] = 1;
}

TEST(Mistakes, BarrierNotReachedByAll) {
    DeviceArray<int> out(128);
    expect_finding(Kind::kBarrier, "threads 0-95 wait at __syncthreads of test_mistakes.cpp:", [&] {
        launch(some_arrive_kernel, 1, 128, 0, nullptr, out.data());
    });
    expect_finding(Kind::kBarrier, "threads 96-127 have left",
                   [&] { launch(some_arrive_kernel, 1, 128, 0, nullptr, out.data()); });
    expect_finding(Kind::kBarrier, "different_places_kernel",
                   [&] { launch(different_places_kernel, 1, 128, 0, nullptr, out.data()); });
    expect_finding(Kind::kBarrier, "barrier of", [&] { launch(half_a_warp_kernel, 1, 128, 0, nullptr, out.data()); });
}

// Two warps make, two others use; barrier 1 is the made one.
template <bool kBarrier> __global__ void producer_kernel(const float *in, float *out) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    const unsigned i = threadIdx.x;
    shared[i] = 0;
    __syncthreads();
    if (i < 32) {
        shared[i] = in[i];
        if (kBarrier) barrier(1, 64);
    } else if (i < 64) {
        if (kBarrier) barrier(1, 64);
        out[i - 32] = shared[63 - i];
    } else {
        out[i - 32] = in[i];
    }
}

TEST(Mistakes, MissingNamedBarrier) {
    DeviceArray<float> in(ramp(96)), out(64);
    const auto run = [&](auto kernel) {
        launch(kernel, 1, 96, 96 * 4, nullptr, in.data(), out.data());
        return out.host();
    };
    EXPECT_EQ(different_results([&] { return run(producer_kernel<true>); }), 1u);
    if (kChecked) {
        expect_finding(Kind::kRace, "shared memory", [&] { run(producer_kernel<false>); });
    } else {
        EXPECT_GT(different_results([&] { return run(producer_kernel<false>); }), 1u);
    }
}

// All threads at one named barrier, from two places in the source: fine.
__global__ void two_places_kernel(const float *in, float *out) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    const unsigned i = threadIdx.x;
    if (i < 32) {
        shared[i] = in[i];
        barrier(1, 64);
    } else {
        barrier(1, 64);
        out[i - 32] = shared[63 - i];
    }
}

TEST(Mistakes, NamedBarrierFromTwoPlacesIsNone) {
    DeviceArray<float> in(ramp(32)), out(32);
    launch(two_places_kernel, 1, 64, 128, nullptr, in.data(), out.data());
    EXPECT_EQ(out.host()[0], ramp(32)[31]);
}

// Order passes on: from warp 0 through barrier 1 to warp 1, through barrier 2 to warp 2.
template <bool kSecond> __global__ void chain_kernel(const float *in, float *out) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    const unsigned i = threadIdx.x, warp = i / 32;
    shared[i] = 0;
    __syncthreads();
    if (warp == 0) shared[i] = in[i];
    if (warp <= 1) barrier(1, 64);
    if (warp == 1) shared[i] = 2 * shared[63 - i];
    if (kSecond && warp >= 1) barrier(2, 64);
    if (warp == 2) out[i - 64] = shared[95 - i] + shared[i - 32];
}

TEST(Mistakes, MissingLinkInAChainOfBarriers) {
    DeviceArray<float> in(ramp(32)), out(32);
    const auto run = [&](auto kernel) {
        launch(kernel, 1, 96, 384, nullptr, in.data(), out.data());
        return out.host();
    };
    EXPECT_EQ(different_results([&] { return run(chain_kernel<true>); }), 1u);
    EXPECT_EQ(out.host()[1], 3 * ramp(32)[30]);
    if (kChecked) {
        expect_finding(Kind::kRace, "nothing orders the two", [&] { run(chain_kernel<false>); });
    } else {
        EXPECT_GT(different_results([&] { return run(chain_kernel<false>); }), 1u);
    }
}

// ---- Warps

template <bool kSync> __global__ void warp_reverse_kernel(const float *in, float *out) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    const unsigned i = threadIdx.x;
    shared[i] = 0;
    __syncwarp();
    shared[i] = in[i];
    if (kSync) __syncwarp();
    out[i] = shared[i ^ 31];
}

TEST(Mistakes, MissingSyncOfAWarp) {
    DeviceArray<float> in(ramp(64)), out(64);
    const auto run = [&](auto kernel) {
        launch(kernel, 1, 64, 256, nullptr, in.data(), out.data());
        return out.host();
    };
    EXPECT_EQ(different_results([&] { return run(warp_reverse_kernel<true>); }), 1u);
    if (kChecked) {
        expect_finding(Kind::kRace, "thread", [&] { run(warp_reverse_kernel<false>); });
    } else {
        EXPECT_GT(different_results([&] { return run(warp_reverse_kernel<false>); }), 1u);
    }
}

// The same among lanes: 0 to 1 to 2.
template <bool kSecond> __global__ void lanes_kernel(float *out) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    const unsigned lane = threadIdx.x;
    if (lane < 3) shared[lane] = 0;
    __syncwarp();
    if (lane == 0) shared[0] = 5;
    if (lane <= 1) __syncwarp(3);
    if (kSecond && (lane == 1 || lane == 2)) __syncwarp(6);
    if (lane == 2) *out = shared[0];
}

TEST(Mistakes, MissingLinkInAChainOfLanes) {
    DeviceArray<float> out(1);
    launch(lanes_kernel<true>, 1, 32, 12, nullptr, out.data());
    EXPECT_EQ(out.host()[0], 5);
    if (kChecked) {
        expect_finding(Kind::kRace, "byte 0 of 12 of shared memory",
                       [&] { launch(lanes_kernel<false>, 1, 32, 12, nullptr, out.data()); });
    }
}

__global__ void missing_lane_kernel(float *out) {
    float v = float(threadIdx.x);
    if (threadIdx.x != 5) v = __shfl_xor_sync(~0u, v, 1);
    out[threadIdx.x] = v;
}
__global__ void not_in_mask_kernel(float *out) { out[threadIdx.x] = __shfl_xor_sync(0xffffu, 1.0f, 1); }
__global__ void different_collectives_kernel(unsigned *out) {
    unsigned v;
    if (threadIdx.x < 16) v = __ballot_sync(~0u, 1);
    else v = __shfl_sync(~0u, threadIdx.x, 0);
    out[threadIdx.x] = v;
}

TEST(Mistakes, WarpCollectiveNotReachedByAll) {
    DeviceArray<float> out(32);
    DeviceArray<unsigned> bits(32);
    expect_finding(Kind::kWarp, "thread 5 has left",
                   [&] { launch(missing_lane_kernel, 1, 32, 0, nullptr, out.data()); });
    expect_finding(Kind::kWarp, "not in its own mask",
                   [&] { launch(not_in_mask_kernel, 1, 32, 0, nullptr, out.data()); });
    expect_finding(Kind::kWarp, "__ballot_sync of",
                   [&] { launch(different_collectives_kernel, 1, 32, 0, nullptr, bits.data()); });
}

// ---- Asynchronous copies

template <bool kWait> __global__ void fetch_kernel(const float4 *in, float4 *out) {
    float4 *shared = reinterpret_cast<float4 *>(shared_memory());
    copy_async_16(shared + threadIdx.x, in + threadIdx.x, true);
    copy_async_commit();
    if (kWait) copy_async_wait<0>();
    __syncthreads();
    out[threadIdx.x] = shared[threadIdx.x ^ 1];
    copy_async_wait<0>();
}
__global__ void forgotten_copy_kernel(const float4 *in) {
    copy_async_16(shared_memory() + 16 * threadIdx.x, in + threadIdx.x, true);
    copy_async_commit();
}

TEST(Mistakes, MissingWaitForAnAsynchronousCopy) {
    DeviceArray<float> in(ramp(256)), out(256);
    const auto run = [&](auto kernel) {
        launch(kernel, 1, 64, 1024, nullptr, reinterpret_cast<const float4 *>(in.data()),
               reinterpret_cast<float4 *>(out.data()));
        return out.host();
    };
    EXPECT_EQ(different_results([&] { return run(fetch_kernel<true>); }), 1u);
    EXPECT_FALSE(has_nan(out.host()));
    if (kChecked) {
        expect_finding(Kind::kPendingCopy, "no wait covers it", [&] { run(fetch_kernel<false>); });
    } else {
        EXPECT_TRUE(has_nan(run(fetch_kernel<false>)));
    }
    expect_finding(Kind::kPendingCopy, "leaves with an asynchronous copy", [&] {
        launch(forgotten_copy_kernel, 1, 32, 512, nullptr, reinterpret_cast<const float4 *>(in.data()));
    });
}

// ---- Bounds

__global__ void shared_overrun_kernel(float *out, unsigned n) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    for (unsigned i = threadIdx.x; i < n; i += blockDim.x) shared[i] = 1;
    __syncthreads();
    out[threadIdx.x] = shared[threadIdx.x];
}
__global__ void shared_underrun_kernel(float *out) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    shared[int(threadIdx.x) - 1] = 1;
    __syncthreads();
    out[threadIdx.x] = 0;
}
__global__ void fill_kernel(float *out, int from, int to) {
    for (int i = from + int(threadIdx.x); i < to; i += int(blockDim.x)) out[i] = 1;
}
__global__ void sum_kernel(const float *in, float *out, int n) {
    float sum = 0;
    for (int i = 0; i < n; i++) sum += in[i];
    *out = sum;
}

TEST(Mistakes, SharedOverrun) {
    DeviceArray<float> out(32);
    [[maybe_unused]] const Kind kind = kChecked ? Kind::kBounds : Kind::kGuard;
    launch(shared_overrun_kernel, 1, 32, 4 * 100, nullptr, out.data(), 100);
    EXPECT_FOUND(kind, "byte 400 of 400", launch(shared_overrun_kernel, 1, 32, 4 * 100, nullptr, out.data(), 101));
    EXPECT_FOUND(kind, "byte -4 of 128", launch(shared_underrun_kernel, 1, 32, 128, nullptr, out.data()));
}

TEST(Mistakes, GlobalOverrun) {
    DeviceArray<float> in(ramp(10)), out(10), more(10);
    [[maybe_unused]] const Kind kind = kChecked ? Kind::kBounds : Kind::kGuard;
    launch(fill_kernel, 1, 32, 0, nullptr, out.data(), 0, 10);
    EXPECT_FOUND(kind, "device allocation", launch(fill_kernel, 1, 32, 0, nullptr, out.data(), 0, 11));
    EXPECT_FOUND(kind, "device allocation", launch(fill_kernel, 1, 32, 0, nullptr, more.data(), -1, 10));
    if (kChecked) {
        expect_finding(Kind::kBounds, "reads 4 bytes at byte 40 of 40 of a device allocation, at test_mistakes.cpp:",
                       [&] { launch(sum_kernel, 1, 1, 0, nullptr, in.data(), out.data(), 11); });
    }
#if !defined(__SANITIZE_ADDRESS__)
    if (!kChecked) {
        launch(sum_kernel, 1, 1, 0, nullptr, in.data(), out.data(), 11);
        EXPECT_TRUE(std::isnan(out.host()[0]));
    }
#endif
}

__global__ void vector_kernel(const float *in, float4 *out) { *out = *reinterpret_cast<const float4 *>(in); }
__global__ void matrix_kernel(uint32_t *out) {
    char *shared = shared_memory();
    shared[threadIdx.x] = 0;
    __syncthreads();
    uint32_t r[4];
    ldmatrix(r, shared_address(shared + 8 * threadIdx.x));
    out[threadIdx.x] = r[0];
}

TEST(Mistakes, Misaligned) {
    DeviceArray<float> in(ramp(8));
    DeviceArray<float4> out(1);
    DeviceArray<uint32_t> words(32);
    launch(vector_kernel, 1, 1, 0, nullptr, in.data() + 4, out.data());
    if (kChecked) {
        expect_finding(Kind::kAlignment, "reads 16 bytes at byte 4 of 32 of a device allocation",
                       [&] { launch(vector_kernel, 1, 1, 0, nullptr, in.data() + 1, out.data()); });
    }
    expect_finding(Kind::kAlignment, "ldmatrix", [&] { launch(matrix_kernel, 1, 32, 512, nullptr, words.data()); });
}

// ---- Order of blocks

__global__ void disorderly_sum_kernel(const float *in, float *sum) { *sum += in[blockIdx.x]; }

template <bool kFence> __global__ void ticket_sum_kernel(const float *in, float *parts, float *sum, unsigned *ticket) {
    bool *last = reinterpret_cast<bool *>(shared_memory());
    if (threadIdx.x == 0) parts[blockIdx.x] = in[blockIdx.x] * 2;
    if (kFence) __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        *last = atomicAdd(ticket, 1u) == gridDim.x - 1;
        __threadfence();
    }
    __syncthreads();
    if (!*last || threadIdx.x != 7) return;
    float total = 0;
    for (unsigned i = 0; i < gridDim.x; i++) total += parts[i];
    *sum = total;
}

TEST(Mistakes, SumInTheOrderOfBlocks) {
    DeviceArray<float> in(ramp(100)), parts(100), sum(std::vector<float>{0});
    DeviceArray<unsigned> ticket(1);
    const auto disorderly = [&] {
        cudaMemset(sum.data(), 0, 4);
        launch(disorderly_sum_kernel, 100, 1, 0, nullptr, in.data(), sum.data());
        return sum.host();
    };
    const auto orderly = [&](auto kernel) {
        cudaMemset(ticket.data(), 0, 4);
        launch(kernel, 100, 32, 16, nullptr, in.data(), parts.data(), sum.data(), ticket.data());
        return sum.host();
    };
    EXPECT_EQ(different_results([&] { return orderly(ticket_sum_kernel<true>); }), 1u);
    if (kChecked) {
        expect_finding(Kind::kRace, "of another block", disorderly);
        expect_finding(Kind::kRace, "of another block", [&] { orderly(ticket_sum_kernel<false>); });
    } else {
        EXPECT_GT(different_results(disorderly), 1u);
    }
}

__global__ void overlap_kernel(float *out) { out[blockIdx.x * 4 + threadIdx.x] = 1; }

TEST(Mistakes, BlocksWriteTheSame) {
    DeviceArray<float> out(64);
    launch(overlap_kernel, 4, 4, 0, nullptr, out.data());
    if (kChecked) {
        expect_finding(Kind::kRace, "of another block writes at",
                       [&] { launch(overlap_kernel, 4, 5, 0, nullptr, out.data()); });
    }
}

// ---- Values

__global__ void uninitialized_kernel(float *out) {
    out[threadIdx.x] = reinterpret_cast<float *>(shared_memory())[threadIdx.x];
}

TEST(Mistakes, UninitializedMemory) {
    DeviceArray<float> never(32), out(32);
    if (kChecked) {
        expect_finding(Kind::kUninitialized, "of shared memory",
                       [&] { launch(uninitialized_kernel, 1, 32, 128, nullptr, out.data()); });
        expect_finding(Kind::kUninitialized, "of a device allocation",
                       [&] { launch(sum_kernel, 1, 1, 0, nullptr, never.data(), out.data(), 3); });
    } else {
        launch(uninitialized_kernel, 1, 32, 128, nullptr, out.data());
        for (float x : out.host()) EXPECT_TRUE(std::isnan(x));
        launch(sum_kernel, 1, 1, 0, nullptr, never.data(), out.data(), 3);
        EXPECT_TRUE(std::isnan(out.host()[0]));
    }
}

TEST(Mistakes, HostMemory) {
    DeviceArray<float> out(1);
    const auto host = ramp(4);
    if (kChecked) {
        expect_finding(Kind::kHostMemory, "reads host memory",
                       [&] { launch(sum_kernel, 1, 1, 0, nullptr, host.data(), out.data(), 3); });
    }
    EXPECT_EQ(cudaMemcpy(out.data(), host.data(), 8, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    emulation::Finding finding;
    ASSERT_TRUE(emulation::take_finding(&finding));
    EXPECT_EQ(finding.kind, Kind::kBounds);
    EXPECT_EQ(cudaMemcpy(out.data(), host.data(), 4, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
    ASSERT_TRUE(emulation::take_finding(&finding));
    EXPECT_EQ(finding.kind, Kind::kHostMemory);
    emulation::set_host_guard(true);
    EXPECT_DEATH(std::printf("%f", double(*out.data())), "");
    emulation::set_host_guard(false);
}

__global__ void throwing_kernel() { throw std::runtime_error("a reason"); }

TEST(Mistakes, Exception) {
    expect_finding(Kind::kException, "a reason", [] { launch(throwing_kernel, 1, 1, 0, nullptr); });
}

} // namespace
} // namespace ist::cuda
