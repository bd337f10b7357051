// test_dense_path.cpp - networks whose convolutions a library does (dense_path.h) against the own kernels, with plain
// loops as the library.
#include <cmath>

#include "../test_networks.h"
#include "architectures.h"
#include "cuda/cuda_executor.h"
#include "cuda/cuda_images.h"
#include "device_vectors.h"

namespace {

using namespace ist;
using namespace ist::cuda;
using namespace ist::test;

// float32, on the host.
class PlainConvolution : public DenseConvolution {
  public:
    PlainConvolution(Device &device, const ConvShape &shape, int n_images)
        : device_(device), s_(shape), n_images_(n_images) {}
    size_t workspace_bytes() const override { return 0; }

    void forward(const void *x, const void *w, void *y, void *) override {
        const Floats in = read(x, n_in()), filters = read(w, n_filters());
        Floats out(size_t(n_out()), 0.0f);
        each([&](int64_t i, int64_t f, int64_t o) { out[o] += in[i] * filters[f]; });
        write(y, out);
    }
    void backward_data(const void *dy, const void *w, void *dx, void *) override {
        const Floats out = read(dy, n_out()), filters = read(w, n_filters());
        Floats in(size_t(n_in()), 0.0f);
        each([&](int64_t i, int64_t f, int64_t o) { in[i] += out[o] * filters[f]; });
        write(dx, in);
    }
    void backward_weights(const void *x, const void *dy, void *dw, void *) override {
        const Floats in = read(x, n_in()), out = read(dy, n_out());
        Floats filters(size_t(n_filters()), 0.0f);
        each([&](int64_t i, int64_t f, int64_t o) { filters[f] += in[i] * out[o]; });
        write(dw, filters);
    }

  private:
    int64_t n_in() const { return int64_t(n_images_) * s_.in_height * s_.in_width * s_.in_channels; }
    int64_t n_out() const { return int64_t(n_images_) * s_.height * s_.width * s_.filters; }
    int64_t n_filters() const { return int64_t(s_.filters) * s_.taps() * s_.in_channels; }
    Floats read(const void *from, int64_t n) const {
        Floats values(size_t(n), 0.0f);
        device_.download(values.data(), from, values.size() * sizeof(float));
        return values;
    }
    void write(void *to, const Floats &values) const {
        device_.upload(to, values.data(), values.size() * sizeof(float));
    }

    // Calls body with the places of every product.
    template <class Body> void each(Body body) const {
        for (int image = 0; image < n_images_; ++image)
            for (int oy = 0; oy < s_.height; ++oy)
                for (int ox = 0; ox < s_.width; ++ox)
                    for (int ky = 0; ky < s_.kernel; ++ky)
                        for (int kx = 0; kx < s_.kernel; ++kx) {
                            const int y = oy * s_.stride + ky - s_.padding, x = ox * s_.stride + kx - s_.padding;
                            if (y < 0 || x < 0 || y >= s_.in_height || x >= s_.in_width) continue;
                            const int64_t in = ((int64_t(image) * s_.in_height + y) * s_.in_width + x) * s_.in_channels;
                            const int64_t out = ((int64_t(image) * s_.height + oy) * s_.width + ox) * s_.filters;
                            for (int f = 0; f < s_.filters; ++f)
                                for (int c = 0; c < s_.in_channels; ++c)
                                    body(in + c, (int64_t(f) * s_.taps() + ky * s_.kernel + kx) * s_.in_channels + c,
                                         out + f);
                        }
    }

    Device &device_;
    const ConvShape s_;
    const int n_images_;
};

class PlainLibrary : public ConvolutionLibrary {
  public:
    explicit PlainLibrary(Device &device) : device_(device) {}
    std::unique_ptr<DenseConvolution> prepare(const ConvShape &shape, Element element, int n_images) override {
        EXPECT_EQ(element, Element::kFp32);
        EXPECT_EQ(shape.in_channels % 4 + shape.filters % 4, 0) << "padded to 16 bytes";
        ++n_prepared;
        return std::make_unique<PlainConvolution>(device_, shape, n_images);
    }
    int n_prepared = 0;

  private:
    Device &device_;
};

double distance(const Floats &a, const Floats &b) {
    double difference = 0, size = 0;
    for (size_t j = 0; j < b.size(); ++j)
        difference += std::pow(double(a[j]) - b[j], 2), size += std::pow(double(b[j]), 2);
    return std::sqrt(difference / size);
}

class DensePathTest : public DeviceTest, public testing::WithParamInterface<const char *> {};

TEST_P(DensePathTest, EqualsTheOwnKernels) {
    const Network network = build_network(GetParam(), 3, 8, 8, 10);
    const Images images = random_images(network, 6, 2);
    HostImages host{};
    host.images = images.bytes.data(), host.labels = images.labels.data(), host.n_images = images.n;
    host.channels = images.channels, host.height = images.height, host.width = images.width;
    host.n_classes = images.n_classes;
    host.mean = images.mean.data(), host.std = images.std.data();
    Device device(0);
    const CudaImages data(device, host);
    PlainLibrary library(device);
    CudaExecutor own(device, network, Element::kFp32), other(device, network, Element::kFp32, &library);
    ist_sampling sampling{};
    sampling.batch_size = images.n;

    constexpr int kPoints = 2;
    std::vector<std::vector<Floats>> results; // of both: gradients, statistics, losses
    for (CudaExecutor *executor : {&own, &other}) {
        std::vector<std::unique_ptr<OnDevice>> memory;
        std::vector<PointJob> jobs(kPoints);
        for (int i = 0; i < kPoints; ++i) {
            const std::vector<double> point = random_point(network, uint64_t(i) + 1);
            memory.push_back(std::make_unique<OnDevice>(*gpu, Floats(point.begin(), point.end())));
            memory.push_back(std::make_unique<OnDevice>(*gpu, Floats(size_t(network.n_params), 1e30f)));
            jobs[i].params = memory[2 * i]->data(), jobs[i].statistics = memory[2 * i]->data() + network.n_params;
            jobs[i].gradient = memory[2 * i + 1]->data();
        }
        executor->train(data, sampling, 0, kPoints, jobs.data());
        std::vector<Floats> result;
        Floats losses;
        for (const PointJob &job : jobs) losses.push_back(float(job.loss));
        for (const auto &vector : memory) result.push_back(vector->read());
        for (PointJob &job : jobs) job.gradient = nullptr;
        executor->evaluate(data, kPoints, jobs.data());
        for (const PointJob &job : jobs) losses.push_back(float(job.loss));
        result.push_back(losses);
        results.push_back(result);
    }
    EXPECT_GT(library.n_prepared, 0);
    for (size_t i = 0; i < results[0].size(); ++i)
        EXPECT_LE(distance(results[1][i], results[0][i]), 1e-5) << "vector " << i;
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

} // namespace
