// test_path_step.cpp - steps of ist_points_relax and ist_points_respace against ref_path (plain loops in double), and
// what they promise on degenerate paths.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include "c_handles.h"
#include "ref_path.h"
#include "test_networks.h"

namespace {

using namespace ist;
using namespace ist::test;

constexpr float kString = std::numeric_limits<float>::infinity();

std::vector<double> doubles(const Vector &values) { return {values.begin(), values.end()}; }
ref::Path doubles(const std::vector<Vector> &rows) {
    ref::Path path;
    for (const Vector &row : rows) path.push_back(doubles(row));
    return path;
}
bool same_bits(const Vector &a, const Vector &b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}
bool all_finite(const std::vector<Vector> &rows) {
    for (const Vector &row : rows)
        for (float v : row)
            if (!std::isfinite(v)) return false;
    return true;
}

// Small networks with and without statistics, and a surface.
Problem small_problem(const std::string &spec, int n_threads = 2) {
    if (spec.rfind("surface-", 0) == 0) return Problem(n_threads, spec);
    Network shape;
    shape.channels = 2, shape.height = 4, shape.width = 4, shape.n_classes = 3;
    ist_sampling sampling{};
    sampling.seed = 11, sampling.batch_size = 8, sampling.crop_padding = 1, sampling.flip = 1;
    return Problem(n_threads, spec, random_images(shape, 20, 2), sampling);
}

// A crooked path: random ends, the segment between them, and noise on what is inside.
std::vector<Vector> crooked_path(const Problem &problem, int n_pivots, uint64_t seed) {
    Random random(seed);
    const bool surface = problem.dataset() == nullptr;
    Points ends(problem, 2);
    ends.initialise(seed);
    if (surface) {
        ends.write(0, {-0.6f, 1.4f});
        ends.write(1, {0.6f, 0.1f});
    }
    const Vector a = ends.read(0), b = ends.read(1);
    std::vector<Vector> path(n_pivots, a);
    path.back() = b;
    for (int i = 1; i < n_pivots - 1; ++i)
        for (size_t j = 0; j < a.size(); ++j) {
            const bool statistic = int64_t(j) >= problem.n_params();
            const double t = double(i) / (n_pivots - 1), noise = random.uniform(-0.1, 0.1);
            path[i][j] = float((1 - t) * a[j] + t * b[j] + (statistic ? std::fabs(noise) : noise));
        }
    return path;
}

struct Setting {
    const char *spec;
    ist_tangent tangent;
    ist_geometry geometry;
    float spring;
    int climbing, nesterov;
};
void PrintTo(const Setting &s, std::ostream *out) {
    *out << s.spec << ", tangent " << s.tangent << ", geometry " << s.geometry << ", spring " << s.spring
         << ", climbing " << s.climbing << ", nesterov " << s.nesterov;
}

class PathStep : public HandlesTest, public testing::WithParamInterface<Setting> {
  protected:
    static ist_neb configuration() {
        const Setting &s = GetParam();
        ist_neb neb{};
        neb.sgd.learning_rate = std::string(s.spec).rfind("surface-", 0) == 0 ? 1e-4f : 0.05f;
        neb.sgd.momentum = 0.8f, neb.sgd.weight_decay = 0.03f, neb.sgd.nesterov = s.nesterov;
        neb.tangent = s.tangent, neb.geometry = s.geometry, neb.spring = s.spring, neb.climbing = s.climbing;
        return neb;
    }
};

// Step by step from the engine's own state: its gradients and losses (judged elsewhere) go into the reference, and the
// pivots, statistics and momentum that come out are compared.
TEST_P(PathStep, EqualsThePlainLoops) {
    constexpr int kPivots = 8, kSteps = 6;
    const ist_neb neb = configuration();
    const Vector spacing = {1.0f, 2.0f, 0.5f, 1.5f, 1.0f, 3.0f, 0.25f};
    const Problem problem = small_problem(GetParam().spec);
    const int64_t n_geometry = neb.geometry == IST_GEOMETRY_ALL ? problem.size() : problem.n_params();
    Points path(problem, crooked_path(problem, kPivots, 5)), shadow(problem, kPivots);
    Random random(8);
    for (int i = 1; i < kPivots - 1; ++i) { // as after a resume
        Vector momentum(problem.size());
        for (int64_t j = 0; j < n_geometry; ++j) momentum[j] = float(random.uniform(-0.05, 0.05));
        path.write_momentum(i, momentum);
    }
    const Vector first = path.read(0), last = path.read(kPivots - 1);
    int rising = 0, falling = 0, extrema = 0;
    for (int step = 0; step < kSteps; ++step) {
        SCOPED_TRACE("step " + std::to_string(step));
        const std::vector<Vector> before = path.read();
        // A training pass at the same pivots: losses, gradients, and statistics after the batch.
        shadow.write(before);
        const Vector expected_losses = shadow.gradient(step);
        ref::PathState expected{doubles(shadow.read()), doubles(path.read_momentum())};
        expected.values.front() = doubles(first); // the ends' statistics are left alone
        expected.values.back() = doubles(last);
        const std::vector<Vector> gradients = shadow.read_gradient();

        const Vector losses = path.relax(neb, spacing, step, 1);
        EXPECT_TRUE(same_bits(losses, expected_losses)) << "the losses are those of the pivots before the step";
        for (int i = 1; i < kPivots - 1; ++i) {
            EXPECT_TRUE(same_bits(path.read_gradient(i), gradients[i])) << "gradient of pivot " << i;
            (losses[i + 1] > losses[i] && losses[i] > losses[i - 1]   ? rising
             : losses[i + 1] < losses[i] && losses[i] < losses[i - 1] ? falling
                                                                      : extrema)++;
        }
        const ref::Path start = expected.values;
        ref::relax_step(expected, doubles(losses), doubles(gradients), neb, doubles(spacing), problem.n_params(),
                        n_geometry);
        const std::vector<Vector> values = path.read(), momentum = path.read_momentum();
        for (int i = 0; i < kPivots; ++i) {
            double moved = 0, fastest = 0, largest = 0;
            for (int64_t j = 0; j < problem.size(); ++j) {
                moved = std::max(moved, std::fabs(expected.values[i][j] - start[i][j]));
                fastest = std::max(fastest, std::fabs(expected.momentum[i][j]));
                largest = std::max(largest, std::fabs(expected.values[i][j]));
            }
            double off = 0, momentum_off = 0;
            for (int64_t j = 0; j < problem.size(); ++j) {
                off = std::max(off, std::fabs(values[i][j] - expected.values[i][j]));
                momentum_off = std::max(momentum_off, std::fabs(momentum[i][j] - expected.momentum[i][j]));
            }
            EXPECT_LE(off, 1e-5 * moved + 3e-7 * largest) << "pivot " << i;
            EXPECT_LE(momentum_off, 1e-5 * fastest) << "momentum of pivot " << i;
        }
        ASSERT_TRUE(same_bits(values.front(), first) && same_bits(values.back(), last)) << "an end has moved";
    }
    EXPECT_TRUE(rising > 0 && falling > 0 && extrema > 0) << "this path does not show every case of a tangent";
}

std::vector<Setting> settings() {
    std::vector<Setting> all;
    int number = 0;
    for (const char *spec : {"surface-mueller-brown", "mlp-5:activation=tanh", "cnn-3:batchnorm=1"})
        for (ist_tangent tangent : {IST_TANGENT_UPWIND, IST_TANGENT_IMPROVED, IST_TANGENT_OFFICIAL})
            for (ist_geometry geometry : {IST_GEOMETRY_PARAMETERS, IST_GEOMETRY_ALL})
                for (float spring : {kString, 0.0f, 2.5f})
                    for (int climbing : {0, 1})
                        all.push_back({spec, tangent, geometry, spring, climbing, number++ % 2});
    return all;
}
INSTANTIATE_TEST_SUITE_P(Every, PathStep, testing::ValuesIn(settings()));

// --- respacing ---------------------------------------------------------------------------------------------------

class Respace : public HandlesTest {};

TEST_F(Respace, PutsPivotsAtTheirShareOfThePath) {
    const Problem problem = small_problem("cnn-3:batchnorm=1");
    const Vector spacing = {0.1f, 5.0f, 1.0f, 1.0f, 2.0f, 0.01f};
    for (ist_geometry geometry : {IST_GEOMETRY_PARAMETERS, IST_GEOMETRY_ALL}) {
        Points path(problem, crooked_path(problem, 7, 3));
        const std::vector<Vector> before = path.read();
        ref::Path expected = doubles(before);
        ref::respace(expected, 0, 6, doubles(spacing),
                     geometry == IST_GEOMETRY_ALL ? problem.size() : problem.n_params());
        path.respace(geometry, spacing);
        const std::vector<Vector> after = path.read();
        for (int i = 0; i < 7; ++i)
            for (int64_t j = 0; j < problem.size(); ++j)
                ASSERT_NEAR(after[i][j], expected[i][j], 2e-6) << "pivot " << i << " coordinate " << j;
        EXPECT_TRUE(same_bits(after[0], before[0]) && same_bits(after[6], before[6]));
    }
}

TEST_F(Respace, LeavesAnEvenlySpacedLineWhereItIs) {
    const Problem problem = small_problem("mlp-5:activation=tanh");
    Points path(problem, 9);
    path.initialise(1);
    for (int i = 1; i < 8; ++i) {
        const int32_t ends[] = {0, 8};
        const double weights[] = {1 - i / 8.0, i / 8.0};
        must(ist_points_combine(path.get(), i, path.get(), 2, ends, weights));
    }
    const std::vector<Vector> before = path.read();
    for (int repeat = 0; repeat < 50; ++repeat) path.respace(IST_GEOMETRY_PARAMETERS, Vector(8, 1.0f));
    for (int i = 0; i < 9; ++i)
        for (int64_t j = 0; j < problem.size(); ++j) ASSERT_NEAR(path.read(i)[j], before[i][j], 2e-6) << "pivot " << i;
}

TEST_F(Respace, SurvivesCoincidentPivots) {
    const Problem problem = small_problem("surface-egg-carton");
    const Vector a = {0.0f, 0.0f}, b = {3.0f, 4.0f};
    Points path(problem, {a, a, a, b, b, a, a}); // there and back: length 10
    path.respace(IST_GEOMETRY_PARAMETERS, Vector(6, 1.0f));
    const double expected[] = {0, 1.0 / 3, 2.0 / 3, 1, 2.0 / 3, 1.0 / 3, 0};
    for (int i = 0; i < 7; ++i) {
        EXPECT_NEAR(path.read(i)[0], 3 * expected[i], 1e-6) << "pivot " << i;
        EXPECT_NEAR(path.read(i)[1], 4 * expected[i], 1e-6) << "pivot " << i;
    }
}

TEST_F(Respace, LeavesAPathOfNoLengthWhereItIs) {
    const Problem problem = small_problem("surface-egg-carton");
    const Vector a = {0.25f, -0.75f};
    Points path(problem, {a, a, a, a, a});
    path.respace(IST_GEOMETRY_PARAMETERS, {1.0f, 2.0f, 3.0f, 4.0f});
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(same_bits(path.read(i), a)) << "pivot " << i;
}

TEST_F(Respace, NeverWalksOffThePath) {
    // Lengths and weights over sixty orders of magnitude: every pivot must stay on the segment from 0 to the end.
    const Problem problem = small_problem("surface-egg-carton");
    Random random(4);
    for (int trial = 0; trial < 200; ++trial) {
        const int n = 3 + random.below(20);
        std::vector<Vector> values = {{0.0f, 0.0f}};
        Vector spacing;
        for (int i = 1; i < n; ++i) {
            const float gap = random.below(3) == 0 ? 0.0f : float(std::pow(10.0, random.uniform(-18, 6)));
            values.push_back({values.back()[0] + gap, 0.0f});
            spacing.push_back(float(std::pow(10.0, random.uniform(-30, 30))));
        }
        Points path(problem, values);
        path.respace(IST_GEOMETRY_PARAMETERS, spacing);
        float previous = 0;
        for (int i = 0; i < n; ++i) {
            const Vector p = path.read(i);
            ASSERT_TRUE(p[0] >= previous && p[0] <= values.back()[0] && p[1] == 0)
                << "trial " << trial << " pivot " << i << " of " << n << ": " << p[0];
            previous = p[0];
        }
        ASSERT_TRUE(same_bits(path.read(n - 1), values.back()));
    }
}

// --- relaxing degenerate paths -----------------------------------------------------------------------------------

class Degenerate : public HandlesTest {
  protected:
    static void expect_finite(const Problem &problem, const std::vector<Vector> &values) {
        for (ist_tangent tangent : {IST_TANGENT_UPWIND, IST_TANGENT_IMPROVED, IST_TANGENT_OFFICIAL})
            for (float spring : {kString, 0.0f, 2.5f})
                for (int climbing : {0, 1}) {
                    ist_neb neb{};
                    neb.sgd.learning_rate = problem.dataset() ? 1e-3f : 1e-5f, neb.sgd.momentum = 0.9f;
                    neb.tangent = tangent, neb.spring = spring, neb.climbing = climbing;
                    Points path(problem, values);
                    path.relax(neb, Vector(values.size() - 1, 1.0f), 0, 20);
                    EXPECT_TRUE(all_finite(path.read()) && all_finite(path.read_momentum()))
                        << "tangent " << tangent << " spring " << spring << " climbing " << climbing;
                    EXPECT_TRUE(same_bits(path.read(0), values.front()));
                    EXPECT_TRUE(same_bits(path.read(path.count() - 1), values.back()));
                }
    }
};

TEST_F(Degenerate, EqualLossesGiveFinitePivots) {
    // The egg carton repeats itself: all losses are equal at the start.
    expect_finite(small_problem("surface-egg-carton"), {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}});
}
TEST_F(Degenerate, CoincidentPivotsGiveFinitePivots) {
    const Vector a = {-0.6f, 1.4f}, b = {0.6f, 0.1f}, c = {0.1f, 0.6f};
    const Problem problem = small_problem("surface-mueller-brown");
    expect_finite(problem, {a, a, a, b, b});
    expect_finite(problem, {a, c, c, c, b});
    expect_finite(problem, {a, a, b});
    expect_finite(problem, {a, a, a});
}
TEST_F(Degenerate, AFoldedPathGivesFinitePivots) {
    const Vector a = {-0.6f, 1.4f}, c = {0.1f, 0.6f};
    expect_finite(small_problem("surface-mueller-brown"), {a, c, a, c, a});
}
TEST_F(Degenerate, EqualMinimaOfANetworkGiveFinitePivots) {
    const Problem problem = small_problem("cnn-3:batchnorm=1");
    Points points(problem, 1);
    points.initialise(3);
    expect_finite(problem, std::vector<Vector>(5, points.read(0)));
}

} // namespace
