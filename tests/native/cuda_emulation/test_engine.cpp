// test_engine.cpp - the execution model: correct kernels give the right values, the same bits for every order, and no
// finding; indices, barriers, collectives; what a launch refuses.
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "findings.h"
#include "kernels/ptx.cuh"

namespace ist::cuda {
namespace {

__global__ void indices_kernel(int *out) {
    const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
    const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    out[block * threads + thread] = int(block * 1000 + thread);
}

TEST(Engine, EveryThreadOfEveryBlockRunsOnce) {
    const dim3 grid(3, 2, 4), block(5, 7, 3);
    DeviceArray<int> out(24 * 105);
    launch(indices_kernel, grid, block, 0, nullptr, out.data());
    const auto v = out.host();
    for (int b = 0; b < 24; b++) {
        for (int t = 0; t < 105; t++) ASSERT_EQ(v[size_t(b * 105 + t)], b * 1000 + t);
    }
}

// A sum in a fixed tree: lanes, warps, blocks of the grid (the last block adds the parts).
__global__ void sum_kernel(const float *in, int n, float *parts, float *sum, unsigned *ticket) {
    float *warps = reinterpret_cast<float *>(shared_memory());
    bool *last = reinterpret_cast<bool *>(warps + 32);
    const int thread = int(threadIdx.x), lane = thread % 32, warp = thread / 32;
    float v = 0;
    for (int i = int(blockIdx.x) * int(blockDim.x) + thread; i < n; i += int(gridDim.x * blockDim.x)) v += in[i];
    for (int step = 16; step > 0; step /= 2) v += __shfl_xor_sync(~0u, v, step);
    if (lane == 0) warps[warp] = v;
    __syncthreads();
    if (warp == 0) {
        v = lane < int(blockDim.x) / 32 ? warps[lane] : 0;
        for (int step = 16; step > 0; step /= 2) v += __shfl_down_sync(~0u, v, unsigned(step));
        if (lane == 0) {
            parts[blockIdx.x] = v;
            __threadfence();
            *last = atomicAdd(ticket, 1) == gridDim.x - 1;
            __threadfence();
        }
    }
    __syncthreads();
    if (*last && thread == 0) {
        float total = 0;
        for (unsigned b = 0; b < gridDim.x; b++) total += parts[b];
        *sum = total;
        *ticket = 0;
    }
}

TEST(Engine, SumInAFixedTreeHasTheSameBitsForEveryOrder) {
    std::vector<float> in(5000);
    for (size_t i = 0; i < in.size(); i++) in[i] = 1.0f / float(i + 1);
    DeviceArray<float> values(in), parts(7), sum(1);
    DeviceArray<unsigned> ticket(std::vector<unsigned>{0});
    const size_t n = different_results(
        [&] {
            launch(sum_kernel, 7, 256, 256, nullptr, values.data(), int(in.size()), parts.data(), sum.data(),
                   ticket.data());
            return sum.host();
        },
        20);
    EXPECT_EQ(n, 1u);
    EXPECT_NEAR(sum.host()[0], std::accumulate(in.begin(), in.end(), 0.0), 1e-5);
}

// c [M][N] = a [M][K] b [K][N] in bf16: blocks of 64 x 32, slices of 32 k in two stages of asynchronous copies.
constexpr int kPitch = 40; // elements of a row of a slice of a: 80 bytes, free of conflicts
constexpr int kPitchB = 40;
constexpr int kStage = 64 * kPitch + 32 * kPitchB;
__global__ void product_kernel(const uint16_t *a, const uint16_t *b, float *c, int n, int k) {
    uint16_t *shared = reinterpret_cast<uint16_t *>(shared_memory());
    const int thread = int(threadIdx.x), lane = thread % 32, warp = thread / 32;
    const int row0 = int(blockIdx.y) * 64, column0 = int(blockIdx.x) * 32;
    const auto fetch = [&](int slice) {
        uint16_t *to = shared + slice % 2 * kStage;
        for (int i = thread; i < 64 * 4; i += 128) {
            copy_async_16(to + i / 4 * kPitch + i % 4 * 8, a + (row0 + i / 4) * k + slice * 32 + i % 4 * 8, true);
        }
        to += 64 * kPitch;
        copy_async_16(to + thread / 4 * kPitchB + thread % 4 * 8,
                      b + (slice * 32 + thread / 4) * n + column0 + thread % 4 * 8, true);
        copy_async_commit();
    };
    float d[4][4] = {};
    fetch(0);
    for (int slice = 0; slice < k / 32; slice++) {
        if (slice + 1 < k / 32) {
            fetch(slice + 1);
            copy_async_wait<1>();
        } else {
            copy_async_wait<0>();
        }
        __syncthreads();
        const uint16_t *from = shared + slice % 2 * kStage, *from_b = from + 64 * kPitch;
        for (int kk = 0; kk < 32; kk += 16) {
            uint32_t ra[4];
            ldmatrix(ra, shared_address(from + (warp * 16 + lane % 16) * kPitch + kk + lane / 16 * 8));
            for (int j = 0; j < 4; j += 2) {
                uint32_t rb[4];
                ldmatrix<true>(rb, shared_address(from_b + (kk + lane % 16) * kPitchB + j * 8 + lane / 16 * 8));
                mma_bf16(d[j], ra, rb[0], rb[1]);
                mma_bf16(d[j + 1], ra, rb[2], rb[3]);
            }
        }
        __syncthreads();
    }
    for (int j = 0; j < 4; j++) {
        for (int half = 0; half < 2; half++) {
            float *to = c + (row0 + warp * 16 + lane / 4 + half * 8) * n + column0 + j * 8 + lane % 4 * 2;
            *reinterpret_cast<float2 *>(to) = make_float2(d[j][half * 2], d[j][half * 2 + 1]);
        }
    }
}

TEST(Engine, PipelinedMatrixProduct) {
    const int m = 128, n = 64, k = 96;
    std::vector<float> a(size_t(m * k)), b(size_t(k * n));
    for (size_t i = 0; i < a.size(); i++) a[i] = float(int(i * 7 % 13) - 6);
    for (size_t i = 0; i < b.size(); i++) b[i] = float(int(i * 5 % 11) - 5);
    std::vector<uint16_t> a16, b16;
    for (float x : a) a16.push_back(emulation::to_bf16(x));
    for (float x : b) b16.push_back(emulation::to_bf16(x));
    DeviceArray<uint16_t> da(a16), db(b16);
    DeviceArray<float> c(size_t(m * n));
    const size_t different = different_results([&] {
        launch(product_kernel, dim3(2, 2), 128, 2 * kStage * 2, nullptr, da.data(), db.data(), c.data(), n, k);
        return c.host();
    });
    EXPECT_EQ(different, 1u);
    const auto result = c.host();
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int l = 0; l < k; l++) sum += a[size_t(i * k + l)] * b[size_t(l * n + j)];
            ASSERT_EQ(result[size_t(i * n + j)], sum) << i << ", " << j;
        }
    }
}

