// test_repeatability.cpp - the promise of isthmus.h: the same bits for any number of threads, any grouping of points,
// any division of the steps into calls, on every repeat, and after a resume from what was read.
#include <cstring>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "c_handles.h"
#include "test_networks.h"

namespace {

using namespace ist;
using namespace ist::test;

struct Subject {
    const char *spec;
    ist_precision precision;
};
void PrintTo(const Subject &s, std::ostream *out) { *out << s.spec << (s.precision == IST_FP32 ? " fp32" : " bf16"); }

// Everything a run leaves: compared as bits.
struct Record {
    std::vector<Vector> rows;
    void add(const Vector &row) { rows.push_back(row); }
    void add(const std::vector<Vector> &more) { rows.insert(rows.end(), more.begin(), more.end()); }
    void add(const std::vector<ist_metrics> &metrics) {
        for (const ist_metrics &m : metrics) {
            Vector halves(sizeof m / sizeof(float));
            std::memcpy(halves.data(), &m, sizeof m);
            rows.push_back(halves);
        }
    }
};
void expect_same_bits(const Record &a, const Record &b, const std::string &what) {
    ASSERT_EQ(a.rows.size(), b.rows.size());
    for (size_t i = 0; i < a.rows.size(); ++i) {
        ASSERT_EQ(a.rows[i].size(), b.rows[i].size());
        ASSERT_EQ(std::memcmp(a.rows[i].data(), b.rows[i].data(), a.rows[i].size() * sizeof(float)), 0)
            << what << ": other bits in row " << i << " of " << a.rows.size();
    }
}

class Repeatability : public HandlesTest, public testing::WithParamInterface<Subject> {
  protected:
    static constexpr int kPoints = 5;

    void SetUp() override {
        if (!supported(GetParam().precision)) GTEST_SKIP() << "cpu has no bf16 on this machine";
    }

    static Problem problem(int n_threads) {
        Network shape;
        shape.channels = 3, shape.height = 8, shape.width = 8, shape.n_classes = 5;
        ist_sampling sampling{};
        sampling.seed = 77, sampling.batch_size = 19, sampling.crop_padding = 2,
        sampling.flip = 1; // odd, over two 8-image blocks
        return Problem(n_threads, GetParam().spec, random_images(shape, 45, 9), sampling, GetParam().precision);
    }
    static ist_sgd sgd() {
        ist_sgd s{};
        s.learning_rate = 0.05f, s.momentum = 0.9f, s.weight_decay = 1e-3f, s.nesterov = 1;
        return s;
    }
    static ist_neb neb() {
        ist_neb n{};
        n.sgd = sgd(), n.sgd.nesterov = 0;
        n.tangent = IST_TANGENT_IMPROVED, n.geometry = IST_GEOMETRY_ALL;
        n.spring = std::numeric_limits<float>::infinity();
        return n;
    }
    static Vector spacing() { return {1.0f, 1.5f, 0.7f, 1.2f}; }

