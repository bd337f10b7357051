// cpu_backend.cpp - see cpu_backend.h. Vector work goes by chunks of coordinates, all pivots of a chunk together so
// that it stays in cache; sums are kept per chunk and added in chunk order.
#include "cpu_backend.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "../error.h"
#include "cpu_executor.h"

namespace ist::cpu {
namespace {

constexpr int64_t kChunk = 2048;

int64_t n_chunks(int64_t n) { return (n + kChunk - 1) / kChunk; }

std::string processor_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);)
        if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
    return "unknown processor";
}

// The most that ISTHMUS_ISA allows: `avx2`, or `avx512` without bf16, so that every code path can be tested on one
// processor; unset or empty: what there is.
enum class Limit { kAvx2, kAvx512, kNone };

Limit instruction_set_limit() {
    const char *value = std::getenv("ISTHMUS_ISA");
    const std::string limit = value ? value : "";
    if (limit.empty()) return Limit::kNone;
    if (limit == "avx2") return Limit::kAvx2;
    if (limit == "avx512") return Limit::kAvx512;
    throw Error(IST_INVALID_ARGUMENT,
                "the environment variable ISTHMUS_ISA must be avx2, avx512 or empty, got '" + limit + "'");
}

int available_cores() {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

} // namespace

CpuBackend::CpuBackend(int n_threads) : pool_(n_threads > 0 ? n_threads : available_cores()) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        throw Error(IST_UNSUPPORTED,
                    "the CPU backend needs a processor with AVX2 and FMA (2013 or later); this one is " +
                        processor_name());
    const Limit limit = instruction_set_limit();
    avx512_ = limit != Limit::kAvx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    bf16_ = avx512_ && limit == Limit::kNone && __builtin_cpu_supports("avx512bf16");
    if (limit != Limit::kNone) // ignored once oneDNN has compiled something
        dnnl::set_max_cpu_isa(limit == Limit::kAvx2 ? dnnl::cpu_isa::avx2 : dnnl::cpu_isa::avx512_core);
    vectors_ = avx512_ ? &vector_kernels_avx512() : &vector_kernels_avx2();
    const dnnl_version_t *version = dnnl::version();
    description_ = "CPU " + processor_name() + ", " +
                   (bf16_     ? "AVX-512 with bf16"
                    : avx512_ ? "AVX-512"
                              : "AVX2") +
                   ", " + std::to_string(pool_.size()) + (pool_.size() == 1 ? " thread" : " threads") + ", oneDNN " +
                   std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                   std::to_string(version->patch);
}

float *CpuBackend::allocate(int64_t count) {
    return static_cast<float *>(Buffer(std::max<size_t>(1, size_t(count)) * sizeof(float)).release());
}
void CpuBackend::release(float *vector) noexcept { Buffer::free(vector); }
void CpuBackend::upload(float *dst, const float *host_src, int64_t count) { copy(dst, host_src, count); }
void CpuBackend::download(float *host_dst, const float *src, int64_t count) { copy(host_dst, src, count); }
void CpuBackend::copy(float *dst, const float *src, int64_t count) {
    if (count > 0) std::memmove(dst, src, size_t(count) * sizeof(float)); // of nothing, pointers may be null
}
void CpuBackend::clear(float *dst, int64_t count) { std::memset(dst, 0, size_t(count) * sizeof(float)); }

std::unique_ptr<DeviceImages> CpuBackend::load(const HostImages &images) { return std::make_unique<CpuImages>(images); }

std::unique_ptr<Executor> CpuBackend::prepare(const Network &network, ist_precision precision) {
    if (precision == IST_FP16)
        throw Error(IST_UNSUPPORTED, "fp16 is for GPUs; use fp32 or bf16 (this is " + description_ + ")");
    if (!supports(precision))
        throw Error(IST_UNSUPPORTED,
                    "bf16 needs a processor with AVX512_BF16; use fp32 (this is " + description_ + ")");
    KernelChoice kernels;
    kernels.bf16 = precision == IST_BF16;
    kernels.wide = avx512_ ? &kernels_f32_avx512() : &kernels_f32_avx2();
    kernels.storage = kernels.bf16 ? &kernels_bf16_avx512() : kernels.wide;
    kernels.vectors = vectors_;
    if (kernels.bf16)
        kernels.convolutions = {{&conv_panel_bf16_avx512(), &conv_direct_bf16_avx512()},
                                {&conv_panel_data_bf16_avx512(), &conv_direct_data_bf16_avx512()},
                                {&conv_weights_bf16_avx512()}};
    else if (avx512_)
        kernels.convolutions = {
            {&conv_winograd_f32_avx512(), &conv_panel_f32_avx512(), &conv_direct_f32_avx512()},
            {&conv_winograd_data_f32_avx512(), &conv_panel_data_f32_avx512(), &conv_direct_data_f32_avx512()},
            {&conv_winograd_weights_f32_avx512(), &conv_weights_f32_avx512()}};
    return std::make_unique<CpuExecutor>(network, kernels, pool_, *this);
}

void CpuBackend::combine(float *dst, int n_terms, const float *const *src, const double *weights, int64_t count) {
    if (n_terms == 1 && weights[0] == 1.0) return copy(dst, src[0], count);
    pool_.parallel_for(count, kChunk, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            double sum = 0;
            for (int t = 0; t < n_terms; t++) sum += weights[t] * double(src[t][i]);
            dst[i] = float(sum);
        }
    });
}

double CpuBackend::squared_distance(const float *a, const float *b, int64_t count) {
    partial_.resize(size_t(n_chunks(count)));
    pool_.parallel_for(count, kChunk, [&](int64_t begin, int64_t end) {
        partial_[size_t(begin / kChunk)] =
            vectors_->dot_difference(a + begin, b + begin, a + begin, b + begin, end - begin);
    });
    double sum = 0;
    for (double p : partial_) sum += p;
    return sum;
}

