// count_launches.cpp - what every launch of a training step, a path step and an inference pass does, as a CSV file for
// predict.py: counted by the emulation from some blocks of each launch, at full batch and with as many points as the
// CUDA executor takes at once.
//
//   count_launches [--quick] [--blocks N] [NETWORK:BATCH ...] > launches.csv
//
// `pivots` are the gradients and losses of a path step; `inference` is one chunk of images.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "architectures.h"
#include "counters.h"
#include "cuda/cuda_backend.h"
#include "cuda/cuda_executor.h"
#include "emulation.h"
#include "error.h"
#include "kernels/path.h"

namespace {

using namespace ist;

constexpr int kClasses = 10, kSize = 32, kChannels = 3, kPivots = 10;
using cuda::kImagesAtOnce, cuda::kInferenceImages, cuda::kMostPointsAtOnce;

void print(const std::string &network, const char *work, int batch, int points) {
    for (const emulation::LaunchCounters &l : emulation::take_launches()) {
        std::printf("%s,%s,%d,%d,\"%s\",%ux%ux%u,%u,%zu,%llu,%llu,%.0f,%.0f", network.c_str(), work, batch, points,
                    l.kernel.c_str(), l.grid[0], l.grid[1], l.grid[2], l.threads, l.shared_bytes,
                    static_cast<unsigned long long>(l.blocks), static_cast<unsigned long long>(l.blocks_run),
                    l.read_bytes, l.written_bytes);
        for (double sectors : l.read_sectors) std::printf(",%.0f", sectors);
        std::printf(",%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f\n", l.all_read_sectors, l.written_sectors, l.lines,
                    l.shared_passes, l.shared_phases, l.requests, l.mma, l.mma_operations);
    }
    std::fflush(stdout);
}

class Images {
  public:
    Images(Backend &backend, int n) : pixels_(size_t(n) * kChannels * kSize * kSize), labels_(size_t(n)) {
        for (size_t i = 0; i < pixels_.size(); i++) pixels_[i] = uint8_t(i * 2654435761u >> 24);
        for (size_t i = 0; i < labels_.size(); i++) labels_[i] = int32_t(i % kClasses);
        loaded_ =
            backend.load({pixels_.data(), labels_.data(), n, kChannels, kSize, kSize, kClasses, mean_, deviation_});
    }
    const DeviceImages &operator*() const { return *loaded_; }

