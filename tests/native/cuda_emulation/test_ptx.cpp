// test_ptx.cpp - the twins of kernels/ptx.cuh against formulas written over whole matrices.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "device_array.h"
#include "findings.h"
#include "kernels/ptx.cuh"

namespace ist::cuda {
namespace {

enum class Unit { kBf16, kFp16, kTf32 };

// d += a b with a [16][16] and b [16][8] in global memory, 16-bit elements, loaded element by element.
template <Unit unit> __global__ void mma_kernel(const uint16_t *a, const uint16_t *b, float *d) {
    const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
    const auto pair = [](const uint16_t *low, const uint16_t *high) { return *low | uint32_t(*high) << 16; };
    uint32_t r[4];
    for (int i = 0; i < 4; i++) {
        const uint16_t *at = a + (g + i % 2 * 8) * 16 + t * 2 + i / 2 * 8;
        r[i] = pair(at, at + 1);
    }
    const uint16_t *b0 = b + t * 2 * 8 + g, *b1 = b0 + 64;
    float tile[4];
    for (int i = 0; i < 4; i++) tile[i] = d[(g + i / 2 * 8) * 8 + t * 2 + i % 2];
    if (unit == Unit::kBf16) mma_bf16(tile, r, pair(b0, b0 + 8), pair(b1, b1 + 8));
    else mma_fp16(tile, r, pair(b0, b0 + 8), pair(b1, b1 + 8));
    for (int i = 0; i < 4; i++) d[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = tile[i];
}

__global__ void mma_tf32_kernel(const float *a, const float *b, float *d) { // a [16][8], b [8][8]
    const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
    uint32_t r[4];
    for (int i = 0; i < 4; i++) r[i] = __float_as_uint(a[(g + i % 2 * 8) * 8 + t + i / 2 * 4]);
    float tile[4];
    for (int i = 0; i < 4; i++) tile[i] = d[(g + i / 2 * 8) * 8 + t * 2 + i % 2];
    mma_tf32(tile, r, __float_as_uint(b[t * 8 + g]), __float_as_uint(b[(t + 4) * 8 + g]));
    for (int i = 0; i < 4; i++) d[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = tile[i];
}

// Small whole numbers: every order of the sum gives the same float.
std::vector<float> whole_numbers(size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<float> v(n);
    for (float &x : v) x = float(int(random() % 31) - 15);
    return v;
}

template <class Encode> std::vector<uint16_t> encoded(const std::vector<float> &v, Encode encode) {
    std::vector<uint16_t> out;
    for (float x : v) out.push_back(encode(x));
    return out;
}

void expect_product(const std::vector<float> &a, const std::vector<float> &b, const std::vector<float> &before,
                    const std::vector<float> &after, int depth) {
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 8; j++) {
            float sum = before[size_t(i * 8 + j)];
            for (int k = 0; k < depth; k++) sum += a[size_t(i * depth + k)] * b[size_t(k * 8 + j)];
            EXPECT_EQ(sum, after[size_t(i * 8 + j)]) << i << ", " << j;
        }
    }
}

TEST(Ptx, MmaOfSixteenBitTypes) {
    const auto a = whole_numbers(256, 1), b = whole_numbers(128, 2), d = whole_numbers(128, 3);
    {
        DeviceArray<uint16_t> da(encoded(a, emulation::to_bf16)), db(encoded(b, emulation::to_bf16));
        DeviceArray<float> dd(d);
        launch(mma_kernel<Unit::kBf16>, 1, 32, 0, nullptr, da.data(), db.data(), dd.data());
        expect_product(a, b, d, dd.host(), 16);
    }
    {
        DeviceArray<uint16_t> da(encoded(a, emulation::to_fp16)), db(encoded(b, emulation::to_fp16));
        DeviceArray<float> dd(d);
        launch(mma_kernel<Unit::kFp16>, 1, 32, 0, nullptr, da.data(), db.data(), dd.data());
        expect_product(a, b, d, dd.host(), 16);
    }
}

TEST(Ptx, MmaOfTf32IgnoresLowBits) {
    const auto a = whole_numbers(128, 4), b = whole_numbers(64, 5), d = whole_numbers(128, 6);
    std::vector<float> noisy = a;
    for (float &x : noisy) {
        if (x != 0) x = __uint_as_float(__float_as_uint(x) | 0x1abc);
    }
    DeviceArray<float> da(noisy), db(b), dd(d);
    launch(mma_tf32_kernel, 1, 32, 0, nullptr, da.data(), db.data(), dd.data());
    expect_product(a, b, d, dd.host(), 8);
}

// Shared memory holds 16-bit numbers 0, 1, 2 ...: matrix i has row j at element 64 i + 8 j.
template <bool Transposed> __global__ void ldmatrix_kernel(uint32_t *out) {
    uint16_t *shared = reinterpret_cast<uint16_t *>(shared_memory());
    const unsigned lane = threadIdx.x;
    for (unsigned i = lane; i < 256; i += 32) shared[i] = uint16_t(i);
    __syncthreads();
    uint32_t r[4];
    ldmatrix<Transposed>(r, shared_address(shared + lane * 8));
    for (int i = 0; i < 4; i++) out[lane * 4 + unsigned(i)] = r[i];
}

template <bool Transposed> void check_ldmatrix() {
    DeviceArray<uint32_t> out(128);
    launch(ldmatrix_kernel<Transposed>, 1, 32, 512, nullptr, out.data());
    const auto r = out.host();
    for (int l = 0; l < 32; l++) {
        for (int i = 0; i < 4; i++) {
            for (int half = 0; half < 2; half++) {
                int row = l / 4, column = 2 * (l % 4) + half;
                if (Transposed) std::swap(row, column);
                EXPECT_EQ(r[size_t(l * 4 + i)] >> (16 * half) & 0xffff, unsigned(64 * i + 8 * row + column));
            }
        }
    }
}

TEST(Ptx, Ldmatrix) {
    check_ldmatrix<false>();
    check_ldmatrix<true>();
}

// Two stages of a pipeline: the first wait leaves the second group under way.
__global__ void copy_kernel(const uint4 *in, uint4 *out) {
    uint4 *shared = reinterpret_cast<uint4 *>(shared_memory());
    const unsigned i = threadIdx.x;
    copy_async_16(shared + i, in + i, true);
    copy_async_commit();
    copy_async_16(shared + 32 + i, in + 32 + i, i % 2 == 0);
    copy_async_commit();
    copy_async_wait<1>();
    out[i] = shared[i];
    out[64 + i] = shared[32 + i];
    copy_async_wait<0>();
    out[32 + i] = shared[32 + i];
}

// What is read too early is poison; checked mode says so.
TEST(Ptx, AsynchronousCopiesTakeEffectAtTheirWait) {
    std::vector<uint4> in(64);
    for (unsigned i = 0; i < 64; i++) in[i] = {i, i + 1, i + 2, i + 3};
    DeviceArray<uint4> from(in), to(96);
    if (emulation::kChecked) {
        expect_finding(emulation::Kind::kPendingCopy, "no wait covers it",
                       [&] { launch(copy_kernel, 1, 32, 1024, nullptr, from.data(), to.data()); });
        return;
    }
    launch(copy_kernel, 1, 32, 1024, nullptr, from.data(), to.data());
    const auto out = to.host();
    for (unsigned i = 0; i < 32; i++) {
        EXPECT_EQ(out[i].w, i + 3);
        EXPECT_EQ(out[32 + i].x, i % 2 == 0 ? 32 + i : 0);
        EXPECT_EQ(out[64 + i].x, emulation::kPoison);
    }
}

TEST(Ptx, RoundsToTf32TiesAway) {
    EXPECT_EQ(round_tf32(1.0f), 1.0f);
    EXPECT_EQ(round_tf32(1.0f + 0x1p-11f), 1.0f + 0x1p-10f);
    EXPECT_EQ(round_tf32(-1.0f - 0x1p-11f), -1.0f - 0x1p-10f);
    EXPECT_EQ(round_tf32(1.0f + 0x1.ffcp-12f), 1.0f);
    EXPECT_EQ(round_tf32(std::numeric_limits<float>::max()), std::numeric_limits<float>::infinity());
    EXPECT_TRUE(std::isnan(round_tf32(std::nanf(""))));
}

// Every 16-bit value, and what lies halfway between two of them.
TEST(Ptx, RoundsToSixteenBitsTiesToEven) {
    for (uint32_t i = 0; i < 0x7f80; i++) {
        const float value = emulation::from_bf16(uint16_t(i));
        EXPECT_EQ(pack_bf16(value, -value), i | (i | 0x8000) << 16);
        const float half = __uint_as_float(i << 16 | 0x8000);
        EXPECT_EQ(pack_bf16(half, 0) & 0xffff, i + i % 2);
    }
    for (uint32_t i = 0; i < 0x7c00; i++) {
        const int exponent = int(i >> 10), mantissa = int(i & 0x3ff);
        const double value = exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24);
        EXPECT_EQ(emulation::from_fp16(uint16_t(i)), float(value));
        EXPECT_EQ(pack_fp16(float(value), -float(value)), i | (i | 0x8000) << 16);
        const double unit = std::ldexp(1, std::max(exponent, 1) - 25);
        EXPECT_EQ(pack_fp16(float(value + unit / 2), 0) & 0xffff, i + i % 2) << i;
        EXPECT_EQ(pack_fp16(float(value + unit * 0.499), 0) & 0xffff, i) << i;
        EXPECT_EQ(pack_fp16(float(value + unit * 0.501), 0) & 0xffff, i + 1) << i;
    }
    EXPECT_EQ(pack_bf16(std::nanf(""), 0), 0x7fffu);
    EXPECT_EQ(pack_fp16(std::nanf(""), 1e30f), 0x7c007fffu);
}

TEST(Ptx, ReluKeepsNan) {
    EXPECT_EQ(relu(2.5f), 2.5f);
    EXPECT_EQ(relu(-2.5f), 0.0f);
    EXPECT_FALSE(std::signbit(relu(-0.0f)));
    EXPECT_TRUE(std::isnan(relu(std::nanf(""))));
    EXPECT_TRUE(std::isnan(relu(-std::nanf(""))));
}

} // namespace
} // namespace ist::cuda