void CpuBackend::sgd_update(int n, float *const *params, const float *const *gradient, float *const *momentum,
                            const ist_sgd &sgd, int64_t count) {
    const int64_t chunks = n_chunks(count);
    pool_.parallel_for(n * chunks, 8, [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; c++) {
            const int64_t i = c / chunks, at = c % chunks * kChunk, length = std::min(kChunk, count - at);
            vectors_->sgd(params[i] + at, gradient[i] + at, momentum[i] + at, sgd.weight_decay, sgd.momentum,
                          sgd.learning_rate, sgd.nesterov != 0, length);
        }
    });
}

void CpuBackend::path_dots(const PathView &path, float weight_decay, PathDots *dots) {
    const int n = path.n_pivots;
    const int64_t chunks = n_chunks(path.n_geometry);
    partial_.resize(size_t(chunks * n * 4));
    pool_.parallel_for(chunks, 1, [&](int64_t chunk, int64_t) {
        const int64_t at = chunk * kChunk, length = std::min(kChunk, path.n_geometry - at);
        const int64_t with_gradient = std::clamp<int64_t>(path.n_params - at, 0, length);
        const auto row = [&](int i) { return path.values + i * path.stride + at; };
        double *out = &partial_[size_t(chunk * n * 4)];
        out[0] = vectors_->dot_difference(row(0), row(1), row(0), row(1), length);
        for (int i = 1; i < n - 1; i++) {
            out += 4;
            vectors_->path_dots(row(i - 1), row(i), row(i + 1), path.gradient + i * path.stride + at, weight_decay,
                                with_gradient, out);
            if (with_gradient == length) continue;
            double tail[4];
            vectors_->path_dots(row(i - 1) + with_gradient, row(i) + with_gradient, row(i + 1) + with_gradient, nullptr,
                                weight_decay, length - with_gradient, tail);
            for (int k = 0; k < 4; k++) out[k] += tail[k];
        }
    });
    for (int i = 0; i < n - 1; i++) {
        double sums[4] = {0, 0, 0, 0};
        for (int64_t c = 0; c < chunks; c++)
            for (int k = 0; k < 4; k++) sums[k] += partial_[size_t((c * n + i) * 4 + k)];
        dots[i] = {sums[0], sums[1], sums[2], sums[3]};
    }
    dots[n - 1] = {0, 0, 0, 0};
}

void CpuBackend::path_update(const PathView &path, const ist_sgd &sgd, const PathForce *forces, double *squared_gaps) {
    const int n = path.n_pivots;
    const int64_t chunks = n_chunks(path.n_geometry);
    partial_.resize(size_t(chunks * (n - 1)));
    pool_.parallel_for(chunks, 1, [&](int64_t chunk, int64_t) {
        const int64_t at = chunk * kChunk, length = std::min(kChunk, path.n_geometry - at);
        const int64_t with_gradient = std::clamp<int64_t>(path.n_params - at, 0, length);
        const auto row = [&](int i) { return path.values + i * path.stride + at; };
        // Pivots are updated in order; the tangent of the next one needs this one's old values.
        float old[2][kChunk];
        std::memcpy(old[0], row(0), size_t(length) * sizeof(float));
        for (int i = 1; i < n - 1; i++) {
            const float *prev = old[(i - 1) % 2];
            float *here = row(i), *momentum = path.momentum + i * path.stride + at;
            std::memcpy(old[i % 2], here, size_t(length) * sizeof(float));
            const auto update = [&](int64_t from, int64_t count, const float *gradient) {
                vectors_->path_update(prev + from, here + from, row(i + 1) + from, gradient, momentum + from,
                                      sgd.weight_decay, float(forces[i].c_prev), float(forces[i].c_next), sgd.momentum,
                                      sgd.learning_rate, sgd.nesterov != 0, count);
            };
            update(0, with_gradient, path.gradient + i * path.stride + at);
            if (with_gradient < length) update(with_gradient, length - with_gradient, nullptr);
        }
        for (int i = 0; i < n - 1; i++)
            partial_[size_t(chunk * (n - 1) + i)] =
                vectors_->dot_difference(row(i), row(i + 1), row(i), row(i + 1), length);
    });
    for (int i = 0; i < n - 1; i++) {
        squared_gaps[i] = 0;
        for (int64_t c = 0; c < chunks; c++) squared_gaps[i] += partial_[size_t(c * (n - 1) + i)];
    }
}

void CpuBackend::path_respace(const PathView &path, const PathPlace *places) {
    const int n = path.n_pivots;
    const int64_t chunks = n_chunks(path.n_total);
    old_.resize(size_t(pool_.size()) * size_t(n) * kChunk);
    std::atomic<int64_t> next{0};
    pool_.run([&](int thread) {
        float *old = &old_[size_t(thread) * size_t(n) * kChunk];
        for (int64_t chunk; (chunk = next.fetch_add(1)) < chunks;) {
            const int64_t at = chunk * kChunk, length = std::min(kChunk, path.n_total - at);
            for (int i = 0; i < n; i++)
                std::memcpy(old + i * length, path.values + i * path.stride + at, size_t(length) * sizeof(float));
            for (int i = 1; i < n - 1; i++) {
                const float *a = old + places[i].segment * length;
                vectors_->mix(path.values + i * path.stride + at, a, a + length, places[i].fraction, length);
            }
        }
    });
}

} // namespace ist::cpu

namespace ist {

std::unique_ptr<Backend> create_cpu_backend(int n_threads) { return std::make_unique<cpu::CpuBackend>(n_threads); }

} // namespace ist