  private:
    std::vector<uint8_t> pixels_;
    std::vector<int32_t> labels_;
    const float mean_[kChannels] = {0.5f, 0.5f, 0.5f}, deviation_[kChannels] = {0.25f, 0.25f, 0.25f};
    std::unique_ptr<DeviceImages> loaded_;
};

void path_step(Backend &backend, const Network &network, unsigned blocks) {
    const int64_t n = network.size(), stride = (n + 63) / 64 * 64;
    std::vector<float> start(size_t(kPivots * stride));
    for (size_t k = 0; k < start.size(); k++) start[k] = float(k * 2654435761u % 1009) / 1009;
    std::vector<float *> memory;
    const auto on_device = [&](const void *from, size_t bytes) {
        memory.push_back(backend.allocate(int64_t(bytes + 3) / 4));
        std::vector<float> words((bytes + 3) / 4);
        if (from) std::memcpy(words.data(), from, bytes);
        backend.upload(memory.back(), words.data(), int64_t(words.size()));
        return memory.back();
    };
    ist_neb neb{};
    neb.sgd = {0.01f, 0.9f, 1e-4f, 0}, neb.tangent = IST_TANGENT_IMPROVED, neb.geometry = IST_GEOMETRY_PARAMETERS;
    neb.spring = INFINITY;
    std::vector<double> losses(kPivots);
    for (int i = 0; i < kPivots; i++) losses[size_t(i)] = std::sin(double(i));
    const std::vector<float> spacing(kPivots - 1, 1.0f);
    cuda::PathStepParams step;
    step.path.n_pivots = kPivots, step.path.stride = stride;
    step.path.n_params = step.path.n_geometry = network.n_params, step.path.n_total = n;
    step.path.values = on_device(start.data(), start.size() * 4);
    step.path.gradient = on_device(start.data(), start.size() * 4);
    step.path.momentum = on_device(start.data(), start.size() * 4);
    step.neb = reinterpret_cast<ist_neb *>(on_device(&neb, sizeof neb));
    step.losses = reinterpret_cast<double *>(on_device(losses.data(), losses.size() * 8));
    step.respaces = true, step.spacing = on_device(spacing.data(), spacing.size() * 4);
    void *work = on_device(nullptr, cuda::path_work_bytes(kPivots, network.n_params));
    emulation::take_launches();
    emulation::set_sampling(1u << 30); // whole: its kernels go where its sums say
    cuda::enqueue_path_step(step, cuda::path_work(work, kPivots, network.n_params), nullptr);
    emulation::set_sampling(blocks);
    print(network.spec, "path", 0, kPivots);
    for (float *m : memory) backend.release(m);
}

void count(Backend &backend, const std::string &spec, int batch, unsigned blocks) {
    const Network network = build_network(spec, kChannels, kSize, kSize, kClasses);
    const int points = std::clamp(kImagesAtOnce / batch, 1, kMostPointsAtOnce);
    const int64_t n = network.size(), stride = (n + 63) / 64 * 64;
    float *values = backend.allocate(kMostPointsAtOnce * stride), *gradient = backend.allocate(points * stride),
          *momentum = backend.allocate(points * stride);
    PointJob jobs[kMostPointsAtOnce];
    std::vector<float *> params, momenta;
    for (int i = 0; i < kMostPointsAtOnce; i++) {
        jobs[i].params = values + i * stride;
        jobs[i].statistics = values + i * stride + network.n_params;
        jobs[i].gradient = i < points ? gradient + i * stride : nullptr;
        jobs[i].stream = uint64_t(i);
        params.push_back(values + i * stride), momenta.push_back(momentum + std::min(i, points - 1) * stride);
    }
    const auto executor = backend.prepare(network, IST_BF16);
    const ist_sampling sampling{1, batch, 4, 1};
    const ist_sgd sgd{0.01f, 0.9f, 1e-4f, 0};
    {
        const Images images(backend, 4 * batch);
        std::vector<float> losses(size_t(points), 0.0f);
        emulation::take_launches();
        executor->descend(*images, sampling, 0, 1, points, jobs, params.data(), momenta.data(), sgd, losses.data());
        print(spec, "train", batch, points);
        for (int i = 0; i < kPivots; i++)
            jobs[i].gradient = i > 0 && i < kPivots - 1 ? gradient + i % points * stride : nullptr;
        executor->train(*images, sampling, 0, kPivots, jobs);
        print(spec, "pivots", batch, kPivots);
    }
    path_step(backend, network, blocks);
    {
        const Images images(backend, kInferenceImages);
        emulation::take_launches();
        for (PointJob &job : jobs) job.gradient = nullptr; // one group
        executor->evaluate(*images, kMostPointsAtOnce, jobs);
        print(spec, "inference", kInferenceImages, kMostPointsAtOnce);
    }
    for (float *vector : {values, gradient, momentum}) backend.release(vector);
}

} // namespace

int main(int argc, char **argv) {
    std::vector<std::string> works;
    unsigned blocks = 1;
    for (int i = 1; i < argc; i++) {
        if (!std::strcmp(argv[i], "--quick")) works = {"resnet8:2"};
        else if (!std::strcmp(argv[i], "--blocks") && i + 1 < argc) blocks = unsigned(std::atoi(argv[++i]));
        else works.push_back(argv[i]);
    }
    if (works.empty()) works = {"resnet20:512", "resnet56:256", "densenet40-12:64", "densenet100-12-bc:64"};
    emulation::set_capacity(size_t(32) << 30);
    emulation::set_sampling(blocks);
    std::printf(
        "network,work,batch,points,kernel,grid,threads,shared_bytes,blocks,blocks_run,read_bytes,written_bytes");
    for (size_t size : emulation::kCacheSizes) std::printf(",read_sectors_%zuk", size >> 10);
    std::printf(",all_read_sectors,written_sectors,lines,shared_passes,shared_phases,requests,mma,mma_operations\n");
    try {
        const auto backend = cuda::create_cuda_backend(0);
        for (const std::string &work : works) {
            const size_t colon = work.rfind(':');
            count(*backend, work.substr(0, colon), std::atoi(work.c_str() + colon + 1), blocks);
        }
    } catch (const Error &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
