// test_counters.cpp - sectors, bank conflicts, bytes and operations of kernels whose numbers are known by hand.
#include <vector>

#include <gtest/gtest.h>

#include "counters.h"
#include "device_array.h"
#include "kernels/ptx.cuh"

namespace ist::cuda {
namespace {

using emulation::KernelCounters;
using emulation::SiteCounters;

// The counters of the only kernel that run() launches.
template <class Run> KernelCounters counted(Run run) {
    emulation::take_counters();
    run();
    const auto all = emulation::take_counters();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? KernelCounters() : all[0];
}

const SiteCounters &site(const KernelCounters &kernel, bool shared, bool write) {
    static const SiteCounters none;
    const SiteCounters *found = nullptr;
    for (const SiteCounters &s : kernel.sites) {
        if (s.shared != shared || s.write != write) continue;
        EXPECT_EQ(found, nullptr) << "two sites: " << s.place << " and " << found->place;
        found = &s;
    }
    EXPECT_NE(found, nullptr);
    return found ? *found : none;
}

// Thread i reads element i * stride + offset of in.
template <class T> __global__ void strided_kernel(const T *in, T *out, int stride, int offset) {
    const int i = int(blockIdx.x * blockDim.x + threadIdx.x);
    out[i] = in[i * stride + offset];
}

template <class T> KernelCounters strided(int stride, int offset = 0) {
    DeviceArray<T> in(std::vector<T>(4096)), out(64);
    return counted([&] { launch(strided_kernel<T>, 1, 64, 0, nullptr, in.data(), out.data(), stride, offset); });
}

TEST(Counters, SectorsPerRequest) {
    if (!emulation::kChecked) GTEST_SKIP() << "counts in checked mode alone";
    const KernelCounters row = strided<float>(1);
    EXPECT_NE(row.kernel.find("strided_kernel<float>"), std::string::npos) << row.kernel;
    EXPECT_EQ(row.launches, 1u);
    EXPECT_EQ(row.blocks, 1u);
    EXPECT_EQ(row.read_bytes, 256u);
    EXPECT_EQ(row.written_bytes, 256u);
    EXPECT_EQ(row.read_sectors, 8u);
    EXPECT_EQ(site(row, false, false).requests, 2u);
    EXPECT_EQ(site(row, false, false).width, 4u);
    EXPECT_NE(site(row, false, false).place.find("test_counters.cpp:"), std::string::npos);
    EXPECT_EQ(site(row, false, false).sectors_per_request(), 4);
    EXPECT_EQ(site(row, false, true).sectors_per_request(), 4);
    EXPECT_EQ(site(strided<float>(1, 1), false, false).sectors_per_request(), 5);
    EXPECT_EQ(site(strided<float>(2), false, false).sectors_per_request(), 8);
    EXPECT_EQ(site(strided<float>(8), false, false).sectors_per_request(), 32);
    EXPECT_EQ(site(strided<float>(0), false, false).sectors_per_request(), 1);
    EXPECT_EQ(site(strided<uint16_t>(1), false, false).sectors_per_request(), 2);
    const KernelCounters wide = strided<uint4>(1);
    EXPECT_EQ(site(wide, false, false).width, 16u);
    EXPECT_EQ(site(wide, false, false).requests, 2u);
    EXPECT_EQ(site(wide, false, false).sectors_per_request(), 16);
    EXPECT_EQ(site(wide, false, true).width, 16u);
    EXPECT_EQ(wide.read_bytes, 1024u);
}

// Lanes with different numbers of iterations: the n-th executions belong together.
__global__ void ragged_kernel(const float *in, float *out) {
    float sum = 0;
    for (unsigned i = 0; i <= threadIdx.x / 8; i++) sum += in[32 * i + threadIdx.x];
    out[threadIdx.x] = sum;
}

TEST(Counters, RequestsOfDivergentLanes) {
    if (!emulation::kChecked) GTEST_SKIP() << "counts in checked mode alone";
    DeviceArray<float> in(std::vector<float>(128)), out(32);
    const KernelCounters k = counted([&] { launch(ragged_kernel, 1, 32, 0, nullptr, in.data(), out.data()); });
    EXPECT_EQ(site(k, false, false).requests, 4u);
    EXPECT_EQ(site(k, false, false).sectors, 4u + 3 + 2 + 1);
    EXPECT_EQ(site(k, false, false).bytes, 4u * (32 + 24 + 16 + 8));
}

// Thread i writes word (element of T) i * stride of shared memory.
template <class T> __global__ void banks_kernel(int stride) {
    T value{};
    reinterpret_cast<T *>(shared_memory())[int(threadIdx.x) * stride] = value;
}

template <class T> double conflicts(int stride) {
    const KernelCounters k = counted([&] { launch(banks_kernel<T>, 1, 32, 32 << 10, nullptr, stride); });
    return site(k, true, true).conflicts();
}

TEST(Counters, BankConflicts) {
    if (!emulation::kChecked) GTEST_SKIP() << "counts in checked mode alone";
    EXPECT_EQ(conflicts<float>(1), 1);
    EXPECT_EQ(conflicts<float>(2), 2);
    EXPECT_EQ(conflicts<float>(32), 32);
    EXPECT_EQ(conflicts<float>(33), 1);
    EXPECT_EQ(conflicts<uint16_t>(32), 16); // 64 bytes: every second lane has the same bank
    EXPECT_EQ(conflicts<uint2>(1), 1);      // halves of a warp
    EXPECT_EQ(conflicts<uint2>(2), 2);
    EXPECT_EQ(conflicts<uint4>(1), 1); // quarters of a warp
    EXPECT_EQ(conflicts<uint4>(2), 2);
    EXPECT_EQ(conflicts<uint4>(8), 8);
    EXPECT_EQ(conflicts<uint4>(9), 1);
}

__global__ void broadcast_kernel(float *out) {
    float *shared = reinterpret_cast<float *>(shared_memory());
    shared[threadIdx.x] = 1;
    __syncthreads();
    out[threadIdx.x] = shared[threadIdx.x / 16];
}

TEST(Counters, OneWordForManyLanesIsNoConflict) {
    if (!emulation::kChecked) GTEST_SKIP() << "counts in checked mode alone";
    DeviceArray<float> out(32);
    const KernelCounters k = counted([&] { launch(broadcast_kernel, 1, 32, 128, nullptr, out.data()); });
    EXPECT_EQ(site(k, true, false).conflicts(), 1);
}

// A 16 x 16 tile whose rows are `pitch` bytes apart, as an operand of mma.
__global__ void matrix_kernel(float *out, int pitch) {
    char *shared = shared_memory();
    for (int i = int(threadIdx.x); i < pitch * 4; i += 32) reinterpret_cast<uint32_t *>(shared)[i] = 0;
    __syncthreads();
    uint32_t r[4];
    ldmatrix(r, shared_address(shared + int(threadIdx.x) % 16 * pitch + int(threadIdx.x) / 16 * 16));
    float d[4] = {};
    mma_bf16(d, r, r[0], r[1]);
    mma_tf32(d, r, r[0], r[1]);
    out[threadIdx.x] = d[0];
}

TEST(Counters, MatricesAndOperations) {
    if (!emulation::kChecked) GTEST_SKIP() << "counts in checked mode alone";
    DeviceArray<float> out(32);
    for (const auto &[pitch, factor] :
         {std::pair(32, 2.0), std::pair(48, 1.0), std::pair(64, 4.0), std::pair(128, 8.0)}) {
        const KernelCounters k = counted([&] { launch(matrix_kernel, 1, 32, 2048, nullptr, out.data(), pitch); });
        EXPECT_EQ(site(k, true, false).conflicts(), factor) << pitch;
        EXPECT_EQ(site(k, true, false).phases, 4u);
        EXPECT_EQ(k.mma, 2u);
        EXPECT_EQ(k.mma_operations, 2u * 16 * 8 * 16 + 2u * 16 * 8 * 8);
    }
}

// All bytes that a launch reads count once, however often it reads them.
__global__ void twice_kernel(const float *in, float *out) { out[threadIdx.x] = in[threadIdx.x] + in[63 - threadIdx.x]; }

TEST(Counters, BytesCountOnceALaunch) {
    if (!emulation::kChecked) GTEST_SKIP() << "counts in checked mode alone";
    DeviceArray<float> in(std::vector<float>(64)), out(64);
    const KernelCounters k = counted([&] {
        launch(twice_kernel, 1, 64, 0, nullptr, in.data(), out.data());
        launch(twice_kernel, 1, 64, 0, nullptr, in.data(), out.data());
    });
    EXPECT_EQ(k.launches, 2u);
    EXPECT_EQ(k.read_bytes, 2u * 256);
    EXPECT_EQ(k.read_sectors, 2u * 2 * 8);
    EXPECT_EQ(k.written_bytes, 2u * 256);
}

__global__ void copies_kernel(const uint4 *in, uint4 *out) {
    uint4 *shared = reinterpret_cast<uint4 *>(shared_memory());
    copy_async_16(shared + threadIdx.x, in + threadIdx.x, threadIdx.x < 16);
    copy_async_commit();
    copy_async_wait<0>();
    out[threadIdx.x] = shared[threadIdx.x];
}

TEST(Counters, AsynchronousCopies) {
    if (!emulation::kChecked) GTEST_SKIP() << "counts in checked mode alone";
    DeviceArray<uint4> in(std::vector<uint4>(32)), out(32);
    const KernelCounters k = counted([&] { launch(copies_kernel, 1, 32, 512, nullptr, in.data(), out.data()); });
    EXPECT_EQ(k.read_bytes, 256u);
    EXPECT_EQ(site(k, false, false).sectors_per_request(), 8);
    EXPECT_EQ(site(k, true, true).conflicts(), 1);
}

} // namespace
} // namespace ist::cuda
