// test_ops.cpp - every op, forward and backward, of every backend and precision against ref_network, on the shapes of
// bench/shapes.
//
// An op sits between a 1x1 convolution (so its input gradient counts) and a linear layer over all of its outputs (so
// the gradient that comes back differs from element to element). The data set is exactly one batch, without
// augmentation, so every image is used once whatever the permutation.
#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "../../bench/shapes/shapes.h"
#include "judge.h"
#include "test_networks.h"

namespace {

using namespace ist;
using namespace ist::test;
using shapes::Shape;

constexpr int kClasses = 3;

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

// A device that is only emulated takes a few of the images of a large shape: two images have every boundary that eight
// have.
Shape affordable(Shape shape) {
    constexpr int kElements = 40000;
    int &images = shape.columns["images"];
    const int largest = shape["height"] * shape["width"] * shape["channels"];
    while (images > 2 && images * largest > kElements) images = std::max(2, images / 2);
    return shape;
}

std::vector<Subject> subjects(const std::string &table, bool (*chosen)(const Shape &) = nullptr) {
    std::vector<Subject> all;
    for (const BackendUnderTest &backend : backends())
        for (ist_precision precision : {IST_FP32, IST_BF16})
            for (const Shape &shape : shapes::read(IST_TEST_FOLDER "/../../bench/shapes", table))
                if (!chosen || chosen(shape))
                    all.push_back({&backend, precision, backend.is_emulated ? affordable(shape) : shape});
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

// fp16 differs from bf16 in its rounding and range alone: every sixth shape.
std::vector<Subject> fp16_subjects() {
    std::vector<Subject> some;
    const std::vector<Subject> all = subjects("conv");
    for (size_t i = 0; i < all.size(); ++i)
        if (all[i].backend->is_emulated && all[i].precision == IST_BF16 && i % 6 == 0)
            some.push_back({all[i].backend, IST_FP16, all[i].shape});
    return some;
}
INSTANTIATE_TEST_SUITE_P(Fp16, Conv, testing::ValuesIn(fp16_subjects()), test_name);

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
        case 0: return b.average_pool(v, shape()["window"]);
        case 1: return b.max_pool(b.conv(b.input(), b.shape(v).channels, 3, 1, 1), shape()["window"]);
        default: return b.global_average_pool(v);
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
IST_EVERY_SHAPE(PadShortcut, "pad_shortcut");

// Beside the strided convolution of a residual block. Of one pixel no network makes that.
class PadShortcutResidual : public OpTest {};
TEST_P(PadShortcutResidual, EqualsThePlainLoops) {
    const Shape &s = shape();
    judge_body([&](NetworkBuilder &b, int v) {
        const int z = b.conv(b.batch_norm(v, Activation::kRelu), s["filters"], 3, s["stride"], 1);
        return b.batch_norm(z, Activation::kRelu, b.pad_shortcut(v, s["filters"], s["stride"]));
    });
}
INSTANTIATE_TEST_SUITE_P(Every, PadShortcutResidual,
                         testing::ValuesIn(subjects("pad_shortcut", [](const Shape &s) { return s["width"] > 1; })),
                         test_name);

// --- values that random numbers do not meet ------------------------------------------------------------------------

class Corner : public testing::TestWithParam<const BackendUnderTest *> {
  protected:
    static Case random_case(const Network &network, int n_images) {
        Case c;
        c.network = network;
        c.point = random_point(network, 1);
        c.images = random_images(network, n_images, 1);
        return c;
    }
    static void fill(Case &c, int tensor, double value) {
        const ParamTensor &t = c.network.tensors.at(tensor);
        std::fill_n(c.point.begin() + t.offset, t.size(), value);
    }
};

// A convolution with no weights and a bias: every window is a tie, and which pixel wins shows in the weights' gradient.
TEST_P(Corner, TheFirstOfEqualMaximaWins) {
    NetworkBuilder b(2, 6, 9, kClasses);
    Case c = random_case(b.finish(b.max_pool(b.conv(0, 5, 3, 1, 1, true), 3)), 7);
    fill(c, 0, 0.0);
    judge(*GetParam(), IST_FP32, c);
}

// A filter that is dead has variance 0; its neighbours must not notice.
TEST_P(Corner, ChannelsThatDoNotVaryAreNormalisedToBeta) {
    NetworkBuilder b(2, 5, 7, kClasses);
    Case c = random_case(b.finish(b.batch_norm(b.conv(0, 6, 1), Activation::kTanh)), 9);
    for (int filter : {0, 3})
        for (int k = 0; k < 2; ++k) c.point[filter * 2 + k] = 0;
    judge(*GetParam(), IST_FP32, c);
}

// Mean 50 times the standard deviation: a variance from sums of squares in float32 would lose four digits.
TEST_P(Corner, VariancesBesideALargeMeanKeepTheirDigits) {
    NetworkBuilder b(2, 8, 8, kClasses);
    Case c = random_case(b.finish(b.batch_norm(b.conv(0, 6, 1), Activation::kTanh)), 9);
    c.images.mean = {-15.0f, -15.0f}; // of pixels between 0 and 1
    judge(*GetParam(), IST_FP32, c);
}

TEST_P(Corner, LogitsOfAnySizeGiveAFiniteLoss) {
    NetworkBuilder b(2, 3, 3, kClasses);
    Case c = random_case(b.finish(b.linear(0, kClasses)), 9);
    for (double &v : c.point) v *= 1024;
    judge(*GetParam(), IST_FP32, c);
}

TEST_P(Corner, ActivationsSaturate) {
    for (Activation activation : {Activation::kTanh, Activation::kSigmoid}) {
        NetworkBuilder b(2, 3, 3, kClasses);
        Case c = random_case(b.finish(b.activation(b.conv(0, 5, 1), activation)), 9);
        for (int64_t j = 0; j < 10; ++j) c.point[j] *= j % 3 == 0 ? 200 : 1;
        judge(*GetParam(), IST_FP32, c);
    }
}

// In evaluation the first convolution waits for its residual, which comes from the second: that one reads first.
TEST_P(Corner, BatchNormsAreFoldedInTheOrderOfTheirResiduals) {
    NetworkBuilder b(2, 6, 6, kClasses);
    const int two = b.concat(b.conv(0, 5, 1), b.conv(0, 3, 1));
    const int x = b.batch_norm(two, Activation::kRelu);
    const int y = b.conv(x, 8, 3, 1, 1), z = b.conv(x, 8, 3, 1, 1);
    const int residual = b.batch_norm(z, Activation::kRelu);
    judge(*GetParam(), IST_FP32, b.finish(b.batch_norm(y, Activation::kRelu, residual)), 9);
}

INSTANTIATE_TEST_SUITE_P(Every, Corner, testing::ValuesIn([] {
                             std::vector<const BackendUnderTest *> all;
                             for (const BackendUnderTest &backend : backends()) all.push_back(&backend);
                             return all;
                         }()),
                         [](const auto &info) { return info.param->name; });

} // namespace
