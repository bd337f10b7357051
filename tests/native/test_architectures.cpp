// test_architectures.cpp - the networks against the parameter counts of their papers, PyTorch's keys, and bad specs.
#include "architectures.h"

#include <cmath>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "error.h"

namespace ist {
namespace {

struct Count {
    const char *spec;
    int64_t n_params, size; // size: with statistics; -1: not published
};

void PrintTo(const Count &count, std::ostream *out) { *out << count.spec; }

class Architectures : public ::testing::TestWithParam<Count> {};

// ResNets: He et al. 2016 with shortcut B as in PyTorch-AutoNEB; DenseNets: Huang et al. 2017 (1.0M and 0.8M
// parameters).
TEST_P(Architectures, HaveTheParametersOfTheirPaper) {
    const Network net = build_network(GetParam().spec, 3, 32, 32, 10);
    EXPECT_EQ(net.n_params, GetParam().n_params);
    if (GetParam().size >= 0) {
        EXPECT_EQ(net.size(), GetParam().size);
    }
}
INSTANTIATE_TEST_SUITE_P(Every, Architectures,
                         ::testing::Values(Count{"resnet20:shortcut=B", 272474, 274042},
                                           Count{"resnet32:shortcut=B", 466906, 469370},
                                           Count{"resnet44:shortcut=B", 661338, 664698},
                                           Count{"resnet56:shortcut=B", 855770, 860026}, Count{"resnet20", 269722, -1},
                                           Count{"resnet56", 853018, -1}, Count{"densenet40-12", 1059298, 1078018},
                                           Count{"densenet100-12-bc", 769162, 793150},
                                           Count{"mlp-64-32", 3072 * 64 + 64 + 64 * 32 + 32 + 32 * 10 + 10, -1},
                                           Count{"mlp", 3072 * 10 + 10, -1},
                                           Count{"cnn-16-32", 16 * 28 + 32 * 145 + 10 * (32 * 64) + 10, -1}));

TEST(Architecture, ResNet20Costs81MillionOperations) {
    // 40.8 M multiply-adds: 442,368 in the first layer, six layers of 2,359,296 in each stage (two of half) and the
    // last.
    const int64_t layer = 2 * 2359296;
    EXPECT_EQ(build_network("resnet20", 3, 32, 32, 10).flops(), 2 * 442368 + 16 * layer + 2 * (layer / 2) + 2 * 640);
}

TEST(Architecture, TensorsTileThePointParametersFirstWithUniqueKeys) {
    for (const char *spec :
         {"resnet8:shortcut=B", "densenet40-12-bc", "cnn-4-6:batchnorm=1,dense=5", "mlp-5:batchnorm=1"}) {
        const Network net = build_network(spec, 3, 16, 16, 7);
        std::set<std::string> names;
        int64_t offset = 0;
        bool statistics = false;
        for (const ParamTensor &t : net.tensors) {
            EXPECT_EQ(t.offset, offset) << spec << " " << t.name;
            offset += t.size();
            EXPECT_TRUE(names.insert(t.name).second) << spec << " " << t.name;
            EXPECT_TRUE(t.statistic || !statistics) << spec << " " << t.name;
            statistics = t.statistic;
        }
        EXPECT_EQ(offset, net.size());
        for (const Op &op : net.ops)
            if (op.kind == OpKind::kBatchNorm) {
                // gamma, beta, mean and variance of one op are of one layer.
                const auto layer = [&](int tensor) {
                    return net.tensors[tensor].name.substr(0, net.tensors[tensor].name.rfind('.'));
                };
                EXPECT_EQ(net.tensors[op.weight].name, layer(op.mean) + ".weight");
                EXPECT_EQ(net.tensors[op.bias].name, layer(op.mean) + ".bias");
                EXPECT_EQ(net.tensors[op.mean].name, layer(op.mean) + ".running_mean");
                EXPECT_EQ(net.tensors[op.variance].name, layer(op.mean) + ".running_var");
                EXPECT_EQ(net.tensors[op.mean].shape[0], net.values[op.src].channels);
                EXPECT_TRUE(net.values[op.src].normalised);
            }
    }
}

TEST(Architecture, ResNetKeysAreThoseOfThePyTorchModule) {
    const Network net = build_network("resnet8:shortcut=B", 3, 8, 8, 10);
    std::vector<std::string> names;
    for (const ParamTensor &t : net.tensors)
        if (!t.statistic) names.push_back(t.name);
    const std::vector<std::string> second(names.begin() + 9, names.begin() + 18);
    EXPECT_EQ(second, (std::vector<std::string>{"layer2.0.conv1.weight", "layer2.0.bn1.weight", "layer2.0.bn1.bias",
                                                "layer2.0.conv2.weight", "layer2.0.bn2.weight", "layer2.0.bn2.bias",
                                                "layer2.0.downsample.0.weight", "layer2.0.downsample.1.weight",
                                                "layer2.0.downsample.1.bias"}));
    EXPECT_EQ(names.front(), "conv1.weight");
    EXPECT_EQ(names.back(), "linear_out.bias");
}

TEST(Architecture, FitsAnyImageThatIsLargeEnough) {
    for (const char *spec : {"resnet8", "resnet8:shortcut=B", "densenet40-12", "densenet40-12-bc"})
        for (int size : {4, 5, 7, 8, 28, 33})
            EXPECT_NO_THROW(build_network(spec, 1, size, size + 1, 3)) << spec << " " << size;
    EXPECT_NO_THROW(build_network("mlp-2:activation=sigmoid", 2, 1, 1, 2));
    EXPECT_NO_THROW(build_network("cnn-3-4-5:kernel=5", 1, 8, 8, 2));
}

TEST(Architecture, DrawsWhatItsLayersAsk) {
    const Network net = build_network("resnet20:shortcut=B", 3, 32, 32, 10);
    std::vector<float> values(net.size()), again(net.size()), other(net.size());
    initialise(net, 5, values.data());
    initialise(net, 5, again.data());
    initialise(net, 6, other.data());
    EXPECT_EQ(values, again);
    EXPECT_NE(values, other);
    for (const ParamTensor &t : net.tensors) {
        const double n = double(t.size());
        double sum = 0, squares = 0, largest = 0;
        for (int64_t i = t.offset; i < t.offset + t.size(); ++i) {
            sum += values[i];
            squares += double(values[i]) * values[i];
            largest = std::max(largest, std::fabs(double(values[i])));
        }
        if (t.name.find("linear_out") == 0) { // uniform within +- 1 / sqrt(64)
            EXPECT_LE(largest, 0.125) << t.name;
            EXPECT_GT(largest, 0.05) << t.name;
        } else if (t.shape.size() == 4) { // 5 standard errors of mean and variance
            const double variance = 2.0 / double(t.shape[1] * t.shape[2] * t.shape[3]);
            EXPECT_NEAR(sum / n, 0, 5 * std::sqrt(variance / n)) << t.name;
            EXPECT_NEAR(squares / n, variance, 5 * variance * std::sqrt(2 / n)) << t.name;
        } else { // batch norm
            const bool one =
                t.name.find(".weight") != std::string::npos || t.name.find("running_var") != std::string::npos;
            EXPECT_EQ(sum, one ? n : 0) << t.name;
            EXPECT_EQ(largest, one ? 1 : 0) << t.name;
        }
    }
}

void expect_refused(const std::string &spec, const std::string &part, int size = 32) {
    try {
        build_network(spec, 3, size, size, 10);
        ADD_FAILURE() << "'" << spec << "' was accepted";
    } catch (const Error &e) {
        EXPECT_EQ(e.status, IST_INVALID_ARGUMENT);
        EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << spec << ": " << e.what();
    }
}

TEST(Architecture, RefusesABadSpecWithItsRule) {
    expect_refused("resnt20", "did you mean 'resnet20'?");
    expect_refused("resnet21", "6n+2");
    expect_refused("resnet2", "6n+2");
    expect_refused("resnet", "depth");
    expect_refused("resnet20:shortcut=C", "shortcut must be one of A, B, got 'C'");
    expect_refused("resnet20:shortcuts=A", "did you mean 'shortcut'?");
    expect_refused("resnet20:shortcut", "must have a value");
    expect_refused("resnet20:width=8,width=8", "twice");
    expect_refused("resnet20:width=0", "width must be a whole number from 1");
    expect_refused("resnet20-bc", "no known model");
    expect_refused("resnet20", "at least 4 x 4 pixels, got 3 x 3", 3);
    expect_refused("densenet40", "growth");
    expect_refused("densenet41-12", "3n+4");
    expect_refused("densenet43-12-bc", "6n+4");
    expect_refused("densenet40-12:compression=1.5", "compression must be a number");
    expect_refused("mlp-0", "no known model");
    expect_refused("mlp-99999999", "no known model");
    expect_refused("mlp-65536-65536", "2^31");
    expect_refused("cnn", "widths");
    expect_refused("cnn-4-4-4-4", "at least 16 x 16", 8);
    expect_refused("cnn-4:kernel=4", "odd");
    expect_refused("surface-leps", "not a network");
    expect_refused("", "no known model");
    expect_refused("mlp-3:", "no setting");
    expect_refused(std::string(5000, 'x'), "at most 1000 characters");
    EXPECT_THROW(build_network("mlp", 0, 1, 1, 2), Error);
    EXPECT_THROW(build_network("mlp", 1, 1, 1, 1), Error);
}

} // namespace
} // namespace ist
