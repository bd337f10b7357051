// test_ref_network.cpp - judges the judge: gradients of ref_network against central differences in double, batch norm's
// statistics and inference mode against their definitions, and a few losses against numbers worked out by hand.
#include <cmath>
#include <functional>
#include <ostream>

#include <gtest/gtest.h>

#include "ref_network.h"
#include "test_networks.h"

namespace {

using namespace ist;
using namespace ist::test;

constexpr double kStep = 1e-5;

// Every parameter and every pixel by central differences; the error is relative to the largest entry of its tensor.
void expect_gradient_of_differences(const Case &c) {
    const ref::Batch batch = c.images.batch();
    const auto difference = [&](const std::function<void(std::vector<double> &, ref::Batch &, double)> &shift) {
        double loss[2];
        for (int side = 0; side < 2; ++side) {
            std::vector<double> point = c.point;
            ref::Batch moved = batch;
            shift(point, moved, side ? -kStep : kStep);
            loss[side] = ref::train(c.network, point, moved).loss;
        }
        return (loss[0] - loss[1]) / (2 * kStep);
    };
    const auto check = [](const std::string &what, const double *exact, const std::vector<double> &differences) {
        double largest = 0, worst = 0;
        for (size_t j = 0; j < differences.size(); ++j) {
            largest = std::max(largest, std::fabs(exact[j]));
            worst = std::max(worst, std::fabs(exact[j] - differences[j]));
        }
        EXPECT_GT(largest, 1e-4) << what << ": a gradient of zero judges nothing";
        EXPECT_LT(worst, 1e-6 * largest) << what;
    };
    for (const ParamTensor &t : c.network.tensors) {
        if (t.statistic) continue;
        std::vector<double> differences;
        for (int64_t j = 0; j < t.size(); ++j)
            differences.push_back(
                difference([&](std::vector<double> &point, ref::Batch &, double by) { point[t.offset + j] += by; }));
        check(c.network.spec + " " + t.name, &c.pass.gradient[t.offset], differences);
    }
    std::vector<double> differences;
    for (size_t j = 0; j < batch.pixels.size(); ++j)
        differences.push_back(
            difference([&](std::vector<double> &, ref::Batch &moved, double by) { moved.pixels[j] += by; }));
    check(c.network.spec + " pixels", c.pass.input_gradient.data(), differences);
}

using Body = std::function<int(NetworkBuilder &)>;

struct Subject {
    const char *name;
    int channels, height, width, n_images;
    Body body;
};
void PrintTo(const Subject &s, std::ostream *out) { *out << s.name; }

// One op (or one way ops meet) each.
const std::vector<Subject> &subjects() {
    using A = Activation;
    static const std::vector<Subject> all = {
        {"linear", 2, 3, 2, 5, [](NetworkBuilder &b) { return b.linear(0, 4); }},
        {"conv3x3", 2, 5, 4, 3, [](NetworkBuilder &b) { return b.conv(0, 3, 3, 1, 1); }},
        {"conv_bias_stride", 3, 5, 7, 3, [](NetworkBuilder &b) { return b.conv(0, 2, 3, 2, 1, true); }},
        {"conv_unpadded_stride", 1, 6, 7, 2, [](NetworkBuilder &b) { return b.conv(0, 2, 3, 2, 0); }},
        {"conv1x1_stride", 2, 5, 5, 2, [](NetworkBuilder &b) { return b.conv(0, 3, 1, 2, 0); }},
        {"conv5x5", 1, 4, 4, 2, [](NetworkBuilder &b) { return b.conv(0, 2, 5, 1, 2); }},
        {"tanh", 2, 3, 3, 3, [](NetworkBuilder &b) { return b.activation(b.conv(0, 3, 1), A::kTanh); }},
        {"sigmoid", 2, 3, 3, 3, [](NetworkBuilder &b) { return b.activation(b.conv(0, 3, 1), A::kSigmoid); }},
        {"relu", 2, 3, 3, 3, [](NetworkBuilder &b) { return b.activation(b.conv(0, 3, 1), A::kRelu); }},
        {"batch_norm", 2, 3, 3, 4, [](NetworkBuilder &b) { return b.batch_norm(b.conv(0, 3, 1)); }},
        {"batch_norm_of_pixels", 2, 3, 3, 4, [](NetworkBuilder &b) { return b.batch_norm(0, A::kTanh); }},
        {"batch_norm_relu", 2, 3, 3, 4, [](NetworkBuilder &b) { return b.batch_norm(b.conv(0, 3, 1), A::kRelu); }},
        {"batch_norm_residual", 3, 3, 2, 4,
         [](NetworkBuilder &b) { return b.batch_norm(b.conv(0, 3, 3, 1, 1), A::kTanh, 0); }},
        {"batch_norm_own_residual", 2, 3, 2, 4,
         [](NetworkBuilder &b) {
             const int z = b.conv(0, 3, 1);
             return b.batch_norm(z, A::kSigmoid, z);
         }},
        {"batch_norm_shared", 2, 3, 2, 4,
         [](NetworkBuilder &b) {
             const int z = b.conv(0, 3, 1);
             return b.add(b.batch_norm(z, A::kTanh), b.batch_norm(z, A::kSigmoid), A::kTanh);
         }},
        {"batch_norm_vector", 2, 2, 2, 6, [](NetworkBuilder &b) { return b.batch_norm(b.conv(0, 4, 2), A::kTanh); }},
        {"add_relu", 2, 3, 3, 3,
         [](NetworkBuilder &b) { return b.add(b.conv(0, 3, 1), b.conv(0, 3, 3, 1, 1), A::kRelu); }},
        {"add_to_itself", 2, 3, 3, 3,
         [](NetworkBuilder &b) {
             const int z = b.conv(0, 3, 1);
             return b.add(z, z, A::kSigmoid);
         }},
        {"concat", 2, 3, 3, 3,
         [](NetworkBuilder &b) {
             const int z = b.conv(0, 3, 1);
             return b.activation(b.concat(z, b.conv(z, 2, 3, 1, 1)), A::kTanh);
         }},
        {"pad_shortcut", 2, 5, 3, 3,
         [](NetworkBuilder &b) { return b.activation(b.pad_shortcut(b.conv(0, 3, 1), 7, 2), A::kTanh); }},
        {"pad_shortcut_odd", 1, 4, 4, 3, [](NetworkBuilder &b) { return b.pad_shortcut(b.conv(0, 2, 1), 5, 2); }},
        {"average_pool", 2, 5, 7, 3, [](NetworkBuilder &b) { return b.average_pool(b.conv(0, 3, 1), 2); }},
        {"max_pool", 2, 5, 7, 3, [](NetworkBuilder &b) { return b.max_pool(b.conv(0, 3, 1), 2); }},
        {"max_pool3", 1, 7, 6, 3, [](NetworkBuilder &b) { return b.max_pool(b.conv(0, 2, 3, 1, 1), 3); }},
        {"max_pool_of_relu", 2, 6, 6, 3,
         [](NetworkBuilder &b) { return b.max_pool(b.activation(b.conv(0, 2, 3, 1, 1), A::kRelu), 3); }},
        {"global_average_pool", 2, 5, 7, 3, [](NetworkBuilder &b) { return b.global_average_pool(b.conv(0, 3, 1)); }},
        {"residual_block", 3, 4, 5, 3,
         [](NetworkBuilder &b) {
             const int h = b.batch_norm(b.conv(0, 3, 3, 1, 1), A::kRelu);
             const int z = b.conv(b.batch_norm(b.conv(h, 4, 3, 2, 1), A::kRelu), 4, 3, 1, 1);
             return b.global_average_pool(b.batch_norm(z, A::kRelu, b.pad_shortcut(h, 4, 2)));
         }},
        {"dense_block", 1, 4, 4, 3,
         [](NetworkBuilder &b) {
             const int z0 = b.conv(0, 3, 3, 1, 1);
             const int z1 = b.conv(b.batch_norm(z0, A::kRelu), 2, 3, 1, 1);
             const int z01 = b.concat(z0, z1);
             const int z2 = b.conv(b.batch_norm(z01, A::kRelu), 2, 3, 1, 1);
             const int z012 = b.concat(z01, z2);
             const int t = b.conv(b.batch_norm(z012, A::kRelu), 3, 1);
             return b.global_average_pool(b.batch_norm(b.average_pool(t, 2), A::kRelu));
         }},
    };
    return all;
}

class RefNetwork : public testing::TestWithParam<Subject> {};

TEST_P(RefNetwork, GradientsAreThoseOfCentralDifferences) {
    const Subject &s = GetParam();
    NetworkBuilder builder(s.channels, s.height, s.width, 4);
    Network network = builder.finish(s.body(builder));
    network.spec = s.name;
    // No branch may change within the step of the differences: kinks stay a hundred steps away.
    expect_gradient_of_differences(clear_case(network, s.n_images, 100 * kStep));
}

INSTANTIATE_TEST_SUITE_P(Every, RefNetwork, testing::ValuesIn(subjects()),
                         [](const testing::TestParamInfo<Subject> &info) { return info.param.name; });

TEST(RefNetworkValues, LossAndErrorOfKnownLogits) {
    // One linear layer on one pixel of value 1 with weights 0: the logits are the biases (0, ln 2, ln 5).
    NetworkBuilder builder(1, 1, 1, 3);
    const Network network = builder.finish(builder.linear(0, 3));
    const std::vector<double> point = {0, 0, 0, 0, std::log(2.0), std::log(5.0)};
    ref::Batch batch;
    batch.n = 2;
    batch.pixels = {1, 1};
    batch.labels = {2, 1};
    const ref::Pass pass = ref::train(network, point, batch);
    EXPECT_NEAR(pass.loss, -(std::log(5.0 / 8) + std::log(2.0 / 8)) / 2, 1e-15);
    EXPECT_EQ(pass.error, 0.5);
    const std::vector<double> dbias = {1.0 / 8, 2.0 / 8 - 0.5, 5.0 / 8 - 0.5};
    for (int k = 0; k < 3; ++k) {
        EXPECT_NEAR(pass.gradient[k], dbias[k], 1e-15);
        EXPECT_NEAR(pass.gradient[3 + k], dbias[k], 1e-15);
    }
}

TEST(RefNetworkValues, StatisticsOfThreeNumbers) {
    // Batch norm of the pixels 1, 2, 6: mean 3, unbiased variance 7, biased 14/3.
    NetworkBuilder builder(1, 1, 1, 2);
    const Network network = builder.finish(builder.batch_norm(0));
    std::vector<double> point(network.size());
    point[0] = 2;                                                  // gamma
    point[network.n_params] = 10, point[network.n_params + 1] = 4; // running mean and variance
    const int64_t weight = 2;                                      // of the linear layer, [2][1]
    point[weight] = 1;
    ref::Batch batch;
    batch.n = 3;
    batch.pixels = {1, 2, 6};
    batch.labels = {0, 0, 0};
    const ref::Pass trained = ref::train(network, point, batch);
    EXPECT_NEAR(trained.batch_statistics[0], 3, 1e-15);
    EXPECT_NEAR(trained.batch_statistics[1], 7, 1e-14);
    EXPECT_NEAR(trained.statistics[0], 9.3, 1e-14);
    EXPECT_NEAR(trained.statistics[1], 4.3, 1e-14);
    const double logit = 2 * (6 - 3) / std::sqrt(14.0 / 3 + 1e-5);
    EXPECT_NEAR(trained.log_probabilities[4], -std::log1p(std::exp(-logit)), 1e-14);
    const ref::Pass inferred = ref::infer(network, point, batch);
    const double running_logit = 2 * (6 - 10) / std::sqrt(4 + 1e-5);
    EXPECT_NEAR(inferred.log_probabilities[4], -std::log1p(std::exp(-running_logit)), 1e-14);
    EXPECT_TRUE(inferred.gradient.empty());
}

} // namespace