__global__ void collectives_kernel(unsigned *out) {
    const unsigned lane = threadIdx.x;
    unsigned *to = out + lane * 8;
    to[0] = __ballot_sync(~0u, lane % 3 == 0);
    to[1] = unsigned(__any_sync(~0u, lane == 31)) << 1 | unsigned(__all_sync(~0u, lane < 31));
    to[2] = __shfl_sync(~0u, lane * 10, 35);
    to[3] = __shfl_up_sync(~0u, lane, 3);
    to[4] = __shfl_down_sync(~0u, lane, 5, 8);
    to[5] = __shfl_xor_sync(~0u, lane, 9);
    to[6] = 0;
    if (lane < 16) to[6] = __ballot_sync(0xffffu, 1);
    else to[6] = __shfl_sync(0xffff0000u, lane, 16);
    to[7] = unsigned(__shfl_xor_sync(~0u, double(lane), 1) * 4);
}

TEST(Engine, WarpCollectives) {
    DeviceArray<unsigned> out(256);
    launch(collectives_kernel, 1, 32, 0, nullptr, out.data());
    const auto v = out.host();
    for (unsigned l = 0; l < 32; l++) {
        const unsigned *r = &v[l * 8];
        EXPECT_EQ(r[0], 0x49249249u);
        EXPECT_EQ(r[1], 2u);
        EXPECT_EQ(r[2], 30u);
        EXPECT_EQ(r[3], l < 3 ? l : l - 3);
        EXPECT_EQ(r[4], l % 8 + 5 > 7 ? l : l + 5);
        EXPECT_EQ(r[5], l ^ 9);
        EXPECT_EQ(r[6], l < 16 ? 0xffffu : 16u);
        EXPECT_EQ(r[7], (l ^ 1) * 4);
    }
}

__global__ void order_kernel(int *order, unsigned *next) {
    order[atomicAdd(next, 1)] = int(blockIdx.x * 64 + threadIdx.x);
}

TEST(Engine, OrderComesFromTheSeed) {
    DeviceArray<int> order(256);
    DeviceArray<unsigned> next(1);
    const auto run = [&] {
        cudaMemset(next.data(), 0, 4);
        launch(order_kernel, 4, 64, 0, nullptr, order.data(), next.data());
        return order.host();
    };
    EXPECT_EQ(different_results(run, 10), 10u);
    emulation::set_seed(3);
    const auto once = run();
    EXPECT_EQ(once, run());
    emulation::set_seed(1);
}

struct Parameters {
    const float *in;
    float *out;
    int n;
};
__global__ void structure_kernel(Parameters p, double factor) {
    for (int i = 0; i < p.n; i++) p.out[i] = float(p.in[i] * factor);
}

TEST(Engine, ArgumentsAreConvertedAndPassedByValue) {
    DeviceArray<float> in(std::vector<float>{1, 2, 3}), out(3);
    Parameters p{in.data(), out.data(), 3};
    cudaStream_t stream;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "to create a stream");
    launch(structure_kernel, 1, 1, 0, stream, p, 2);
    p.n = 0;
    check(cudaStreamSynchronize(stream), "to wait");
    EXPECT_EQ(out.host(), (std::vector<float>{2, 4, 6}));
    check(cudaStreamDestroy(stream), "to destroy a stream");
}

__global__ void nothing_kernel() {}

TEST(Engine, RefusesWhatNoDeviceCanRun) {
    const auto refused = [](dim3 grid, dim3 block, size_t shared) {
        try {
            launch(nothing_kernel, grid, block, shared, nullptr);
        } catch (const Error &e) {
            return e.status == IST_DEVICE_ERROR && std::string(e.what()).find("nothing_kernel") != std::string::npos;
        }
        return false;
    };
    EXPECT_FALSE(refused(1, 1024, 227 << 10));
    EXPECT_TRUE(refused(1, 1025, 0));
    EXPECT_TRUE(refused(0, 32, 0));
    EXPECT_TRUE(refused(dim3(1, 65536), 32, 0));
    EXPECT_TRUE(refused(1, 32, 228 << 10));
}

} // namespace
} // namespace ist::cuda
