// probe.cpp - see probe.h.
//
// Multiply-add: independent chains of register-only instructions, enough of them to cover latency times ports (5 x 2);
// 2 operations per multiply-add of every lane, 4 per 32 bits in VDPBF16PS. Bandwidth: every thread adds up a buffer of
// its own with full-width loads, half of a cache (of its share, where threads share it) and four times the last cache
// in all for DRAM.
#include "probe.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <immintrin.h>
#include <memory>
#include <string>
#include <thread>

namespace ist::bench {
namespace {

constexpr int kChains = 12;

// The work of one thread, `passes` times; what it returns is only there so that the work is.
using Kernel = float (*)(const float *data, int64_t n, int64_t passes);

#define ONE_CHAIN_EACH(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)

// n rounds of kChains multiply-adds.
__attribute__((target("avx512f"))) float fp32_avx512(const float *, int64_t n, int64_t passes) {
    __m512 sum[kChains];
    for (__m512 &s : sum) s = _mm512_set1_ps(1);
    __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
    for (int64_t i = 0; i < n * passes; ++i) {
        __asm__ volatile("" : "+v"(a), "+v"(b)); // the operands may change: no round is moved out of the loop
#define STEP(k) sum[k] = _mm512_fmadd_ps(sum[k], a, b);
        ONE_CHAIN_EACH(STEP)
#undef STEP
    }
    __m512 all = sum[0];
    for (int k = 1; k < kChains; ++k) all = _mm512_add_ps(all, sum[k]);
    return _mm512_reduce_add_ps(all);
}

__attribute__((target("avx2,fma"))) float fp32_avx2(const float *, int64_t n, int64_t passes) {
    __m256 sum[kChains];
    for (__m256 &s : sum) s = _mm256_set1_ps(1);
    __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
    for (int64_t i = 0; i < n * passes; ++i) {
        __asm__ volatile("" : "+x"(a), "+x"(b));
#define STEP(k) sum[k] = _mm256_fmadd_ps(sum[k], a, b);
        ONE_CHAIN_EACH(STEP)
#undef STEP
    }
    __m256 all = sum[0];
    for (int k = 1; k < kChains; ++k) all = _mm256_add_ps(all, sum[k]);
    return _mm256_cvtss_f32(all);
}

__attribute__((target("avx512f,avx512bf16"))) float bf16_avx512(const float *, int64_t n, int64_t passes) {
    __m512 sum[kChains];
    for (__m512 &s : sum) s = _mm512_setzero_ps();
    __m512i a = _mm512_setzero_si512();
    for (int64_t i = 0; i < n * passes; ++i) {
        __asm__ volatile("" : "+v"(a));
        const __m512bh operand = (__m512bh)a;
#define STEP(k) sum[k] = _mm512_dpbf16_ps(sum[k], operand, operand);
        ONE_CHAIN_EACH(STEP)
#undef STEP
    }
    __m512 all = sum[0];
    for (int k = 1; k < kChains; ++k) all = _mm512_add_ps(all, sum[k]);
    return _mm512_reduce_add_ps(all);
}

// The sum of n floats, n a multiple of 128.
__attribute__((target("avx512f"))) float read_avx512(const float *data, int64_t n, int64_t passes) {
    __m512 sum[8];
    for (__m512 &s : sum) s = _mm512_setzero_ps();
    for (int64_t pass = 0; pass < passes; ++pass) {
        __asm__ volatile("" : "+r"(data) : : "memory"); // every pass reads again
        for (int64_t i = 0; i < n; i += 128)
            for (int k = 0; k < 8; ++k) sum[k] = _mm512_add_ps(sum[k], _mm512_load_ps(data + i + 16 * k));
    }
    for (int k = 1; k < 8; ++k) sum[0] = _mm512_add_ps(sum[0], sum[k]);
    return _mm512_reduce_add_ps(sum[0]);
}

__attribute__((target("avx2"))) float read_avx2(const float *data, int64_t n, int64_t passes) {
    __m256 sum[8];
    for (__m256 &s : sum) s = _mm256_setzero_ps();
    for (int64_t pass = 0; pass < passes; ++pass) {
        __asm__ volatile("" : "+r"(data) : : "memory"); // every pass reads again
        for (int64_t i = 0; i < n; i += 64)
            for (int k = 0; k < 8; ++k) sum[k] = _mm256_add_ps(sum[k], _mm256_load_ps(data + i + 8 * k));
    }
    for (int k = 1; k < 8; ++k) sum[0] = _mm256_add_ps(sum[0], sum[k]);
    return _mm256_cvtss_f32(sum[0]);
}

// The seconds in which every thread runs the kernel on its buffer, from the first start to the last end.
double together(int n_threads, Kernel kernel, const std::vector<const float *> &buffers, int64_t n, int64_t passes) {
    using Clock = std::chrono::steady_clock;
    std::atomic<int> ready{0};
    std::vector<Clock::time_point> start(n_threads), end(n_threads);
    std::vector<float> results(n_threads);
    const auto body = [&](int thread) {
        ready.fetch_add(1);
        while (ready.load() < n_threads) std::this_thread::yield();
        start[thread] = Clock::now();
        const volatile float result = kernel(buffers[thread], n, passes);
        end[thread] = Clock::now();
        results[thread] = result;
    };
    std::vector<std::thread> others;
    for (int t = 1; t < n_threads; ++t) others.emplace_back(body, t);
    body(0);
    for (std::thread &t : others) t.join();
    return std::chrono::duration<double>(*std::max_element(end.begin(), end.end()) -
                                         *std::min_element(start.begin(), start.end()))
        .count();
}

Series sampled(Series series, Kernel kernel, const std::vector<const float *> &buffers, int64_t n,
               const Effort &effort) {
    constexpr double kShortest = 0.01; // seconds of a sample: against the start of threads
    int64_t passes = 1;
    double once = together(series.threads, kernel, buffers, n, passes);
    while (once < kShortest) once = together(series.threads, kernel, buffers, n, passes *= 2);
    series.first_s = once / double(passes);
    for (int i = 0; i < effort.samples; ++i)
        series.seconds.push_back(together(series.threads, kernel, buffers, n, passes) / double(passes));
    return series;
}

// The size of the first processor's data cache of a level, or 0.
int64_t cache_bytes(int level) {
    for (int index = 0; index < 8; ++index) {
        const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
        int its_level = 0;
        int64_t kib = 0;
        std::string type;
        std::ifstream(folder + "level") >> its_level;
        std::ifstream(folder + "type") >> type;
        std::ifstream(folder + "size") >> kib; // "32K"
        if (its_level == level && type != "Instruction") return kib << 10;
    }
    return 0;
}

struct Level {
    const char *name;
    int64_t bytes; // one thread's buffer
};

// A level the system does not tell about is left out.
std::vector<Level> levels(int n_threads) {
    const int64_t l1 = cache_bytes(1), l2 = cache_bytes(2), l3 = cache_bytes(3);
    std::vector<Level> found;
    const auto add = [&](const char *name, int64_t bytes, int64_t cache_below) {
        if (bytes > cache_below) found.push_back(Level{name, bytes / 4096 * 4096});
    };
    add("L1", l1 / 2, 0);
    add("L2", l2 / 2, l1);
    add("L3", l3 / 2 / n_threads, l2);
    add("DRAM", std::max<int64_t>(64 << 20, l3 * 4 / n_threads), l3 / n_threads);
    return found;
}

std::string size_text(int64_t bytes) {
    return bytes < 1 << 20 ? std::to_string(bytes >> 10) + " KiB" : std::to_string(bytes >> 20) + " MiB";
}

} // namespace

std::vector<Series> probe(int n_threads, const Effort &effort) {
    const bool avx512 = __builtin_cpu_supports("avx512f"), avx2 = __builtin_cpu_supports("avx2");
    if (!avx2) return {};
    constexpr int64_t kRounds = 1 << 14;
    const int64_t lanes = avx512 ? 16 : 8;
    std::vector<int> thread_counts{1};
    if (n_threads > 1) thread_counts.push_back(n_threads);

    std::vector<Series> measured;
    const auto rate = [&](const char *name, Kernel kernel, int64_t flops, int threads) {
        Series series;
        series.what = name;
        series.unit = "flop";
        series.threads = threads;
        series.amount = double(flops * kChains * kRounds * threads);
        measured.push_back(
            sampled(std::move(series), kernel, std::vector<const float *>(threads, nullptr), kRounds, effort));
    };
    for (int threads : thread_counts) {
        rate(kFp32Rate, avx512 ? fp32_avx512 : fp32_avx2, 2 * lanes, threads);
        if (avx512 && __builtin_cpu_supports("avx512bf16")) rate(kBf16Rate, bf16_avx512, 4 * lanes, threads);
    }
    for (const Level &level : levels(n_threads))
        for (int threads : thread_counts) {
            const int64_t n = level.bytes / int64_t(sizeof(float));
            std::vector<std::unique_ptr<float, void (*)(void *)>> owned;
            std::vector<const float *> buffers;
            for (int t = 0; t < threads; ++t) {
                owned.emplace_back(static_cast<float *>(std::aligned_alloc(4096, size_t(level.bytes))), std::free);
                if (!owned.back()) return measured;
                std::fill_n(owned.back().get(), n, 1.0f);
                buffers.push_back(owned.back().get());
            }
            Series series;
            series.what = std::string("read ") + level.name + ", " + size_text(level.bytes) + " a thread";
            series.unit = "byte";
            series.threads = threads;
            series.amount = double(level.bytes) * threads;
            measured.push_back(sampled(std::move(series), avx512 ? read_avx512 : read_avx2, buffers, n, effort));
        }
    return measured;
}

} // namespace ist::bench
