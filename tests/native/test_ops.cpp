// test_ops.cpp - every op, forward and backward, of every backend and precision against ref_network, on the shapes of
// bench/shapes.
//
// An op sits between a 1x1 convolution (so its input gradient counts) and a linear layer over all of its outputs (so
// the gradient that comes back differs from element to element). The data set is exactly one batch, without
// augmentation, so every image is used once whatever the permutation.
//
// Tolerances. fp32: 1e-4 of the largest entry of each tensor, in cases chosen clear of kinks. bf16: 1 % of each
// tensor's norm; it rounds to 8 significant bits (errors up to 2^-9) at each of about ten places between the pixels and
// a gradient, which makes 0.4 % where nothing cancels. Where something does cancel (a weight before a batch norm cannot
// change the loss by its scale) or a branch hangs on a rounded number (some 2^-8 of all ReLUs change sides, which moves
// gradients by sqrt(2^-8) = 6 %), the allowance grows by a few times what ref_network itself shows when it is disturbed
// by noise of the size of the rounding. Logic errors are for fp32 to find; bf16 runs the same shapes through its own
// kernels.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include <gtest/gtest.h>

#include "../../bench/shapes/shapes.h"
#include "device_network.h"
#include "ref_network.h"
#include "test_networks.h"

namespace {

using namespace ist;
using namespace ist::test;
using shapes::Shape;

constexpr int kClasses = 3;
constexpr double kMargin = 2e-6; // from kinks: ten times the rounding of fp32

std::string words(std::string name) {
    for (char &c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)))
            c = '_';
    return name;
}

const char *name_of(ist_precision precision) {
    return precision == IST_FP32 ? "fp32" : "bf16";
}

// --- comparing ---------------------------------------------------------------------------------------------------

double norm(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j)
        sum += x[j] * x[j];
    return std::sqrt(sum);
}

// How far ref_network's own results move at most, entry by entry, under noise of twice the precision's rounding.
// Computed when first asked for.
class Spread {
  public:
    Spread(const Case &c, ist_precision precision) : case_(c), amplitude_(precision == IST_FP32 ? 0x1p-23 : 0x1p-8) {}

    const std::vector<double> &of(std::vector<double> ref::Pass::*quantity) {
        if (passes_.empty()) {
            int64_t size = 0;
            for (const Value &v : case_.network.values)
                size += int64_t(v.elements()) * case_.images.n;
            const int samples = size < 20000 ? 8 : 2; // big tensors average by themselves
            for (int i = 0; i < samples; ++i)
                passes_.push_back(
                    ref::train(case_.network, case_.point, case_.images.batch(), {amplitude_, uint64_t(i) + 1}));
        }
        std::vector<double> &spread = spreads_[&(case_.pass.*quantity)];
        if (spread.empty())
            for (size_t j = 0; j < (case_.pass.*quantity).size(); ++j) {
                double largest = 0;
                for (const ref::Pass &pass : passes_)
                    largest = std::max(largest, std::fabs((pass.*quantity)[j] - (case_.pass.*quantity)[j]));
                spread.push_back(largest);
            }
        return spread;
    }

  private:
    const Case &case_;
    double amplitude_;
    std::vector<ref::Pass> passes_;
    std::map<const void *, std::vector<double>> spreads_;
};

// fp32: largest difference; bf16: norm of the difference.
struct Distance {
    double difference = 0, scale = 0;
    int64_t worst = 0;
};
Distance distance(const float *actual, const double *expected, int64_t n, ist_precision precision) {
    std::vector<double> d(n);
    Distance result;
    for (int64_t j = 0; j < n; ++j) {
        d[j] = std::fabs(double(actual[j]) - expected[j]);
        if (!std::isnan(d[result.worst]) && !(d[j] <= d[result.worst]))
            result.worst = j; // a NaN is the worst
        result.scale = std::max(result.scale, std::fabs(expected[j]));
    }
    result.difference = d[result.worst];
    if (precision == IST_BF16)
        result.difference = norm(d.data(), n), result.scale = norm(expected, n);
    return result;
}

double tolerance(ist_precision precision) {
    return precision == IST_FP32 ? 1e-4 : 1e-2;
}