    // Everything the engine can do, in turn.
    static Record everything(int n_threads) {
        const Problem p = problem(n_threads);
        Points points(p, kPoints, 100);
        Record record;
        points.initialise(1);
        record.add(points.descend(sgd(), 0, 3));
        record.add(points.read());
        record.add(points.gradient(3));
        record.add(points.read_gradient());
        record.add(points.relax(neb(), spacing(), 4, 3));
        record.add(points.read());
        record.add(points.read_momentum());
        points.respace(IST_GEOMETRY_PARAMETERS, spacing());
        points.recompute_statistics(3);
        record.add(points.read());
        record.add(points.evaluate());
        for (int i = 0; i < kPoints; ++i) record.add(points.predict(i));
        const double d = points.distance(1, 3, IST_GEOMETRY_ALL);
        record.add(std::vector<ist_metrics>{{d, 0}});
        return record;
    }
};

TEST_P(Repeatability, AnyNumberOfThreads) {
    const Record one = everything(1);
    expect_same_bits(one, everything(1), "a repeat");
    expect_same_bits(one, everything(2), "two threads");
    expect_same_bits(one, everything(3), "three threads");
    expect_same_bits(one, everything(0), "a thread per core");
}

TEST_P(Repeatability, AnyGroupingOfPoints) {
    // What does not couple points: training, gradients, statistics, evaluation.
    const auto alone = [](const std::vector<int> &sizes) {
        const Problem p = problem(2);
        std::vector<Record> parts;
        int first = 0;
        for (int size : sizes) {
            Points points(p, size, 100 + uint64_t(first));
            points.initialise(1 + uint64_t(first));
            points.descend(sgd(), 0, 3);
            points.gradient(3);
            Record record;
            record.add(points.read_gradient());
            points.recompute_statistics(2);
            const auto values = points.read(), momentum = points.read_momentum();
            const auto metrics = points.evaluate();
            for (int i = 0; i < size; ++i) { // one record per point, so that groups can be laid side by side
                Record r;
                r.add(record.rows[i]);
                r.add(values[i]);
                r.add(momentum[i]);
                r.add(std::vector<ist_metrics>{metrics[i]});
                r.add(points.predict(i));
                parts.push_back(r);
            }
            first += size;
        }
        return parts;
    };
    const auto together = alone({5});
    for (const std::vector<int> &sizes : {std::vector<int>{1, 1, 1, 1, 1}, {2, 3}, {4, 1}}) {
        const auto apart = alone(sizes);
        for (int i = 0; i < kPoints; ++i)
            expect_same_bits(together[i], apart[i],
                             "point " + std::to_string(i) + " in groups of " + std::to_string(sizes[0]) + ", ...");
    }
}

// Steps first .. first + n in the calls of `division`; with `resume`, on fresh points in a fresh engine after each.
template <class Step>
Record divided(const std::function<Problem()> &make, int n_points, const std::vector<int> &division, bool resume,
               Step step) {
    Record record;
    auto problem = std::make_unique<Problem>(make());
    auto points = std::make_unique<Points>(*problem, n_points, 100);
    points->initialise(1);
    int first = 0;
    Vector losses;
    for (int n : division) {
        if (resume && first > 0) {
            const auto values = points->read(), momentum = points->read_momentum();
            points.reset();
            problem = std::make_unique<Problem>(make());
            points = std::make_unique<Points>(*problem, n_points, 100);
            for (int i = 0; i < n_points; ++i) {
                points->write(i, values[i]);
                points->write_momentum(i, momentum[i]);
            }
        }
        const Vector some = step(*points, first, n);
        losses.insert(losses.end(), some.begin(), some.end());
        first += n;
    }
    record.add(losses);
    record.add(points->read());
    record.add(points->read_momentum());
    return record;
}

TEST_P(Repeatability, AnyDivisionOfTheStepsOfADescent) {
    const auto step = [](Points &points, int first, int n) { return points.descend(sgd(), first, n); };
    const auto make = [] { return problem(2); };
    const Record whole = divided(make, kPoints, {6}, false, step);
    expect_same_bits(whole, divided(make, kPoints, {1, 2, 3}, false, step), "1 + 2 + 3 steps");
    expect_same_bits(whole, divided(make, kPoints, {1, 1, 1, 1, 1, 1}, false, step), "six calls");
    expect_same_bits(whole, divided(make, kPoints, {4, 2}, true, step), "a resume after 4 steps");
}

TEST_P(Repeatability, AnyDivisionOfTheStepsOfARelaxation) {
    for (float spring : {std::numeric_limits<float>::infinity(), 1.0f})
        for (int climbing : {0, 1}) {
            const auto step = [&](Points &points, int first, int n) {
                ist_neb configuration = neb();
                configuration.spring = spring, configuration.climbing = climbing;
                return points.relax(configuration, spacing(), first, n);
            };
            const auto make = [] { return problem(2); };
            const Record whole = divided(make, kPoints, {6}, false, step);
            expect_same_bits(whole, divided(make, kPoints, {1, 2, 3}, false, step), "1 + 2 + 3 steps");
            expect_same_bits(whole, divided(make, kPoints, {4, 2}, true, step), "a resume after 4 steps");
        }
}

TEST_P(Repeatability, TheEndsOfAPathKeepEveryBit) {
    const Problem p = problem(2);
    for (ist_geometry geometry : {IST_GEOMETRY_PARAMETERS, IST_GEOMETRY_ALL})
        for (float spring : {std::numeric_limits<float>::infinity(), 1.0f})
            for (int climbing : {0, 1}) {
                Points path(p, kPoints, 100);
                path.initialise(1);
                const Vector first = path.read(0), last = path.read(kPoints - 1);
                ist_neb configuration = neb();
                configuration.geometry = geometry, configuration.spring = spring, configuration.climbing = climbing;
                path.relax(configuration, spacing(), 0, 8);
                Record before, after;
                before.add(std::vector<Vector>{first, last});
                after.add(std::vector<Vector>{path.read(0), path.read(kPoints - 1)});
                expect_same_bits(before, after, "ends");
                for (int end : {0, kPoints - 1})
                    for (float v : path.read_momentum(end)) ASSERT_EQ(v, 0) << "the ends have no momentum";
            }
}

INSTANTIATE_TEST_SUITE_P(
    Every, Repeatability,
    testing::Values(Subject{"resnet8:shortcut=A,width=6", IST_FP32}, Subject{"resnet8:shortcut=B,width=16", IST_FP32},
                    Subject{"densenet10-4-bc", IST_FP32}, Subject{"mlp-9:activation=tanh", IST_FP32},
                    Subject{"cnn-4-6:batchnorm=1,dense=7", IST_FP32}, Subject{"resnet8:shortcut=A,width=6", IST_BF16},
                    Subject{"resnet8:shortcut=B,width=16", IST_BF16}, Subject{"densenet10-4-bc", IST_BF16},
                    Subject{"mlp-9:activation=tanh", IST_BF16}, Subject{"cnn-4-6:batchnorm=1,dense=7", IST_BF16}));

} // namespace
