// checked_traffic.cpp - the kernels of vectors and paths in the emulation's checked mode (races, bounds, alignment,
// uninitialised memory): every byte they must touch crosses the bus once, in whole sectors.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "counters.h"
#include "device_array.h"
#include "kernels/path.h"
#include "kernels/vectors.h"

namespace ist::cuda {
namespace {

std::vector<float> ramp(int64_t count) {
    std::vector<float> values(count);
    for (int64_t j = 0; j < count; ++j) values[j] = float((j * 37 + j / 101) % 1009) / 1009;
    return values;
}

class Traffic : public testing::Test {
  protected:
    void SetUp() override { emulation::take_counters(); }
    void finish() {
        check(cudaDeviceSynchronize(), "to finish");
        counters_ = emulation::take_counters();
    }
    // Bytes in sectors of all requests of the kernel, read or written.
    double bytes(const std::string &kernel) const {
        double sum = 0;
        for (const emulation::KernelCounters &counters : counters_)
            if (counters.kernel.find(kernel) != std::string::npos)
                for (const emulation::SiteCounters &site : counters.sites)
                    if (!site.shared) sum += 32.0 * double(site.sectors);
        return sum;
    }
    // `floor` and hardly more: scalars and partial sums.
    void expect_floor(const std::string &kernel, double floor) const {
        EXPECT_GE(bytes(kernel), floor) << kernel;
        EXPECT_LE(bytes(kernel), 1.06 * floor) << kernel;
    }

  private:
    std::vector<emulation::KernelCounters> counters_;
};

constexpr int64_t kCount = 16 * kColumn;

TEST_F(Traffic, VectorsAreAtTheFloor) {
    const DeviceArray<float> a(ramp(kCount)), b(ramp(kCount)), c(ramp(kCount)), d(ramp(kCount)), e(ramp(kCount));
    const DeviceArray<const float *> terms(std::vector<const float *>{a.data(), b.data(), c.data()});
    const DeviceArray<double> weights(std::vector<double>{1, 2, 3}), sums(n_columns(kCount) + 1);
    enqueue_combine(a.data(), 3, terms.data(), weights.data(), kCount, nullptr);
    enqueue_squared_distance(a.data(), b.data(), kCount, sums.data() + 1, sums.data(), nullptr);

    const DeviceArray<float *> params(std::vector<float *>{a.data(), b.data()});
    const DeviceArray<const float *> gradient(std::vector<const float *>{e.data(), e.data()});
    const DeviceArray<float *> momentum(std::vector<float *>{c.data(), d.data()});
    const DeviceArray<ist_sgd> sgd(std::vector<ist_sgd>{ist_sgd{0.1f, 0.9f, 1e-4f, 0}});
    SgdUpdateParams update;
    update.params = params.data(), update.gradient = gradient.data(), update.momentum = momentum.data();
    update.sgd = sgd.data(), update.count = kCount;
    enqueue_sgd_update(update, 2, nullptr);
    finish();
    expect_floor("combine_kernel", 16.0 * kCount);
    expect_floor("squared_distance_kernel", 8.0 * kCount);
    expect_floor("sgd_update_kernel", 2 * 20.0 * kCount);
}

// A whole step; n_statistics, padding and shift make tails and rows that start anywhere.
struct Path {
    Path(int n_pivots, int64_t n_params, int64_t n_statistics, int64_t padding, int64_t shift)
        : stride(n_params + n_statistics + padding), values(ramp(n_pivots * stride + shift)),
          gradient(ramp(n_pivots * stride + shift)), momentum(ramp(n_pivots * stride + shift)) {
        ist_neb configuration{};
        configuration.sgd = ist_sgd{0.01f, 0.9f, 1e-3f, 1};
        configuration.tangent = IST_TANGENT_IMPROVED;
        configuration.spring = std::numeric_limits<float>::infinity();
        const DeviceArray<ist_neb> neb(std::vector<ist_neb>{configuration});
        std::vector<double> heights(n_pivots);
        for (int i = 0; i < n_pivots; ++i) heights[i] = std::sin(double(i));
        const DeviceArray<double> losses(heights);
        const DeviceArray<float> spacing(std::vector<float>(n_pivots - 1, 1.0f));
        PathStepParams params;
        params.path.n_pivots = n_pivots, params.path.stride = stride;
        params.path.values = values.data() + shift, params.path.gradient = gradient.data() + shift;
        params.path.momentum = momentum.data() + shift;
        params.path.n_params = n_params, params.path.n_geometry = params.path.n_total = n_params + n_statistics;
        params.neb = neb.data(), params.losses = losses.data();
        params.respaces = true, params.spacing = spacing.data();
        const DeviceArray<char> memory(path_work_bytes(n_pivots, params.path.n_geometry));
        enqueue_path_step(params, path_work(memory.data(), n_pivots, params.path.n_geometry), nullptr);
        check(cudaDeviceSynchronize(), "to finish");
    }
    int64_t stride;
    DeviceArray<float> values, gradient, momentum;
};

TEST_F(Traffic, APathStepIsAtTheFloor) {
    const int n = 9;
    Path(n, kCount, 0, 0, 0);
    finish();
    expect_floor("path_dots_kernel", 4.0 * kCount * (n + n - 2));
    expect_floor("path_update_kernel", 4.0 * kCount * (n + 4 * (n - 2)));
    expect_floor("path_respace_kernel", 4.0 * kCount * (n + n - 2));
}

TEST_F(Traffic, NothingIsFoundInStepsOfOddShapes) {
    for (int n_pivots : {3, 4, 33})
        for (int64_t n_params : {1, 511, 513, 1530})
            for (int64_t shift : {0, 1}) Path(n_pivots, n_params, n_params % 100, shift ? 7 : 16, shift);
}

} // namespace
} // namespace ist::cuda