// The tensors of `kind` in the vector `actual` (gradient, or statistics) against the same quantity of the reference.
void expect_tensors_close(const Case &c, Spread &spread, bool statistic, const std::vector<float> &actual,
                          std::vector<double> ref::Pass::*quantity, ist_precision precision, const char *what) {
    const std::vector<double> &expected = c.pass.*quantity;
    ASSERT_EQ(actual.size(), expected.size());
    for (const ParamTensor &t : c.network.tensors) {
        if (t.statistic != statistic)
            continue;
        const int64_t offset = t.offset - (statistic ? c.network.n_params : 0), n = t.size();
        const Distance d = distance(&actual[offset], &expected[offset], n, precision);
        double allowed = tolerance(precision) * d.scale;
        if (d.difference <= allowed)
            continue;
        const double *noise = &spread.of(quantity)[offset];
        allowed += precision == IST_FP32 ? 3 * *std::max_element(noise, noise + n) : 2 * norm(noise, n);
        EXPECT_LE(d.difference, allowed) << what << " of " << t.name << ", tolerance " << tolerance(precision) * d.scale
                                         << " + noise; of " << n << " entries [" << d.worst
                                         << "] is worst: " << actual[offset + d.worst] << ", expected "
                                         << expected[offset + d.worst];
    }
}

// --- judging one network -----------------------------------------------------------------------------------------

void judge(const BackendUnderTest &backend, ist_precision precision, const Case &c) {
    DeviceNetwork device(backend, 2, c.network, precision, c.images);
    Spread spread(c, precision);
    const double loss_tolerance = precision == IST_FP32 ? 1e-5 : 0.02;

    const Outcome trained = device.train_all(c.point);
    EXPECT_NEAR(trained.loss, c.pass.loss, loss_tolerance * (1 + c.pass.loss));
    if (precision == IST_FP32) {
        EXPECT_NEAR(trained.error, c.pass.error, 1e-12);
    }
    expect_tensors_close(c, spread, false, trained.gradient, &ref::Pass::gradient, precision, "gradient");
    expect_tensors_close(c, spread, true, trained.statistics, &ref::Pass::statistics, precision, "statistic");

    // The same bits again, on one thread, and beside other points.
    EXPECT_TRUE(device.train_all(c.point) == trained) << "a repeat gives other bits";
    DeviceNetwork single(backend, 1, c.network, precision, c.images);
    EXPECT_TRUE(single.train_all(c.point) == trained) << "one thread gives other bits than two";
    std::vector<double> other = c.point;
    for (double &v : other)
        v = float(1.25 * v);
    const auto grouped = device.train({other, c.point, other}, device.all(), 0, {7, 1, 9});
    EXPECT_TRUE(grouped[1] == trained) << "the same point in a group of three gives other bits";

    // Without a gradient, and without touching the statistics.
    const Outcome frozen = device.train({c.point}, device.all(), 0, {1}, false, false)[0];
    EXPECT_NEAR(frozen.loss, trained.loss, 1e-6 * (1 + trained.loss));
    for (int64_t j = 0; j < c.network.n_statistics; ++j)
        ASSERT_EQ(frozen.statistics[j], float(c.point[c.network.n_params + j])) << "statistics were touched";
    if (c.network.n_statistics > 0)
        expect_tensors_close(c, spread, true, device.recompute_statistics({c.point}, device.all(), 1, {1})[0],
                             &ref::Pass::batch_statistics, precision, "recomputed statistic");

    // Inference mode.
    const ref::Pass inferred = ref::infer(c.network, c.point, c.images.batch());
    const Outcome evaluated = device.evaluate({c.point})[0];
    EXPECT_NEAR(evaluated.loss, inferred.loss, loss_tolerance * (1 + inferred.loss));
    if (precision == IST_FP32) {
        EXPECT_NEAR(evaluated.error, inferred.error, 1e-12);
    }
    for (int64_t j = 0; j < c.network.n_statistics; ++j)
        ASSERT_EQ(evaluated.statistics[j], float(c.point[c.network.n_params + j])) << "evaluation changed statistics";
    const std::vector<float> predicted = device.predict(c.point);
    const Distance d =
        distance(predicted.data(), inferred.log_probabilities.data(), int64_t(predicted.size()), precision);
    EXPECT_LE(d.difference, (precision == IST_FP32 ? 1e-4 : 0.02) * d.scale) << "log-probabilities";
}

