// test_path.cpp - paths on the CUDA backend: sums against plain loops in double, updates and respacings with the CPU
// backend's bits, whole steps on the device against the same parts led by the host, for odd sizes and any order of
// threads.
#include <algorithm>
#include <string>

#include <cuda_runtime.h>

#include "../../../kernels/path.h"
#include "cuda/device.h"
#include "device_array.h"
#include "device_vectors.h"
#include "path_math.h"
#include "surfaces.h"

namespace {

using namespace ist;
using namespace ist::test;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

struct Shape {
    int n_pivots;
    int64_t n_params, n_statistics;
    ist_geometry geometry = IST_GEOMETRY_PARAMETERS;
    int64_t padding = 0; // floats of a row behind its coordinates
    int shift = 0;       // floats between an aligned address and the first row

    int64_t stride() const { return n_params + n_statistics + padding; }
    int64_t n_geometry() const { return geometry == IST_GEOMETRY_ALL ? n_params + n_statistics : n_params; }
};
void PrintTo(const Shape &s, std::ostream *out) {
    *out << s.n_pivots << " pivots of " << s.n_params << " + " << s.n_statistics << " + " << s.padding
         << " floats, geometry " << s.geometry << ", shift " << s.shift;
}

// A path on the host.
struct HostPath {
    explicit HostPath(const Shape &shape, uint64_t seed = 7) : shape(shape) {
        Noise noise(seed);
        const int64_t count = shape.n_pivots * shape.stride();
        values = noise.floats(count);
        gradient = noise.floats(count, 0.3);
        momentum = noise.floats(count, 0.1);
        // Gradients of ends and of statistics are nobody's business.
        for (int i = 0; i < shape.n_pivots; ++i)
            for (int64_t j = 0; j < shape.stride(); ++j)
                if (i == 0 || i == shape.n_pivots - 1 || j >= shape.n_params) gradient[i * shape.stride() + j] = kNaN;
    }
    Shape shape;
    Floats values, gradient, momentum;
};

// The same on a backend.
struct DevicePath {
    DevicePath(Backend &backend, const HostPath &path)
        : values(backend, path.values, path.shape.shift), gradient(backend, path.gradient, path.shape.shift),
          momentum(backend, path.momentum, path.shape.shift) {
        view.n_pivots = path.shape.n_pivots, view.stride = path.shape.stride();
        view.values = values.data(), view.gradient = gradient.data(), view.momentum = momentum.data();
        view.n_params = path.shape.n_params, view.n_geometry = path.shape.n_geometry();
        view.n_total = path.shape.n_params + path.shape.n_statistics;
    }
    OnDevice values, gradient, momentum;
    PathView view{};
};

ist_neb configuration(int number) {
    ist_neb neb{};
    neb.sgd.learning_rate = 0.05f, neb.sgd.momentum = 0.8f, neb.sgd.weight_decay = 0.03f;
    neb.sgd.nesterov = number % 2;
    neb.tangent = ist_tangent(number % 3);
    neb.spring = number % 4 == 3 ? 2.5f : kInfinity;
    neb.climbing = number / 2 % 2;
    return neb;
}

std::vector<Shape> shapes() {
    std::vector<Shape> all = {
        {3, 1, 0}, {4, 3, 2, IST_GEOMETRY_ALL}, {3, 100003, 0}, {33, 4095, 0}, {3, 512, 0}, {200, 5, 0},
    };
    for (int n_pivots : {3, 4, 33})
        for (ist_geometry geometry : {IST_GEOMETRY_PARAMETERS, IST_GEOMETRY_ALL})
            for (int shift : {0, 1})
                // Padded to whole 16 floats as Points does, and rows whose addresses are all different.
                for (int64_t padding : {7, 8}) all.push_back({n_pivots, 1530, 63, geometry, padding, shift});
    return all;
}

class DevicePathTest : public DeviceTest, public testing::WithParamInterface<Shape> {};

TEST_P(DevicePathTest, DotsAreThoseOfPlainLoops) {
    const Shape shape = GetParam();
    const HostPath host(shape);
    const DevicePath path(*gpu, host);
    const float weight_decay = 0.03f;
    std::vector<PathDots> dots(shape.n_pivots), first;
    for (int seed = 1; seed <= kSeeds; ++seed) {
        emulation::set_seed(seed);
        gpu->path_dots(path.view, weight_decay, dots.data());
        if (seed == 1) first = dots;
        ASSERT_EQ(std::memcmp(dots.data(), first.data(), dots.size() * sizeof dots[0]), 0) << "seed " << seed;
    }
    for (int i = 0; i < shape.n_pivots - 1; ++i) {
        double sums[4] = {}, sizes[4] = {};
        const float *p = &host.values[i * shape.stride()], *g = &host.gradient[i * shape.stride()];
        for (int64_t j = 0; j < shape.n_geometry(); ++j) {
            const double after = double(p[shape.stride() + j]) - p[j];
            const double before = i > 0 ? double(p[j]) - p[j - shape.stride()] : 0;
            const double force = i > 0 ? double(weight_decay) * p[j] + (j < shape.n_params ? g[j] : 0.0f) : 0;
            const double terms[4] = {after * after, before * after, force * before, force * after};
            for (int k = 0; k < 4; ++k) sums[k] += terms[k], sizes[k] += std::fabs(terms[k]);
        }
        const double got[4] = {dots[i].d_d, dots[i].d_dprev, dots[i].g_dprev, dots[i].g_d};
        for (int k = 0; k < 4; ++k) ASSERT_NEAR(got[k], sums[k], 3e-7 * sizes[k]) << "pivot " << i << ", sum " << k;
    }
}

TEST_P(DevicePathTest, UpdateHasTheBitsOfTheCpu) {
    const Shape shape = GetParam();
    const HostPath host(shape);
    Noise noise(3);
    std::vector<PathForce> forces(shape.n_pivots);
    for (PathForce &force : forces) force = {noise(), noise()};
    for (int number : {0, 1}) {
        const ist_sgd sgd = configuration(number).sgd;
        std::vector<double> gaps(shape.n_pivots - 1), first;
        const DevicePath expected(*cpu, host);
        cpu->path_update(expected.view, sgd, forces.data(), gaps.data());
        const Floats values = expected.values.read();
        for (int seed = 1; seed <= kSeeds; ++seed) {
            emulation::set_seed(seed);
            const DevicePath path(*gpu, host);
            gpu->path_update(path.view, sgd, forces.data(), gaps.data());
            ASSERT_TRUE(same_bits(path.values.read(), values));
            ASSERT_TRUE(same_bits(path.momentum.read(), expected.momentum.read()));
            if (seed == 1) first = gaps;
            ASSERT_EQ(gaps, first) << "seed " << seed;
        }
        for (int i = 0; i < shape.n_pivots - 1; ++i) {
            double sum = 0;
            const float *p = &values[i * shape.stride()];
            for (int64_t j = 0; j < shape.n_geometry(); ++j) sum += std::pow(double(p[shape.stride() + j]) - p[j], 2);
            ASSERT_NEAR(gaps[i], sum, 3e-7 * sum) << "gap " << i;
        }
    }
}

TEST_P(DevicePathTest, RespacingHasTheBitsOfTheCpu) {
    const Shape shape = GetParam();
    const HostPath host(shape);
    const int n = shape.n_pivots;
    Noise noise(9);
    for (int trial = 0; trial < 4; ++trial) {
        // Weights over many orders of magnitude: pivots move far ahead and far back.
        std::vector<double> gaps(n - 1);
        Floats spacing(n - 1);
        for (int i = 0; i < n - 1; ++i) {
            gaps[i] = std::exp(3.0 * trial * noise());
            spacing[i] = float(std::exp(3.0 * trial * noise()));
        }
        std::vector<PathPlace> places(n);
        plan_path(n, gaps.data(), spacing.data(), trial % 2 ? n / 2 : -1, places.data());
        const DevicePath expected(*cpu, host);
        cpu->path_respace(expected.view, places.data());
        for (int seed = 1; seed <= kSeeds; ++seed) {
            emulation::set_seed(seed);
            const DevicePath path(*gpu, host);
            gpu->path_respace(path.view, places.data());
            ASSERT_TRUE(same_bits(path.values.read(), expected.values.read())) << "trial " << trial;
        }
    }
}

std::vector<double> losses_of(int n_pivots, int number) {
    Noise noise(number + 20);
    std::vector<double> losses(n_pivots);
    for (double &loss : losses) loss = 2 + noise();
    if (number == 4) losses[n_pivots / 2] = kNaN;
    if (number == 5) std::fill(losses.begin(), losses.end(), 1.0);
    return losses;
}

// As step_loop.cpp does it, from the backend's parts.
void step_on_host(Backend &backend, const PathView &path, const ist_neb &neb, const std::vector<double> &losses,
                  const Floats &spacing) {
    const int n = path.n_pivots;
    std::vector<PathDots> dots(n);
    std::vector<PathForce> forces(n);
    std::vector<PathPlace> places(n);
    std::vector<double> gaps(n - 1);
    backend.path_dots(path, neb.sgd.weight_decay, dots.data());
    const int climbing = neb.climbing ? climbing_pivot(n, losses.data()) : -1;
    for (int i = 1; i < n - 1; ++i) forces[i] = pivot_force(neb, losses.data(), dots.data(), i, climbing);
    backend.path_update(path, neb.sgd, forces.data(), gaps.data());
    if (!std::isinf(neb.spring)) return;
    plan_path(n, gaps.data(), spacing.data(), climbing, places.data());
    backend.path_respace(path, places.data());
}

TEST_P(DevicePathTest, AStepOnTheDeviceHasTheBitsOfOneLedByTheHost) {
    const Shape shape = GetParam();
    const HostPath host(shape);
    cuda::Device device(0);
    Noise noise(5);
    Floats spacing(shape.n_pivots - 1);
    for (float &weight : spacing) weight = float(1.5 + noise());
    for (int number = 0; number < 6; ++number) {
        emulation::set_seed(number);
        const ist_neb neb = configuration(number);
        const std::vector<double> losses = losses_of(shape.n_pivots, number);
        const DevicePath expected(*gpu, host), path(*gpu, host);
        const cuda::DeviceArray<ist_neb> at_neb(std::vector<ist_neb>{neb});
        const cuda::DeviceArray<double> at_losses(losses);
        const cuda::DeviceArray<float> at_spacing(spacing);
        const cuda::DeviceBuffer memory(device, cuda::path_work_bytes(shape.n_pivots, shape.n_geometry()));
        const cuda::PathWork work = cuda::path_work(memory.data(), shape.n_pivots, shape.n_geometry());
        cuda::PathStepParams params;
        params.path = path.view, params.neb = at_neb.data(), params.losses = at_losses.data();
        params.respaces = std::isinf(neb.spring), params.spacing = at_spacing.data();

        // One step as it is, and two out of a graph.
        cuda::enqueue_path_step(params, work, device.stream());
        device.wait();
        cudaGraph_t graph = nullptr;
        cudaGraphExec_t executable = nullptr;
        ASSERT_EQ(cudaStreamBeginCapture(device.stream(), cudaStreamCaptureModeThreadLocal), cudaSuccess);
        cuda::enqueue_path_step(params, work, device.stream());
        ASSERT_EQ(cudaStreamEndCapture(device.stream(), &graph), cudaSuccess);
        ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
        for (int step = 0; step < 2; ++step) ASSERT_EQ(cudaGraphLaunch(executable, device.stream()), cudaSuccess);
        device.wait();
        cudaGraphExecDestroy(executable);
        cudaGraphDestroy(graph);

        for (int step = 0; step < 3; ++step) step_on_host(*gpu, expected.view, neb, losses, spacing);
        const Floats values = path.values.read();
        ASSERT_TRUE(same_bits(values, expected.values.read())) << "configuration " << number;
        ASSERT_TRUE(same_bits(path.momentum.read(), expected.momentum.read())) << "configuration " << number;
        // Ends, statistics that nothing moves, and what lies behind a row keep every bit.
        for (int i = 0; i < shape.n_pivots; ++i)
            for (int64_t j = 0; j < shape.stride(); ++j) {
                const bool end = i == 0 || i == shape.n_pivots - 1, behind = j >= path.view.n_total;
                const size_t at = i * shape.stride() + j;
                if (end || behind || (j >= shape.n_geometry() && !params.respaces))
                    ASSERT_EQ(std::memcmp(&values[at], &host.values[at], sizeof(float)), 0)
                        << "pivot " << i << " coordinate " << j;
                else ASSERT_TRUE(std::isfinite(values[at]) || number == 4) << "pivot " << i << " coordinate " << j;
            }
    }
}

INSTANTIATE_TEST_SUITE_P(Every, DevicePathTest, testing::ValuesIn(shapes()));

class DevicePathOnce : public DeviceTest {};

TEST_F(DevicePathOnce, NotANumberStaysWithItsPivot) {
    HostPath host({4, 700, 0});
    host.gradient[2 * 700 + 650] = kNaN;
    const DevicePath path(*gpu, host);
    std::vector<PathDots> dots(4);
    gpu->path_dots(path.view, 0, dots.data());
    EXPECT_TRUE(std::isfinite(dots[1].g_d) && std::isfinite(dots[1].g_dprev) && std::isfinite(dots[2].d_d));
    EXPECT_TRUE(std::isnan(dots[2].g_d) && std::isnan(dots[2].g_dprev));
    std::vector<PathForce> forces(4, PathForce{0, 0});
    std::vector<double> gaps(3);
    gpu->path_update(path.view, configuration(0).sgd, forces.data(), gaps.data());
    const Floats values = path.values.read();
    EXPECT_TRUE(std::isfinite(gaps[0]) && std::isnan(gaps[1]) && std::isnan(gaps[2]));
    for (size_t at = 0; at < values.size(); ++at) EXPECT_EQ(std::isnan(values[at]), at == 2 * 700 + 650);
}

// Surfaces run on the host and step on the device: the same paths as on the CPU, but for roundings.
TEST_F(DevicePathOnce, SurfacesRelaxAsOnTheCpu) {
    const Surface &surface = *find_surface("mueller-brown");
    const int n = 7, n_steps = 60;
    ist_neb neb{};
    neb.sgd.learning_rate = 1e-4f, neb.sgd.momentum = 0.5f, neb.spring = kInfinity, neb.climbing = 1;
    const Floats spacing(n - 1, 1.0f);
    Floats results[2], losses[2];
    for (int k = 0; k < 2; ++k) {
        Backend &backend = k ? *gpu : *cpu;
        HostPath host({n, 2, 0, IST_GEOMETRY_PARAMETERS, 14});
        for (int i = 0; i < n; ++i) {
            host.values[i * 16] = float(-0.558 + 1.181 * i / (n - 1));
            host.values[i * 16 + 1] = float(1.442 - 1.414 * i / (n - 1));
        }
        std::fill(host.momentum.begin(), host.momentum.end(), 0.0f);
        const DevicePath path(backend, host);
        std::vector<PointJob> jobs(n);
        for (int i = 0; i < n; ++i) {
            jobs[i].params = path.view.values + i * 16;
            if (i > 0 && i < n - 1) jobs[i].gradient = path.gradient.data() + i * 16;
        }
        losses[k].resize(n * n_steps);
        prepare_surface(surface, backend)
            ->relax(DeviceImages(), ist_sampling{}, 0, n_steps, jobs.data(), path.view, neb, spacing.data(),
                    losses[k].data());
        results[k] = path.values.read();
    }
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < 2; ++j) EXPECT_NEAR(results[0][i * 16 + j], results[1][i * 16 + j], 1e-4) << "pivot " << i;
    EXPECT_GT(*std::max_element(losses[1].begin(), losses[1].begin() + n),
              *std::max_element(losses[1].end() - n, losses[1].end()));
}

} // namespace
