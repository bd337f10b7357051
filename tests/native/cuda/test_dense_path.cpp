// test_dense_path.cpp - networks whose convolutions cuDNN does (dense_path.h) against the own kernels, and the
// comparison of single convolutions. The emulation has plain loops in cuDNN's place.
#include <cmath>
#include <cstdlib>

#include "../test_networks.h"
#include "architectures.h"
#include "device_vectors.h"

namespace {

using namespace ist;
using namespace ist::test;

double distance(const Floats &a, const Floats &b) {
    double difference = 0, size = 0;
    for (size_t j = 0; j < b.size(); ++j)
        difference += std::pow(double(a[j]) - b[j], 2), size += std::pow(double(b[j]), 2);
    return std::sqrt(difference / size);
}

// The backend that the environment's ISTHMUS_CONVOLUTIONS asks for.
std::unique_ptr<Backend> backend_with(const char *convolutions) {
    setenv("ISTHMUS_CONVOLUTIONS", convolutions, 1);
    std::unique_ptr<Backend> backend = cuda::create_cuda_backend(0);
    unsetenv("ISTHMUS_CONVOLUTIONS");
    return backend;
}

class DensePathTest : public testing::TestWithParam<const char *> {
  protected:
    const Network network = build_network(GetParam(), 3, 8, 8, 10);
    const Images images = random_images(network, 6, 2);

    // Points, gradients and losses after a training pass, an evaluation and two steps, which a graph repeats.
    std::vector<Floats> results(Backend &backend) const {
        HostImages host{};
        host.images = images.bytes.data(), host.labels = images.labels.data(), host.n_images = images.n;
        host.channels = images.channels, host.height = images.height, host.width = images.width;
        host.n_classes = images.n_classes;
        host.mean = images.mean.data(), host.std = images.std.data();
        const std::unique_ptr<DeviceImages> data = backend.load(host);
        const std::unique_ptr<Executor> executor = backend.prepare(network, IST_FP32);
        ist_sampling sampling{};
        sampling.batch_size = images.n;
        ist_sgd sgd{};
        sgd.learning_rate = 1e-3f;

        constexpr int kPoints = 2, kSteps = 3;
        std::vector<std::unique_ptr<OnDevice>> memory;
        std::vector<PointJob> jobs(kPoints);
        std::vector<float *> params, momentum;
        for (int i = 0; i < kPoints; ++i) {
            const std::vector<double> point = random_point(network, uint64_t(i) + 1);
            memory.push_back(std::make_unique<OnDevice>(backend, Floats(point.begin(), point.end())));
            params.push_back(memory.back()->data());
            jobs[i].params = params[i], jobs[i].statistics = params[i] + network.n_params;
            memory.push_back(std::make_unique<OnDevice>(backend, Floats(size_t(network.n_params), 1e30f)));
            jobs[i].gradient = memory.back()->data();
            memory.push_back(std::make_unique<OnDevice>(backend, Floats(size_t(network.n_params), 1e-6f)));
            momentum.push_back(memory.back()->data());
        }
        std::vector<Floats> results;
        Floats losses;
        executor->train(*data, sampling, 0, kPoints, jobs.data());
        for (const PointJob &job : jobs) losses.push_back(float(job.loss));
        for (const auto &vector : memory) results.push_back(vector->read());
        executor->evaluate(*data, kPoints, jobs.data());
        for (const PointJob &job : jobs) losses.push_back(float(job.loss));
        results.push_back(losses);
        losses.assign(kSteps * kPoints, -1);
        executor->descend(*data, sampling, 0, kSteps, kPoints, jobs.data(), params.data(), momentum.data(), sgd,
                          losses.data());
        results.push_back(losses);
        return results;
    }
};

TEST_P(DensePathTest, EqualsTheOwnKernels) {
    const std::unique_ptr<Backend> own = backend_with("own"), library = backend_with("cudnn");
    EXPECT_NE(library->description().find("convolutions by cuDNN"), std::string::npos);
    const std::vector<Floats> expected = results(*own), got = results(*library);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_LE(distance(got[i], expected[i]), 1e-5) << "vector " << i;
}

INSTANTIATE_TEST_SUITE_P(Every, DensePathTest,
                         testing::Values("resnet8:shortcut=A,width=6", "resnet8:shortcut=B,width=4", "densenet10-4",
                                         "densenet16-4-bc"),
                         [](const auto &info) {
                             std::string name = info.param;
                             for (char &c : name)
                                 if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                             return name;
                         });

TEST(ConvolutionCheck, FindsTheOwnConvolutionsAsGoodAsCudnns) {
    const std::unique_ptr<Backend> backend = cuda::create_cuda_backend(0);
    const Network network = build_network("resnet8:shortcut=B,width=12", 3, 9, 9, 10);
    for (const ist_precision precision : {IST_FP32, IST_BF16, IST_FP16}) {
        ist_convolution_check checks[16];
        const int n = backend->prepare(network, precision)->check_convolutions(2, 16, checks);
        ASSERT_EQ(n, 8); // stem, three in stages, two between them, two shortcuts
        const double rounding = precision == IST_FP32 ? 1e-6 : precision == IST_BF16 ? 0x1p-9 : 0x1p-12;
        for (int i = 0; i < n; ++i) {
            SCOPED_TRACE("shape " + std::to_string(i));
            EXPECT_GT(checks[i].filters, 0);
            EXPECT_LE(checks[i].forward, rounding);
            EXPECT_LE(checks[i].data_gradient, rounding);
            EXPECT_LE(checks[i].weight_gradient, rounding);
            EXPECT_GT(checks[i].forward + checks[i].data_gradient + checks[i].weight_gradient, 0); // they are two
        }
    }
}

} // namespace
