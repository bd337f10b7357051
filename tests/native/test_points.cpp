// test_points.cpp - points as storage and as networks being trained and evaluated, through the C API, against plain
// loops.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "architectures.h"
#include "c_handles.h"
#include "ref_network.h"
#include "test_networks.h"

namespace {

using namespace ist;
using namespace ist::test;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool same_bits(const Vector &a, const Vector &b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

constexpr const char *kSpec = "resnet8:shortcut=B,width=4";

class PointsTest : public HandlesTest {
  protected:
    Images images = [] {
        Network shape;
        shape.channels = 2, shape.height = 8, shape.width = 8, shape.n_classes = 4;
        return random_images(shape, 24, 6);
    }();
    ist_sampling sampling = [] {
        ist_sampling s{};
        s.seed = 3, s.batch_size = 10, s.crop_padding = 1, s.flip = 1;
        return s;
    }();
    Network network = build_network(kSpec, 2, 8, 8, 4);

    Problem problem() const { return Problem(2, kSpec, images, sampling); }
    // Random values for every coordinate; statistics as statistics are.
    std::vector<Vector> random_values(int n) const {
        std::vector<Vector> values;
        for (int i = 0; i < n; ++i) {
            const std::vector<double> point = random_point(network, uint64_t(i) + 40);
            values.emplace_back(point.begin(), point.end());
        }
        return values;
    }
};

// --- storage -----------------------------------------------------------------------------------------------------

TEST_F(PointsTest, ReadBackEveryBitThatWasWritten) {
    const Problem p = problem();
    std::vector<Vector> values = random_values(3);
    values[1][0] = kNan, values[1][1] = -0.0f, values[1][2] = 1e-45f,
    values[1].back() = -std::numeric_limits<float>::infinity();
    const Points points(p, values);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(same_bits(points.read(i), values[i])) << "point " << i;
}

TEST_F(PointsTest, AreZerosBeforeTheyAreWritten) {
    const Problem p = problem();
    const Points points(p, 2);
    EXPECT_TRUE(same_bits(points.read(1), Vector(p.size(), 0.0f)));
    EXPECT_TRUE(same_bits(points.read_momentum(1), Vector(p.size(), 0.0f)));
}

TEST_F(PointsTest, KeepMomentumUntilTheyAreWritten) {
    const Problem p = problem();
    const std::vector<Vector> values = random_values(2);
    Points points(p, values);
    points.write_momentum(0, values[1]);
    points.write_momentum(1, values[0]);
    EXPECT_TRUE(same_bits(points.read_momentum(0), values[1]));
    points.write(0, values[0]);
    EXPECT_TRUE(same_bits(points.read_momentum(0), Vector(p.size(), 0.0f)));
    EXPECT_TRUE(same_bits(points.read_momentum(1), values[0])) << "writing a point touched another's momentum";
}

TEST_F(PointsTest, CombineIsASumInDouble) {
    const Problem p = problem();
    const std::vector<Vector> values = random_values(4);
    const Points source(p, values);
    Points points(p, values);
    points.write_momentum(2, values[0]);
    const int32_t indices[] = {3, 0, 2};
    const double weights[] = {0.1, -1e6, 1e6 + 1};
    must(ist_points_combine(points.get(), 2, source.get(), 3, indices, weights));
    const Vector result = points.read(2);
    for (int64_t j = 0; j < p.size(); ++j) {
        const double expected = 0.1 * values[3][j] + -1e6 * values[0][j] + (1e6 + 1) * values[2][j];
        ASSERT_NEAR(result[j], expected, 6e-8 * std::fabs(expected) + 1e-9) << "coordinate " << j;
    }
    EXPECT_TRUE(same_bits(points.read_momentum(2), Vector(p.size(), 0.0f))) << "combine clears the momentum";
    for (int i : {0, 1, 3}) EXPECT_TRUE(same_bits(points.read(i), values[i])) << "combine touched point " << i;
}

TEST_F(PointsTest, CombineMayReadWhatItWrites) {
    const Problem p = problem();
    const std::vector<Vector> values = random_values(2);
    Points points(p, values);
    const int32_t indices[] = {0, 1};
    const double weights[] = {0.25, 0.75};
    must(ist_points_combine(points.get(), 1, points.get(), 2, indices, weights));
    const Vector result = points.read(1);
    for (int64_t j = 0; j < p.size(); ++j)
        ASSERT_EQ(result[j], float(0.25 * values[0][j] + 0.75 * values[1][j])) << "coordinate " << j;
}

TEST_F(PointsTest, OneTermOfWeightOneCopiesTheBits) {
    const Problem p = problem();
    std::vector<Vector> values = random_values(2);
    values[0][3] = kNan, values[0][4] = -0.0f, values[0][5] = 1e-45f;
    const Points source(p, values);
    Points points(p, 3);
    const int32_t index = 0;
    const double one = 1;
    must(ist_points_combine(points.get(), 2, source.get(), 1, &index, &one));
    EXPECT_TRUE(same_bits(points.read(2), values[0]));
}

TEST_F(PointsTest, DistanceIsEuclideanOverItsGeometry) {
    const Problem p = problem();
    const std::vector<Vector> values = random_values(2);
    const Points points(p, values);
    double parameters = 0, all = 0;
    for (int64_t j = 0; j < p.size(); ++j) {
        const double d = double(values[0][j]) - double(values[1][j]);
        all += d * d;
        if (j < p.n_params()) parameters += d * d;
    }
    EXPECT_NEAR(points.distance(0, 1, IST_GEOMETRY_PARAMETERS), std::sqrt(parameters), 1e-7 * std::sqrt(parameters));
    EXPECT_NEAR(points.distance(1, 0, IST_GEOMETRY_ALL), std::sqrt(all), 1e-7 * std::sqrt(all));
    EXPECT_GT(all, parameters);
    EXPECT_EQ(points.distance(1, 1, IST_GEOMETRY_ALL), 0);
}

TEST_F(PointsTest, InitialiseAsTheArchitectureSays) {
    const Problem p = problem();
    Points points(p, 3);
    must(ist_points_initialise(points.get(), 0, 1));
    must(ist_points_initialise(points.get(), 1, 2));
    must(ist_points_initialise(points.get(), 2, 1));
    EXPECT_TRUE(same_bits(points.read(0), points.read(2))) << "the same seed";
    EXPECT_FALSE(same_bits(points.read(0), points.read(1))) << "another seed";
    const Vector values = points.read(0);
    for (const ParamTensor &t : network.tensors) {
        double mean = 0, square = 0, largest = 0;
        for (int64_t j = t.offset; j < t.offset + t.size(); ++j) {
            mean += values[j] / double(t.size());
            square += double(values[j]) * values[j] / double(t.size());
            largest = std::max(largest, std::fabs(double(values[j])));
        }
        const bool variance = t.name.find("running_var") != std::string::npos;
        if (t.shape.size() == 4) { // He et al. 2015: normal, variance 2 / fan-in
            const double expected = 2.0 / double(t.shape[1] * t.shape[2] * t.shape[3]);
            EXPECT_NEAR(square / expected, 1, 6 * std::sqrt(2.0 / double(t.size()))) << t.name;
            EXPECT_NEAR(mean, 0, 5 * std::sqrt(expected / double(t.size()))) << t.name;
        } else if (t.name.find("linear") != std::string::npos) { // PyTorch: uniform in +- 1 / sqrt(fan-in)
            EXPECT_LE(largest, 1 / std::sqrt(16.0)) << t.name;
            EXPECT_GT(largest, 0.5 / std::sqrt(16.0)) << t.name;
        } else { // batch norm: gamma 1, beta 0, mean 0, variance 1
            const double expected = variance || (!t.statistic && t.name.find(".weight") != std::string::npos) ? 1 : 0;
            EXPECT_EQ(mean, expected) << t.name;
            EXPECT_EQ(square, expected) << t.name;
        }
    }
}

// --- training ----------------------------------------------------------------------------------------------------

struct Rule {
    float learning_rate, momentum, weight_decay;
    int nesterov;
};
class Descent : public PointsTest, public testing::WithParamInterface<Rule> {};

TEST_P(Descent, EqualsThePlainLoops) {
    const Rule rule = GetParam();
    ist_sgd sgd{};
    sgd.learning_rate = rule.learning_rate, sgd.momentum = rule.momentum, sgd.weight_decay = rule.weight_decay;
    sgd.nesterov = rule.nesterov;
    const Problem p = problem();
    Points points(p, random_values(2)), shadow(p, 2);
    for (int step = 0; step < 4; ++step) {
        const std::vector<Vector> before = points.read(), momentum = points.read_momentum();
        shadow.write(before); // the gradient, judged elsewhere, and the statistics after the batch
        const Vector expected_losses = shadow.gradient(step);
        const Vector losses = points.descend(sgd, step, 1);
        EXPECT_TRUE(same_bits(losses, expected_losses));
        for (int i = 0; i < 2; ++i) {
            const Vector g = shadow.read_gradient(i), after = points.read(i), v_after = points.read_momentum(i);
            const Vector statistics = shadow.read(i);
            EXPECT_TRUE(same_bits(points.read_gradient(i), g));
            for (int64_t j = 0; j < p.n_params(); ++j) {
                const double gradient = double(g[j]) + double(rule.weight_decay) * before[i][j];
                const double v = double(rule.momentum) * momentum[i][j] + gradient;
                const double moved =
                    double(rule.learning_rate) * (rule.nesterov ? gradient + double(rule.momentum) * v : v);
                // Rounded once per term, whose sums may cancel.
                const double terms = std::fabs(double(g[j])) + rule.weight_decay * std::fabs(before[i][j]) +
                                     rule.momentum * std::fabs(momentum[i][j]);
                ASSERT_NEAR(v_after[j], v, 3e-7 * terms) << "step " << step << " coordinate " << j;
                ASSERT_NEAR(after[j], before[i][j] - moved,
                            1e-7 * std::fabs(before[i][j]) + 1e-6 * rule.learning_rate * terms)
                    << "step " << step << " coordinate " << j;
            }
            for (int64_t j = p.n_params(); j < p.size(); ++j)
                ASSERT_EQ(after[j], statistics[j]) << "statistics follow the batches alone, without decay";
        }
    }
}
INSTANTIATE_TEST_SUITE_P(Every, Descent,
                         testing::Values(Rule{0.1f, 0, 0, 0}, Rule{0.1f, 0.9f, 0, 0}, Rule{0.1f, 0.9f, 0, 1},
                                         Rule{0.05f, 0.8f, 1e-2f, 0}, Rule{0.05f, 0.8f, 1e-2f, 1},
                                         Rule{0.2f, 0, 0.1f, 0}));

TEST_F(PointsTest, DescentLearnsARule) {
    // The label is the quadrant of the brightest corner block: a small network gets it right within seconds.
    Network shape;
    shape.channels = 1, shape.height = 8, shape.width = 8, shape.n_classes = 4;
    Images ruled = random_images(shape, 128, 1);
    for (int i = 0; i < ruled.n; ++i)
        for (int y = 0; y < 8; ++y)
            for (int x = 0; x < 8; ++x) {
                uint8_t &b = ruled.bytes[size_t(i) * 64 + size_t(y) * 8 + x];
                b = uint8_t(b / 2 + ((y / 4) * 2 + x / 4 == ruled.labels[i] ? 100 : 0));
            }
    ist_sampling s{};
    s.seed = 1, s.batch_size = 32;
    for (const char *spec : {"resnet8:width=8", "densenet10-4-bc", "mlp-16", "cnn-8:batchnorm=1"}) {
        const Problem p(2, spec, ruled, s);
        Points points(p, 2);
        points.initialise(1);
        ist_sgd sgd{};
        sgd.learning_rate = 0.05f, sgd.momentum = 0.9f, sgd.weight_decay = 1e-4f;
        const Vector losses = points.descend(sgd, 0, 60);
        EXPECT_GT(losses[0], 0.7) << spec;
        for (int i = 0; i < 2; ++i) {
            EXPECT_LT(losses[2 * 59 + i], 0.3) << spec;
            EXPECT_LT(points.evaluate()[i].error, 0.1) << spec;
        }
    }
}

// --- evaluation --------------------------------------------------------------------------------------------------

TEST_F(PointsTest, EvaluateIsTheMeanOfWhatPredictSays) {
    const Problem p = problem();
    const Points points(p, random_values(3));
    const auto metrics = points.evaluate();
    for (int i = 0; i < 3; ++i) {
        const Vector log_probabilities = points.predict(i);
        double loss = 0, wrong = 0;
        for (int image = 0; image < images.n; ++image) {
            const float *row = &log_probabilities[size_t(image) * 4];
            double sum = 0;
            for (int k = 0; k < 4; ++k) sum += std::exp(double(row[k]));
            EXPECT_NEAR(sum, 1, 1e-5);
            loss -= double(row[images.labels[image]]) / images.n;
            wrong += std::max_element(row, row + 4) - row != images.labels[image];
        }
        EXPECT_NEAR(metrics[i].loss, loss, 1e-6 * (1 + loss));
        EXPECT_NEAR(metrics[i].error, wrong / images.n, 1e-12);
    }
    EXPECT_TRUE(same_bits(points.read(0), random_values(1)[0])) << "evaluation leaves a point alone";
}

TEST_F(PointsTest, RecomputedStatisticsForgetTheOldOnes) {
    const Problem p = problem();
    std::vector<Vector> values = random_values(2);
    values[1] = values[0];
    for (int64_t j = p.n_params(); j < p.size(); ++j) values[1][j] = 1e6f;
    Points points(p, values);
    points.streams = {4, 4};
    points.recompute_statistics(3);
    EXPECT_TRUE(same_bits(points.read(0), points.read(1)));
    EXPECT_TRUE(std::equal(values[0].begin(), values[0].begin() + p.n_params(), points.read(0).begin()));
    // One batch of all images, no augmentation: the reference's batch statistics, and its loss in inference mode.
    Problem whole(2, kSpec, images, [&] {
        ist_sampling s{};
        s.batch_size = images.n;
        return s;
    }());
    Points again(whole, std::vector<Vector>{values[0]});
    again.recompute_statistics(1);
    std::vector<double> point(values[0].begin(), values[0].end());
    const ref::Pass pass = ref::train(network, point, images.batch());
    const Vector after = again.read(0);
    for (int64_t j = 0; j < p.n_statistics(); ++j) {
        ASSERT_NEAR(after[p.n_params() + j], pass.batch_statistics[j],
                    1e-4 * (1 + std::fabs(pass.batch_statistics[j])));
        point[p.n_params() + j] = pass.batch_statistics[j];
    }
    EXPECT_NEAR(again.evaluate()[0].loss, ref::infer(network, point, images.batch()).loss, 1e-4);
}

// --- values that are not numbers ---------------------------------------------------------------------------------

class NotANumber : public PointsTest, public testing::WithParamInterface<ist_precision> {
  protected:
    void SetUp() override {
        if (!supported(GetParam())) GTEST_SKIP() << "cpu has no bf16 on this machine";
    }
};

TEST_P(NotANumber, ShowsInTheLossOfItsPointAlone) {
    const std::vector<Vector> values = random_values(3);
    for (const char *tensor :
         {"conv1.weight", "bn1.weight", "bn1.bias", "layer2.0.conv2.weight", "layer3.0.downsample.0.weight",
          "layer3.0.bn2.bias", "linear_out.weight", "linear_out.bias"})
        for (float poison : {kNan, std::numeric_limits<float>::infinity()}) {
            SCOPED_TRACE(std::string(tensor) + " = " + std::to_string(poison));
            const Problem p(2, kSpec, images, sampling, GetParam());
            std::vector<Vector> poisoned = values;
            bool found = false;
            for (const ParamTensor &t : network.tensors)
                if (t.name == tensor) poisoned[1][t.offset] = poison, found = true;
            ASSERT_TRUE(found);
            Points clean(p, values), points(p, poisoned);
            const auto clean_metrics = clean.evaluate(), metrics = points.evaluate();
            const Vector clean_losses = clean.gradient(0), losses = points.gradient(0);
            EXPECT_FALSE(std::isfinite(losses[1]));
            EXPECT_FALSE(std::isfinite(metrics[1].loss));
            for (int i : {0, 2}) {
                EXPECT_EQ(losses[i], clean_losses[i]);
                EXPECT_EQ(metrics[i].loss, clean_metrics[i].loss);
                EXPECT_TRUE(same_bits(points.read_gradient(i), clean.read_gradient(i)));
            }
            points.predict(1);
        }
}

TEST_P(NotANumber, SpreadsWithoutACrash) {
    const Problem p(2, kSpec, images, sampling, GetParam());
    std::vector<Vector> values = random_values(5);
    values[2] = Vector(p.size(), kNan);
    Points path(p, values);
    ist_neb neb{};
    neb.sgd.learning_rate = 0.1f, neb.tangent = IST_TANGENT_IMPROVED;
    for (float spring : {1.0f, std::numeric_limits<float>::infinity()})
        for (int climbing : {0, 1}) {
            neb.spring = spring, neb.climbing = climbing;
            path.write(values);
            const Vector losses = path.relax(neb, Vector(4, 1.0f), 0, 3);
            EXPECT_TRUE(std::isnan(losses[2]) && std::isnan(losses[12])) << "a pivot that is lost says so";
            EXPECT_TRUE(same_bits(path.read(0), values[0]) && same_bits(path.read(4), values[4]));
            path.evaluate();
            path.recompute_statistics(2);
            path.respace(IST_GEOMETRY_ALL, Vector(4, 1.0f));
        }
    ist_sgd sgd{};
    sgd.learning_rate = 1e30f; // diverges at once
    path.write(random_values(5));
    const Vector losses = path.descend(sgd, 0, 5);
    EXPECT_FALSE(std::isfinite(losses[20]));
}
INSTANTIATE_TEST_SUITE_P(Every, NotANumber, testing::Values(IST_FP32, IST_BF16),
                         [](const auto &info) { return info.param == IST_FP32 ? "fp32" : "bf16"; });

} // namespace
