// test_surfaces.cpp - minimum energy paths on surfaces whose saddles are known: the paths' highest energies against the
// literature, and the surfaces themselves against formulas written down here a second time.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "c_handles.h"

namespace {

using namespace ist;
using namespace ist::test;

using Energy = std::function<double(double, double)>;

// Mueller & Brown 1979; saddles at -40.6648 and -72.2489, minima at -146.6995, -108.1667, -80.7678.
double mueller_brown(double x, double y) {
    const double A[] = {-200, -100, -170, 15}, a[] = {-1, -1, -6.5, 0.7}, b[] = {0, 0, 11, 0.6},
                 c[] = {-10, -10, -6.5, 0.7};
    const double x0[] = {1, 0, -0.5, -1}, y0[] = {0, 0.5, 1.5, 1};
    double energy = 0;
    for (int k = 0; k < 4; ++k)
        energy += A[k] * std::exp(a[k] * std::pow(x - x0[k], 2) + b[k] * (x - x0[k]) * (y - y0[k]) +
                                  c[k] * std::pow(y - y0[k], 2));
    return energy;
}
const Vector kMinimumA = {-0.5582236f, 1.4417258f}, kMinimumB = {0.6234994f, 0.0280378f},
             kMinimumC = {-0.0500108f, 0.4666941f};
constexpr double kSaddleAC = -40.664843508657, kSaddleCB = -72.248940112325;

// LEPS potential and harmonic oscillator: Jonsson, Mills & Jacobsen 1998, appendix, model II.
double leps(double r_ab, double x) {
    const double a = 0.05, b = 0.80, c = 0.05, d_ab = 4.746, d_bc = 4.746, d_ac = 3.445, r0 = 0.742, alpha = 1.942;
    const double r_ac = 3.742, k_c = 0.2025, c_osc = 1.154, r_bc = r_ac - r_ab;
    const auto Q = [&](double d, double r) {
        return d / 2 * (1.5 * std::exp(-2 * alpha * (r - r0)) - std::exp(-alpha * (r - r0)));
    };
    const auto J = [&](double d, double r) {
        return d / 4 * (std::exp(-2 * alpha * (r - r0)) - 6 * std::exp(-alpha * (r - r0)));
    };
    const double j_ab = J(d_ab, r_ab) / (1 + a), j_bc = J(d_bc, r_bc) / (1 + b), j_ac = J(d_ac, r_ac) / (1 + c);
    return Q(d_ab, r_ab) / (1 + a) + Q(d_bc, r_bc) / (1 + b) + Q(d_ac, r_ac) / (1 + c) -
           std::sqrt(j_ab * j_ab + j_bc * j_bc + j_ac * j_ac - j_ab * j_bc - j_bc * j_ac - j_ab * j_ac) +
           2 * k_c * std::pow(r_ab - (r_ac / 2 - x / c_osc), 2);
}

// A stationary point near (x, y): Newton's method on differences of the energy.
std::pair<double, double> stationary(const Energy &f, double x, double y) {
    const double h = 1e-4;
    for (int i = 0; i < 50; ++i) {
        const double gx = (f(x + h, y) - f(x - h, y)) / (2 * h), gy = (f(x, y + h) - f(x, y - h)) / (2 * h);
        const double xx = (f(x + h, y) - 2 * f(x, y) + f(x - h, y)) / (h * h);
        const double yy = (f(x, y + h) - 2 * f(x, y) + f(x, y - h)) / (h * h);
        const double xy = (f(x + h, y + h) - f(x + h, y - h) - f(x - h, y + h) + f(x - h, y - h)) / (4 * h * h);
        const double det = xx * yy - xy * xy;
        x -= (yy * gx - xy * gy) / det;
        y -= (xx * gy - xy * gx) / det;
    }
    return {x, y};
}

Points straight_line(const Problem &problem, const Vector &a, const Vector &b, int n_pivots) {
    std::vector<Vector> values;
    for (int i = 0; i < n_pivots; ++i) {
        const double t = double(i) / (n_pivots - 1);
        values.push_back({float((1 - t) * a[0] + t * b[0]), float((1 - t) * a[1] + t * b[1])});
    }
    values.back() = b;
    return Points(problem, values);
}

ist_neb string_method(float learning_rate) {
    ist_neb neb{};
    neb.sgd.learning_rate = learning_rate;
    neb.tangent = IST_TANGENT_IMPROVED;
    neb.spring = std::numeric_limits<float>::infinity();
    return neb;
}

double highest_pivot(const Points &path) {
    double highest = -1e300;
    for (const ist_metrics &m : path.evaluate()) highest = std::max(highest, m.loss);
    return highest;
}

// The highest energy along the polyline, nine points between neighbours as AutoNEB evaluates it.
double highest_along(const Problem &problem, const Points &path) {
    Points dense(problem, (path.count() - 1) * 10 + 1);
    for (int i = 0; i < dense.count(); ++i) {
        const int32_t ends[] = {i / 10, std::min(i / 10 + 1, path.count() - 1)};
        const double weights[] = {1 - (i % 10) / 10.0, (i % 10) / 10.0};
        must(ist_points_combine(dense.get(), i, path.get(), i % 10 ? 2 : 1, ends, weights));
    }
    return highest_pivot(dense);
}

class Surfaces : public HandlesTest {};

TEST_F(Surfaces, HaveTheEnergiesOfTheirFormulas) {
    const double pi = std::acos(-1.0);
    const std::vector<std::pair<const char *, Energy>> formulas = {
        {"surface-mueller-brown", mueller_brown},
        {"surface-leps", leps},
        {"surface-egg-carton", [&](double x, double y) { return std::cos(2 * pi * x) + std::cos(2 * pi * y); }},
        {"surface-flat", [](double, double) { return 0.0; }},
    };
    Random random(1);
    for (const auto &[spec, formula] : formulas) {
        const Problem problem(1, spec);
        ASSERT_EQ(problem.n_params(), 2);
        ASSERT_EQ(problem.n_statistics(), 0);
        Points points(problem, 50);
        for (int i = 0; i < 50; ++i) points.write(i, {float(random.uniform(0.5, 3)), float(random.uniform(-1, 1))});
        const auto metrics = points.evaluate();
        for (int i = 0; i < 50; ++i) {
            const Vector p = points.read(i);
            const double expected = formula(p[0], p[1]);
            EXPECT_NEAR(metrics[i].loss, expected, 1e-10 * (1 + std::fabs(expected)))
                << spec << " " << p[0] << " " << p[1];
            EXPECT_EQ(metrics[i].error, 0);
        }
    }
}

TEST_F(Surfaces, HaveTheGradientsOfTheirEnergies) {
    Random random(2);
    for (const char *spec :
         {"surface-mueller-brown", "surface-leps", "surface-egg-carton", "surface-curvy-valley", "surface-flat"}) {
        const Problem problem(1, spec);
        const double h = 0x1p-10; // exact in float32 beside coordinates below 4 with 10 fractional bits
        for (int trial = 0; trial < 20; ++trial) {
            const Vector p = {float(0.75 + random.below(2048) * h), float(-1 + random.below(2048) * h)};
            Points points(problem, 1);
            points.write(0, p);
            points.gradient(0);
            const Vector gradient = points.read_gradient(0);
            for (int axis = 0; axis < 2; ++axis) {
                double energy[4]; // at -2h, -h, h, 2h
                for (int k = 0; k < 4; ++k) {
                    Vector moved = p;
                    moved[axis] += float(h * (k < 2 ? k - 2 : k - 1));
                    points.write(0, moved);
                    energy[k] = points.evaluate()[0].loss;
                }
                const double expected = (energy[0] - 8 * energy[1] + 8 * energy[2] - energy[3]) / (12 * h);
                EXPECT_NEAR(gradient[axis], expected,
                            1e-5 * (1 + std::fabs(expected)) + 1e-5 * std::hypot(gradient[0], gradient[1]))
                    << spec << " at " << p[0] << " " << p[1];
            }
        }
    }
}

TEST_F(Surfaces, DescentFindsTheMinimaOfMuellerAndBrown) {
    const Problem problem(1, "surface-mueller-brown");
    Points points(problem, {{-0.7f, 1.3f}, {0.5f, 0.1f}, {-0.1f, 0.5f}});
    ist_sgd sgd{};
    sgd.learning_rate = 2e-4f, sgd.momentum = 0.5f;
    points.descend(sgd, 0, 3000);
    const auto metrics = points.evaluate();
    EXPECT_NEAR(metrics[0].loss, -146.699517, 1e-4);
    EXPECT_NEAR(metrics[1].loss, -108.166724, 1e-4);
    EXPECT_NEAR(metrics[2].loss, -80.767818, 1e-4);
}

class Saddles : public HandlesTest, public testing::WithParamInterface<ist_tangent> {
  protected:
    // The string method, then with the climbing image: its highest pivot sits on the saddle.
    static void expect_saddle(const char *spec, const Vector &a, const Vector &b, float learning_rate, double energy,
                              double tolerance) {
        const Problem problem(1, spec);
        Points path = straight_line(problem, a, b, 81);
        const Vector spacing(80, 1.0f);
        ist_neb neb = string_method(learning_rate);
        neb.tangent = GetParam();
        path.relax(neb, spacing, 0, 4000);
        EXPECT_NEAR(highest_along(problem, path), energy, tolerance) << "string method";
        neb.climbing = 1;
        path.relax(neb, spacing, 4000, 2000);
        EXPECT_NEAR(highest_pivot(path), energy, 0.1 * tolerance) << "climbing image";
    }
};

TEST_P(Saddles, OfMuellerAndBrownAreThoseOfTheLiterature) {
    expect_saddle("surface-mueller-brown", kMinimumA, kMinimumB, 2e-4f, kSaddleAC, 1e-3);
    expect_saddle("surface-mueller-brown", kMinimumC, kMinimumB, 2e-4f, kSaddleCB, 1e-3);
}

TEST_P(Saddles, OfLepsAreThoseOfNewtonsMethod) {
    const auto a = stationary(leps, 0.74, 1.3), b = stationary(leps, 3.0, -1.3), saddle = stationary(leps, 2.02, -0.17);
    ASSERT_LT(leps(a.first, a.second), -4.5);
    ASSERT_LT(leps(b.first, b.second), -2.6);
    expect_saddle("surface-leps", {float(a.first), float(a.second)}, {float(b.first), float(b.second)}, 2e-2f,
                  leps(saddle.first, saddle.second), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Every, Saddles,
                         testing::Values(IST_TANGENT_UPWIND, IST_TANGENT_IMPROVED, IST_TANGENT_OFFICIAL));

TEST_F(Surfaces, SpringsHoldTheBandToo) {
    const Problem problem(1, "surface-mueller-brown");
    Points path = straight_line(problem, kMinimumA, kMinimumB, 41);
    ist_neb neb = string_method(1e-4f);
    neb.sgd.momentum = 0.9f; // along the band springs relax slowly
    neb.spring = 500;
    path.relax(neb, Vector(40, 1.0f), 0, 6000);
    double shortest = 1e300, longest = 0;
    for (int i = 0; i < 40; ++i) {
        const double gap = path.distance(i, i + 1, IST_GEOMETRY_PARAMETERS);
        shortest = std::min(shortest, gap), longest = std::max(longest, gap);
    }
    EXPECT_LT(longest, 1.001 * shortest) << "equal springs make equal gaps";
    EXPECT_NEAR(highest_along(problem, path), kSaddleAC, 5e-2);
    neb.climbing = 1;
    path.relax(neb, Vector(40, 1.0f), 6000, 3000);
    EXPECT_NEAR(highest_pivot(path), kSaddleAC, 1e-3);
}

TEST_F(Surfaces, TheCurvyValleysPathFollowsTheSine) {
    const Problem problem(1, "surface-curvy-valley");
    const double pi = std::acos(-1.0);
    Points path = straight_line(problem, {float(-2.5 * pi), -1.0f}, {float(2.5 * pi), 1.0f}, 61);
    path.relax(string_method(0.1f), Vector(60, 1.0f), 0, 3000);
    for (int i = 0; i < 61; ++i) {
        const Vector p = path.read(i);
        EXPECT_NEAR(p[1], std::sin(p[0]), 6e-2) << "pivot " << i; // the well pulls it off the floor a little
    }
    EXPECT_NEAR(highest_along(problem, path), 1.0, 1e-3);
}

} // namespace
