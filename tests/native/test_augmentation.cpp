// test_augmentation.cpp - batches, crops and flips of every backend: whole training passes on drawn batches against
// ref_network on the images that draw_sample (random.h) names, cut out with plain loops.
#include <cmath>

#include <gtest/gtest.h>

#include "device_network.h"
#include "random.h"
#include "ref_network.h"
#include "test_networks.h"

namespace {

using namespace ist;
using namespace ist::test;

// Every pixel has its own weight, so a shifted, mirrored or exchanged image changes loss and gradient.
Network position_sensitive() {
    NetworkBuilder b(2, 5, 7, 3);
    return b.finish(b.activation(b.batch_norm(b.conv(0, 4, 3, 1, 1)), Activation::kTanh));
}

ref::Batch drawn(const Images &images, const ist_sampling &sampling, uint64_t stream, int64_t step) {
    ref::Batch batch;
    batch.n = sampling.batch_size;
    for (int slot = 0; slot < batch.n; ++slot) {
        const Sample sample = draw_sample(sampling, images.n, stream, step, slot);
        batch.labels.push_back(images.labels.at(sample.image));
        for (int c = 0; c < images.channels; ++c)
            for (int y = 0; y < images.height; ++y)
                for (int x = 0; x < images.width; ++x) {
                    const int row = y + sample.dy;
                    const int column = (sample.flip ? images.width - 1 - x : x) + sample.dx;
                    const bool inside = row >= 0 && row < images.height && column >= 0 && column < images.width;
                    batch.pixels.push_back(inside ? images.pixel(int(sample.image), c, row, column) : 0.0);
                }
    }
    return batch;
}

struct Setting {
    const BackendUnderTest *backend;
    int crop_padding, flip;
};
void PrintTo(const Setting &s, std::ostream *out) {
    *out << s.backend->name << " crop " << s.crop_padding << " flip " << s.flip;
}

class Augmentation : public testing::TestWithParam<Setting> {
  protected:
    void SetUp() override {
        sampling.seed = 0x123456789abcdefULL;
        sampling.batch_size = 8;
        sampling.crop_padding = GetParam().crop_padding;
        sampling.flip = GetParam().flip;
    }
    static void expect_close(const std::vector<float> &actual, const std::vector<double> &expected, const char *what) {
        double largest = 0, worst = 0;
        for (size_t j = 0; j < expected.size(); ++j) {
            largest = std::max(largest, std::fabs(expected[j]));
            worst = std::max(worst, std::fabs(actual[j] - expected[j]));
        }
        EXPECT_LE(worst, 1e-4 * largest) << what;
    }
    ist_sampling sampling{};
    Network network = position_sensitive();
    Images images = random_images(network, 21, 3); // batches of 8 run across the ends of epochs
    std::vector<double> point = random_point(network, 4);
};

TEST_P(Augmentation, TrainsOnTheDrawnBatches) {
    DeviceNetwork device(*GetParam().backend, 2, network, IST_FP32, images);
    const std::vector<uint64_t> streams = {0, 7, uint64_t(1) << 40};
    for (int64_t step : {int64_t(0), int64_t(2), int64_t(1000003)}) {
        const auto outcomes = device.train({point, point, point}, sampling, step, streams);
        for (size_t i = 0; i < streams.size(); ++i) {
            SCOPED_TRACE("step " + std::to_string(step) + " stream " + std::to_string(streams[i]));
            const ref::Pass pass = ref::train(network, point, drawn(images, sampling, streams[i], step));
            EXPECT_NEAR(outcomes[i].loss, pass.loss, 1e-5 * (1 + pass.loss));
            EXPECT_EQ(outcomes[i].error, pass.error);
            expect_close(outcomes[i].gradient, pass.gradient, "gradient");
            expect_close(outcomes[i].statistics, pass.statistics, "statistics");
        }
        EXPECT_NE(outcomes[0].loss, outcomes[1].loss) << "two streams drew the same batch";
    }
}

TEST_P(Augmentation, AveragesStatisticsOverTheDrawnBatches) {
    DeviceNetwork device(*GetParam().backend, 2, network, IST_FP32, images);
    const std::vector<uint64_t> streams = {5, 6};
    const int n_batches = 4;
    const auto statistics = device.recompute_statistics({point, point}, sampling, n_batches, streams);
    for (size_t i = 0; i < streams.size(); ++i) {
        std::vector<double> average(network.n_statistics);
        for (int step = 0; step < n_batches; ++step) {
            const ref::Pass pass = ref::train(network, point, drawn(images, sampling, streams[i], step));
            for (size_t j = 0; j < average.size(); ++j) average[j] += pass.batch_statistics[j] / n_batches;
        }
        expect_close(statistics[i], average, "recomputed statistics");
    }
}

std::vector<Setting> settings() {
    std::vector<Setting> all;
    for (const BackendUnderTest &backend : backends())
        for (int crop : {0, 1, 4})
            for (int flip : {0, 1}) all.push_back({&backend, crop, flip});
    return all;
}

INSTANTIATE_TEST_SUITE_P(Every, Augmentation, testing::ValuesIn(settings()), [](const auto &info) {
    return info.param.backend->name + "_crop" + std::to_string(info.param.crop_padding) +
           (info.param.flip ? "_flip" : "");
});

} // namespace
