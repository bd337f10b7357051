// kernel_traffic.cpp - what every kernel moves, counted by the emulation in checked mode while networks train, follow a
// path and are evaluated: a CSV file for bench/cuda/static_evidence.py --launches. By hand:
//
//   cmake --build build/native --target kernel_traffic && build/native/tests/cuda/kernel_traffic > build/launches.csv
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "architectures.h"
#include "counters.h"
#include "cuda/cuda_backend.h"
#include "error.h"

namespace {

using namespace ist;

constexpr int kImages = 2, kPivots = 3, kClasses = 10;

void work(Backend &backend, const std::string &spec, int channels, int size, ist_precision precision) {
    const Network network = build_network(spec, channels, size, size, kClasses);
    std::vector<uint8_t> pixels(size_t(kImages) * channels * size * size);
    for (size_t i = 0; i < pixels.size(); i++) pixels[i] = uint8_t(i * 2654435761u >> 24);
    const std::vector<int32_t> labels = {3, 7};
    const std::vector<float> mean(channels, 0.5f), deviation(channels, 0.25f);
    const auto images = backend.load(
        {pixels.data(), labels.data(), kImages, channels, size, size, kClasses, mean.data(), deviation.data()});
    const auto executor = backend.prepare(network, precision);

    const int64_t n = network.size(), stride = (n + 63) / 64 * 64;
    std::vector<float> start(size_t(kPivots * stride));
    for (int i = 0; i < kPivots; i++)
        for (int64_t k = 0; k < n; k++)
            start[size_t(i * stride + k)] = k < network.n_params ? 0.1f * std::sin(float(k + 7 * i)) : 1.0f;
    float *values = backend.allocate(kPivots * stride), *gradient = backend.allocate(kPivots * stride),
          *momentum = backend.allocate(kPivots * stride);
    backend.upload(values, start.data(), kPivots * stride);

    PointJob jobs[kPivots];
    std::vector<float *> params, momenta;
    for (int i = 0; i < kPivots; i++) {
        jobs[i].params = values + i * stride;
        jobs[i].statistics = values + i * stride + network.n_params;
        jobs[i].gradient = gradient + i * stride;
        jobs[i].stream = uint64_t(i);
        params.push_back(values + i * stride), momenta.push_back(momentum + i * stride);
    }
    const ist_sampling sampling{1, kImages, 4, 1};
    const ist_sgd sgd{0.01f, 0.9f, 1e-4f, 0};
    float losses[kPivots];
    executor->descend(*images, sampling, 0, 1, kPivots, jobs, params.data(), momenta.data(), sgd, losses);
    executor->recompute_statistics(*images, sampling, 1, kPivots, jobs);
    executor->evaluate(*images, kPivots, jobs);
    std::vector<float> log_probabilities(kImages * kClasses);
    executor->predict(*images, jobs[0], log_probabilities.data());

    jobs[0].gradient = jobs[kPivots - 1].gradient = nullptr;
    jobs[0].update_statistics = jobs[kPivots - 1].update_statistics = false;
    const PathView path{kPivots, stride, values, gradient, momentum, network.n_params, network.n_params, n};
    ist_neb neb{};
    neb.sgd = sgd, neb.tangent = IST_TANGENT_IMPROVED, neb.geometry = IST_GEOMETRY_PARAMETERS, neb.spring = INFINITY;
    const float spacing[kPivots - 1] = {1, 1};
    executor->relax(*images, sampling, 1, 1, jobs, path, neb, spacing, losses);
    for (float *vector : {values, gradient, momentum}) backend.release(vector);
}

double ratio(uint64_t a, uint64_t b) { return b ? double(a) / double(b) : 0; }

void print(const emulation::KernelCounters &kernel) {
    uint64_t reads = 0, read_sectors = 0, writes = 0, written_sectors = 0;
    for (const emulation::SiteCounters &site : kernel.sites) {
        if (site.shared) continue;
        (site.write ? writes : reads) += site.requests;
        (site.write ? written_sectors : read_sectors) += site.sectors;
    }
    std::printf("\"%s\",%u,%zu,%.1f,%.1f,%.2f\n", kernel.kernel.c_str(), kernel.threads, kernel.shared_bytes,
                ratio(read_sectors, reads), ratio(written_sectors, writes),
                ratio(kernel.shared_passes, kernel.shared_phases));
}

} // namespace

int main() {
    try {
        const auto backend = cuda::create_cuda_backend(0);
        for (const ist_precision precision : {IST_FP32, IST_BF16}) {
            work(*backend, "resnet8", 3, 16, precision);
            work(*backend, "resnet8:shortcut=B", 3, 16, precision);
            work(*backend, "densenet16-12-bc", 3, 16, precision);
            work(*backend, "densenet10-12", 3, 16, precision);
            work(*backend, "cnn-8-16:batchnorm=1,dense=32", 1, 16, precision);
            work(*backend, "mlp-32:activation=tanh", 1, 8, precision);
            work(*backend, "mlp-32:batchnorm=1", 1, 8, precision);
        }
    } catch (const Error &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    std::printf("kernel,threads,shared_bytes,read_sectors_per_request,write_sectors_per_request,bank_conflicts\n");
    for (const emulation::KernelCounters &kernel : emulation::take_counters()) print(kernel);
    return 0;
}
