// test_whole_networks.cpp - the architectures as a whole on every backend against ref_network: all gradients,
// statistics, inference, and the same bits for any threads and grouping. test_golden.cpp holds the same architectures
// against PyTorch.
#include <gtest/gtest.h>

#include "architectures.h"
#include "judge.h"

namespace {

using namespace ist;
using namespace ist::test;

struct Subject {
    const BackendUnderTest *backend;
    ist_precision precision;
    const char *spec;
    int channels, size, n_classes, n_images;
};
std::string title(const Subject &s) {
    return s.backend->name + " " + name_of(s.precision) + " " + s.spec + " " + std::to_string(s.channels) + "x" +
           std::to_string(s.size) + "x" + std::to_string(s.size);
}
void PrintTo(const Subject &s, std::ostream *out) { *out << title(s); }

class WholeNetwork : public testing::TestWithParam<Subject> {};

TEST_P(WholeNetwork, EqualsThePlainLoops) {
    const Subject &s = GetParam();
    if (!s.backend->create(1)->supports(s.precision))
        GTEST_SKIP() << s.backend->name << " has no " << name_of(s.precision) << " on this machine";
    judge(*s.backend, s.precision, build_network(s.spec, s.channels, s.size, s.size, s.n_classes), s.n_images);
}

std::vector<Subject> subjects() {
    std::vector<Subject> all;
    for (const BackendUnderTest &backend : backends())
        for (ist_precision precision : {IST_FP32, IST_BF16, IST_FP16})
            for (Subject s : std::vector<Subject>{
                     {nullptr, IST_FP32, "resnet8", 1, 8, 10, 9},
                     {nullptr, IST_FP32, "resnet8", 3, 32, 10, 2},
                     {nullptr, IST_FP32, "resnet8:shortcut=B", 1, 8, 10, 9},
                     {nullptr, IST_FP32, "resnet8:shortcut=B", 3, 32, 10, 2},
                     {nullptr, IST_FP32, "resnet14:width=5", 3, 8, 10, 7},
                     {nullptr, IST_FP32, "densenet10-4", 1, 8, 10, 9},
                     {nullptr, IST_FP32, "densenet10-4", 3, 32, 10, 2},
                     {nullptr, IST_FP32, "densenet10-4-bc", 1, 8, 10, 9},
                     {nullptr, IST_FP32, "densenet10-4-bc", 3, 32, 10, 2},
                     {nullptr, IST_FP32, "densenet13-12", 3, 8, 10, 8},
                     {nullptr, IST_FP32, "mlp", 1, 8, 10, 9},
                     {nullptr, IST_FP32, "mlp-20-15", 1, 8, 10, 33},
                     {nullptr, IST_FP32, "mlp-20:activation=sigmoid,batchnorm=1", 3, 32, 10, 7},
                     {nullptr, IST_FP32, "cnn-8-16", 1, 8, 10, 9},
                     {nullptr, IST_FP32, "cnn-12-24:batchnorm=1,dense=20", 3, 32, 10, 4},
                 }) {
                if (precision == IST_FP16 && !backend.is_emulated) continue;
                s.backend = &backend, s.precision = precision;
                all.push_back(s);
            }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Every, WholeNetwork, testing::ValuesIn(subjects()),
                         [](const auto &info) { return words(title(info.param)); });

} // namespace