void judge(const BackendUnderTest &backend, ist_precision precision, const Network &network, int n_images,
           double margin = kMargin) {
    judge(backend, precision, clear_case(network, n_images, margin));
}

// --- every shape -------------------------------------------------------------------------------------------------

using Body = std::function<int(NetworkBuilder &, int value)>;

// pixels -> 1x1 convolution to the shape's channels -> body -> linear -> loss
Network sandwich(const Shape &shape, const Body &body) {
    NetworkBuilder builder(std::min(shape["channels"], 3), shape["height"], shape["width"], kClasses);
    Network network = builder.finish(body(builder, builder.conv(0, shape["channels"], 1)));
    network.spec = shape.table + "/" + shape.name;
    return network;
}

struct Subject {
    const BackendUnderTest *backend;
    ist_precision precision;
    Shape shape;
};
void PrintTo(const Subject &s, std::ostream *out) {
    *out << s.backend->name << " " << name_of(s.precision) << " " << s.shape.table << "/" << s.shape.name;
}

std::vector<Subject> subjects(const std::string &table, bool (*chosen)(const Shape &) = nullptr) {
    std::vector<Subject> all;
    for (const BackendUnderTest &backend : backends())
        for (ist_precision precision : {IST_FP32, IST_BF16})
            for (const Shape &shape : shapes::read(IST_TEST_FOLDER "/../../bench/shapes", table))
                if (!chosen || chosen(shape))
                    all.push_back({&backend, precision, shape});
    return all;
}

class OpTest : public testing::TestWithParam<Subject> {
  protected:
    void SetUp() override {
        if (!GetParam().backend->create(1)->supports(GetParam().precision))
            GTEST_SKIP() << GetParam().backend->name << " has no " << name_of(GetParam().precision)
                         << " on this machine";
    }
    const Shape &shape() const { return GetParam().shape; }
    void judge_body(const Body &body) {
        judge(*GetParam().backend, GetParam().precision, sandwich(shape(), body), shape()["images"]);
    }
};

std::string test_name(const testing::TestParamInfo<Subject> &info) {
    return words(info.param.backend->name + "_" + name_of(info.param.precision) + "_" + info.param.shape.name);
}

#define IST_EVERY_SHAPE(suite, table)                                                                                  \
    INSTANTIATE_TEST_SUITE_P(Every, suite, testing::ValuesIn(subjects(table)), test_name)

constexpr Activation kActivations[] = {Activation::kNone, Activation::kRelu, Activation::kTanh, Activation::kSigmoid};

class Conv : public OpTest {};
TEST_P(Conv, EqualsThePlainLoops) {
    const Shape &s = shape();
    judge_body([&](NetworkBuilder &b, int v) {
        return b.conv(v, s["filters"], s["kernel"], s["stride"], s["padding"], s["bias"]);
    });
}
IST_EVERY_SHAPE(Conv, "conv");

// The same with nothing before it: the first convolution reads the pixels and owes nobody an input gradient.
class FirstConv : public OpTest {};
TEST_P(FirstConv, EqualsThePlainLoops) {
    const Shape &s = shape();
    NetworkBuilder builder(s["channels"], s["height"], s["width"], kClasses);
    const int z = builder.conv(0, s["filters"], s["kernel"], s["stride"], s["padding"], s["bias"]);
    judge(*GetParam().backend, GetParam().precision, builder.finish(z), s["images"]);
}
INSTANTIATE_TEST_SUITE_P(Every, FirstConv,
                         testing::ValuesIn(subjects("conv", [](const Shape &s) { return s["channels"] <= 5; })),
                         test_name);

