// test_golden.cpp - our architectures and whole gradients against PyTorch: the files of golden/, see make_golden.py
// there.
//
// Twice per file: ref_network on the network that build_network writes, in double, to 1e-8 (this judges names, order,
// shapes and wiring, and ref_network itself); then the engine through the C API in fp32, to 1e-4.
#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>

#include <gtest/gtest.h>

#include "architectures.h"
#include "c_handles.h"
#include "ref_network.h"
#include "test_networks.h"

namespace {

using namespace ist;
using namespace ist::test;

// --- the formula of make_golden.py -------------------------------------------------------------------------------

std::vector<uint64_t> hashes(const std::string &key, int64_t count) {
    uint64_t seed = 0xCBF29CE484222325ULL;
    for (char byte : key) seed = (seed ^ uint8_t(byte)) * 0x100000001B3ULL;
    std::vector<uint64_t> all;
    for (int64_t j = 1; j <= count; ++j) {
        uint64_t z = seed + uint64_t(j) * 0x9E3779B97F4A7C15ULL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        all.push_back(z ^ (z >> 31));
    }
    return all;
}

std::vector<double> signed_numbers(const std::string &key, int64_t count) {
    std::vector<double> all;
    for (uint64_t h : hashes(key, count)) all.push_back(double(h >> 40) * 0x1p-23 - 1.0);
    return all;
}

bool ends_with(const std::string &text, const std::string &end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::vector<double> formula(const ParamTensor &t) {
    std::vector<double> values = signed_numbers(t.name, t.size());
    int64_t fan_in = 1;
    for (size_t axis = 1; axis < t.shape.size(); ++axis) fan_in *= t.shape[axis];
    for (double &u : values) {
        if (t.shape.size() > 1) u = float(u * std::sqrt(3.0 / double(fan_in)));
        else u = (ends_with(t.name, "running_var") || ends_with(t.name, "weight") ? 1.0 : 0.0) + 0.5 * u;
        u = float(u);
    }
    return values;
}

// --- the files ---------------------------------------------------------------------------------------------------

struct Numbers {
    double norm, projection, first, middle, last;
};

Numbers summarise(const std::string &key, const double *v, int64_t n) {
    const std::vector<double> probe = signed_numbers(key + "/probe", n);
    Numbers s{0, 0, v[0], v[n / 2], v[n - 1]};
    for (int64_t j = 0; j < n; ++j) {
        s.norm += v[j] * v[j];
        s.projection += v[j] * probe[j];
    }
    s.norm = std::sqrt(s.norm);
    return s;
}

struct Golden {
    std::string spec;
    int channels = 0, height = 0, width = 0, n_images = 0, n_classes = 0, salt = 0;
    int64_t n_params = 0, n_statistics = 0;
    double train_loss = 0, train_error = 0, infer_loss = 0, infer_error = 0;
    struct Tensor {
        std::string key, kind, shape;
        Numbers numbers;
    };
    std::vector<Tensor> tensors;
};

Golden read_golden(const std::string &name) {
    const std::string path = IST_TEST_FOLDER "/golden/" + name + ".txt";
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    Golden g;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string what;
        words >> what;
        if (what == "spec") {
            words >> g.spec;
        } else if (what == "input") {
            words >> g.channels >> g.height >> g.width;
        } else if (what == "images") {
            words >> g.n_images;
        } else if (what == "classes") {
            words >> g.n_classes;
        } else if (what == "salt") {
            words >> g.salt;
        } else if (what == "counts") {
            words >> g.n_params >> g.n_statistics;
        } else if (what == "train") {
            words >> g.train_loss >> g.train_error;
        } else if (what == "infer") {
            words >> g.infer_loss >> g.infer_error;
        } else if (what == "tensor") {
            Golden::Tensor t;
            words >> t.key >> t.kind >> t.shape >> t.numbers.norm >> t.numbers.projection >> t.numbers.first >>
                t.numbers.middle >> t.numbers.last;
            g.tensors.push_back(t);
        } else {
            throw std::runtime_error(path + ": unknown line: " + line);
        }
        if (words.fail()) throw std::runtime_error(path + ": cannot read line: " + line);
    }
    return g;
}

Images golden_images(const Golden &g) {
    Images images;
    images.n = g.n_images, images.channels = g.channels, images.height = g.height, images.width = g.width;
    images.n_classes = g.n_classes;
    const std::string salt = std::to_string(g.salt);
    for (uint64_t h : hashes("images" + salt, int64_t(g.n_images) * g.channels * g.height * g.width))
        images.bytes.push_back(uint8_t(h >> 56));
    for (uint64_t h : hashes("labels" + salt, g.n_images)) images.labels.push_back(int32_t(h % uint64_t(g.n_classes)));
    images.mean.assign(g.channels, 0.5f);
    images.std.assign(g.channels, 0.25f);
    return images;
}

std::string shape_text(const ParamTensor &t) {
    std::string text;
    for (int64_t s : t.shape) text += (text.empty() ? "" : "x") + std::to_string(s);
    return text;
}

class GoldenTest : public HandlesTest, public testing::WithParamInterface<const char *> {
  protected:
    void SetUp() override {
        golden = read_golden(GetParam());
        network = build_network(golden.spec, golden.channels, golden.height, golden.width, golden.n_classes);
        images = golden_images(golden);
        for (const ParamTensor &t : network.tensors) {
            ASSERT_EQ(t.offset, int64_t(point.size())) << t.name;
            for (double v : formula(t)) point.push_back(v);
        }
    }

    // values: gradient, then statistics after the batch. An entry may differ by `tolerance` of its tensor's norm; where
    // that is tiny beside the rest (biases before a batch norm have gradient zero), of a millionth of the whole norm.
    void expect_golden(const std::vector<double> &values, double tolerance) const {
        double whole = 0;
        for (const Golden::Tensor &t : golden.tensors) whole = std::max(whole, t.numbers.norm);
        for (size_t i = 0; i < golden.tensors.size(); ++i) {
            const Golden::Tensor &expected = golden.tensors[i];
            const ParamTensor &t = network.tensors.at(i);
            const Numbers actual = summarise(t.name, &values.at(t.offset), t.size());
            const double allowed = tolerance * std::max(expected.numbers.norm, 1e-2 * whole);
            EXPECT_NEAR(actual.norm, expected.numbers.norm, allowed) << t.name;
            EXPECT_NEAR(actual.projection, expected.numbers.projection, allowed) << t.name;
            EXPECT_NEAR(actual.first, expected.numbers.first, allowed) << t.name;
            EXPECT_NEAR(actual.middle, expected.numbers.middle, allowed) << t.name;
            EXPECT_NEAR(actual.last, expected.numbers.last, allowed) << t.name;
        }
    }

    Golden golden;
    Network network;
    Images images;
    std::vector<double> point;
};

TEST_P(GoldenTest, TheStateDictionaryHasPyTorchsKeysShapesAndOrder) {
    EXPECT_EQ(network.n_params, golden.n_params);
    EXPECT_EQ(network.n_statistics, golden.n_statistics);
    ASSERT_EQ(network.tensors.size(), golden.tensors.size());
    for (size_t i = 0; i < golden.tensors.size(); ++i) {
        const ParamTensor &t = network.tensors[i];
        EXPECT_EQ(t.name, golden.tensors[i].key);
        EXPECT_EQ(t.statistic ? "statistic" : "parameter", golden.tensors[i].kind) << t.name;
        EXPECT_EQ(shape_text(t), golden.tensors[i].shape) << t.name;
    }
}

TEST_P(GoldenTest, TheReferenceInterpreterGivesPyTorchsNumbers) {
    const ref::Pass trained = ref::train(network, point, images.batch());
    const ref::Pass inferred = ref::infer(network, point, images.batch());
    EXPECT_NEAR(trained.loss, golden.train_loss, 1e-10);
    EXPECT_NEAR(trained.error, golden.train_error, 1e-12);
    EXPECT_NEAR(inferred.loss, golden.infer_loss, 1e-10);
    EXPECT_NEAR(inferred.error, golden.infer_error, 1e-12);
    std::vector<double> values = trained.gradient;
    values.insert(values.end(), trained.statistics.begin(), trained.statistics.end());
    expect_golden(values, 1e-8);
}

TEST_P(GoldenTest, TheEngineGivesPyTorchsNumbers) {
    // The two big DenseNets have some 10^5 ReLUs; one or two are so near 0 that fp32 may take the other branch, which
    // moves a tensor's gradient by about one part in the root of its images and pixels. All others are clear of kinks.
    const bool clear = ref::train(network, point, images.batch()).kink_margin > 5e-6;
    ASSERT_TRUE(clear || network.n_params > 500000) << "too near a kink: choose another salt";
    ist_sampling sampling{};
    sampling.seed = 1, sampling.batch_size = images.n;
    const Problem problem(2, golden.spec, images, sampling);
    Points points(problem, {Vector(point.begin(), point.end())});
    const ist_metrics inferred = points.evaluate()[0];
    EXPECT_NEAR(inferred.loss, golden.infer_loss, 1e-5 * golden.infer_loss);
    EXPECT_NEAR(inferred.error, golden.infer_error, 1e-12);
    EXPECT_NEAR(points.gradient(0)[0], golden.train_loss, 1e-5 * golden.train_loss);
    std::vector<double> values;
    for (float v : points.read_gradient(0)) values.push_back(v);
    const Vector after = points.read(0);
    values.insert(values.end(), after.begin() + problem.n_params(), after.end());
    expect_golden(values, clear ? 1e-4 : 1e-2);
}

INSTANTIATE_TEST_SUITE_P(Every, GoldenTest,
                         testing::Values("resnet8-A", "resnet8-B", "resnet8-A-odd", "resnet8-B-odd", "resnet20-A",
                                         "resnet20-B", "densenet10-4", "densenet16-4-bc", "densenet40-12",
                                         "densenet100-12-bc", "mlp-linear", "mlp-7-5", "mlp-7-5-tanh",
                                         "mlp-6-sigmoid-bn", "cnn-4-6", "cnn-4-6-everything"),
                         [](const auto &info) {
                             std::string name = info.param;
                             for (char &c : name)
                                 if (c == '-') c = '_';
                             return name;
                         });

} // namespace