class BatchNorm : public OpTest {};
TEST_P(BatchNorm, EqualsThePlainLoopsWithEveryActivation) {
    for (Activation activation : kActivations) {
        SCOPED_TRACE("activation " + std::to_string(int(activation)));
        judge_body([&](NetworkBuilder &b, int v) { return b.batch_norm(v, activation); });
    }
}
TEST_P(BatchNorm, EqualsThePlainLoopsWithAResidual) {
    for (Activation activation : kActivations) {
        SCOPED_TRACE("activation " + std::to_string(int(activation)));
        judge_body([&](NetworkBuilder &b, int v) {
            return b.batch_norm(v, activation, b.conv(b.input(), b.shape(v).channels, 1));
        });
    }
}
TEST_P(BatchNorm, SharesTheStatisticsOfAValueBetweenItsReaders) {
    judge_body([&](NetworkBuilder &b, int v) { // as DenseNet's layers do, each with its own gamma and beta
        return b.add(b.batch_norm(v, Activation::kTanh), b.batch_norm(v, Activation::kSigmoid));
    });
}
IST_EVERY_SHAPE(BatchNorm, "batch_norm");

class Linear : public OpTest {};
TEST_P(Linear, EqualsThePlainLoops) {
    judge_body(
        [&](NetworkBuilder &b, int v) { return b.activation(b.linear(v, shape()["outputs"]), Activation::kTanh); });
}
IST_EVERY_SHAPE(Linear, "linear");

class Pool : public OpTest {};
TEST_P(Pool, EqualsThePlainLoops) {
    judge_body([&](NetworkBuilder &b, int v) {
        switch (shape()["kind"]) {
        case 0:
            return b.average_pool(v, shape()["window"]);
        case 1:
            return b.max_pool(b.conv(b.input(), b.shape(v).channels, 3, 1, 1), shape()["window"]);
        default:
            return b.global_average_pool(v);
        }
    });
}
IST_EVERY_SHAPE(Pool, "pool");

class Elementwise : public OpTest {};
TEST_P(Elementwise, ActivationsEqualThePlainLoops) {
    for (Activation activation : kActivations) {
        SCOPED_TRACE("activation " + std::to_string(int(activation)));
        judge_body([&](NetworkBuilder &b, int v) { return b.activation(v, activation); });
    }
}
TEST_P(Elementwise, AdditionsEqualThePlainLoops) {
    for (Activation activation : kActivations) {
        SCOPED_TRACE("activation " + std::to_string(int(activation)));
        judge_body(
            [&](NetworkBuilder &b, int v) { return b.add(v, b.conv(b.input(), b.shape(v).channels, 1), activation); });
    }
}
IST_EVERY_SHAPE(Elementwise, "elementwise");

class Concat : public OpTest {};
TEST_P(Concat, EqualsThePlainLoops) {
    judge_body([&](NetworkBuilder &b, int v) { return b.concat(v, b.conv(b.input(), shape()["appended"], 1)); });
}
// The chain of a dense block: every layer reads the concatenation so far through its own batch norm.
TEST_P(Concat, ChainsAsInADenseBlock) {
    judge_body([&](NetworkBuilder &b, int v) {
        for (int layer = 0; layer < 2; ++layer)
            v = b.concat(v, b.conv(b.batch_norm(v, Activation::kTanh), shape()["appended"], 3, 1, 1));
        return b.batch_norm(v, Activation::kTanh);
    });
}
IST_EVERY_SHAPE(Concat, "concat");

class PadShortcut : public OpTest {};
TEST_P(PadShortcut, EqualsThePlainLoops) {
    judge_body([&](NetworkBuilder &b, int v) { return b.pad_shortcut(v, shape()["filters"], shape()["stride"]); });
}
TEST_P(PadShortcut, EqualsThePlainLoopsAsAResidual) {
    const Shape &s = shape();
    if (s["width"] == 1)
        GTEST_SKIP() << "a strided 3x3 convolution of one pixel: no network gets there";
    judge_body([&](NetworkBuilder &b, int v) {
        const int z = b.conv(b.batch_norm(v, Activation::kRelu), s["filters"], 3, s["stride"], 1);
        return b.batch_norm(z, Activation::kRelu, b.pad_shortcut(v, s["filters"], s["stride"]));
    });
}
IST_EVERY_SHAPE(PadShortcut, "pad_shortcut");

} // namespace
