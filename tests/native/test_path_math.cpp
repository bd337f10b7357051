// test_path_math.cpp - tangents, forces and respacing on scalars, against vectors in the plane and on degenerate paths.
#include "path_math.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace ist {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
const ist_tangent kTangents[] = {IST_TANGENT_UPWIND, IST_TANGENT_IMPROVED, IST_TANGENT_OFFICIAL};

struct Vec {
    double x, y;
};
double dot(Vec a, Vec b) { return a.x * b.x + a.y * b.y; }

// The tangent as a vector.
Vec tangent(ist_tangent kind, Vec d_prev, Vec d_next, double loss_prev, double loss, double loss_next) {
    const Tangent t =
        path_tangent(kind, loss_prev, loss, loss_next, dot(d_prev, d_prev), dot(d_prev, d_next), dot(d_next, d_next));
    return Vec{t.prev * d_prev.x + t.next * d_next.x, t.prev * d_prev.y + t.next * d_next.y};
}

void expect_vector(Vec got, Vec direction) {
    const double length = std::sqrt(dot(direction, direction));
    EXPECT_NEAR(got.x, direction.x / length, 1e-14);
    EXPECT_NEAR(got.y, direction.y / length, 1e-14);
}

const Vec kPrev{2, 1}, kNext{-1, 3};

TEST(Tangent, FollowsTheSlopeUphill) {
    for (ist_tangent kind : kTangents) {
        expect_vector(tangent(kind, kPrev, kNext, 1, 2, 3), kNext);
        expect_vector(tangent(kind, kPrev, kNext, 3, 2, 1), kPrev);
    }
}

TEST(Tangent, UpwindLooksAtTheNeighboursAlone) {
    expect_vector(tangent(IST_TANGENT_UPWIND, kPrev, kNext, 1, 5, 2), kNext);
    expect_vector(tangent(IST_TANGENT_UPWIND, kPrev, kNext, 2, 5, 1), kPrev);
    expect_vector(tangent(IST_TANGENT_UPWIND, kPrev, kNext, 2, 5, 2), kPrev); // "else"
}

// Henkelman & Jonsson 2000, eqs. 10 and 11, written out for numbers.
TEST(Tangent, WeighsBothDifferencesAtAnExtremum) {
    // Maximum, next higher than prev: d_next * max(1, 3) + d_prev * min(1, 3).
    expect_vector(tangent(IST_TANGENT_IMPROVED, kPrev, kNext, 2, 5, 4), Vec{3 * -1 + 1 * 2, 3 * 3 + 1 * 1});
    // Maximum, prev higher: d_next * min + d_prev * max.
    expect_vector(tangent(IST_TANGENT_IMPROVED, kPrev, kNext, 4, 5, 2), Vec{1 * -1 + 3 * 2, 1 * 3 + 3 * 1});
    // Minimum, next higher.
    expect_vector(tangent(IST_TANGENT_IMPROVED, kPrev, kNext, 6, 5, 9), Vec{4 * -1 + 1 * 2, 4 * 3 + 1 * 1});
    // The official one weighs unit vectors.
    const double p = std::sqrt(5.0), n = std::sqrt(10.0);
    expect_vector(tangent(IST_TANGENT_OFFICIAL, kPrev, kNext, 2, 5, 4), Vec{3 * -1 / n + 2 / p, 3 * 3 / n + 1 / p});
}

TEST(Tangent, IsTheSameLineWhenThePathIsReversed) {
    for (ist_tangent kind : {IST_TANGENT_IMPROVED, IST_TANGENT_OFFICIAL})
        for (const auto &l :
             std::vector<std::vector<double>>{{1, 2, 3}, {2, 5, 4}, {4, 5, 2}, {6, 5, 9}, {1, 1, 1}, {2, 5, 2}}) {
            const Vec t = tangent(kind, kPrev, kNext, l[0], l[1], l[2]);
            const Vec r = tangent(kind, Vec{-kNext.x, -kNext.y}, Vec{-kPrev.x, -kPrev.y}, l[2], l[1], l[0]);
            EXPECT_NEAR(t.x, -r.x, 1e-14);
            EXPECT_NEAR(t.y, -r.y, 1e-14);
        }
}

TEST(Tangent, OfAFlatStretchIsTheBisectorOrTheChord) {
    expect_vector(tangent(IST_TANGENT_IMPROVED, kPrev, kNext, 1, 1, 1), Vec{1, 4});
    const double p = std::sqrt(5.0), n = std::sqrt(10.0);
    expect_vector(tangent(IST_TANGENT_OFFICIAL, kPrev, kNext, 1, 1, 1), Vec{2 / p - 1 / n, 1 / p + 3 / n});
}

TEST(Tangent, IsAFiniteUnitVectorOrZeroWhateverIsGiven) {
    const double values[] = {0, 1, 2, -3, 1e300, -1e300, 1e-300, kInfinity, -kInfinity, kNaN};
    const Vec moves[] = {{0, 0},     {1, 0},   {-1, 0},   {1e-170, 0}, {1e-150, 1e-150}, {-1e-150, -1e-150},
                         {1e150, 0}, {0.5, 3}, {-0.5, -3}};
    int units = 0;
    for (ist_tangent kind : kTangents)
        for (double a : values)
            for (double b : values)
                for (double c : values)
                    for (Vec prev : moves)
                        for (Vec next : moves) {
                            const Vec t = tangent(kind, prev, next, a, b, c);
                            const double length = std::sqrt(dot(t, t));
                            ASSERT_TRUE(length == 0 || std::fabs(length - 1) < 1e-9) << length;
                            if (dot(prev, prev) > 1e-300 || dot(next, next) > 1e-300) {
                                ASSERT_GT(length, 0) << a << " " << b << " " << c << ": " << prev.x << " " << next.x;
                                ++units;
                            }
                        }
    EXPECT_GT(units, 100000);
}

TEST(Tangent, SurvivesProductsThatAreNotNumbers) {
    for (ist_tangent kind : kTangents)
        for (double bad : {kNaN, kInfinity}) {
            const Tangent t = path_tangent(kind, 1, 2, 1, bad, bad, bad);
            EXPECT_TRUE(std::isfinite(t.prev) && std::isfinite(t.next));
        }
}

// F as a vector, from the coefficients, as backend.h defines it.
Vec force(Vec g, Vec d_prev, Vec d_next, double spring, bool climbs) {
    const Tangent t =
        path_tangent(IST_TANGENT_IMPROVED, 2, 5, 4, dot(d_prev, d_prev), dot(d_prev, d_next), dot(d_next, d_next));
    const PathForce f =
        path_force(t, dot(g, d_prev), dot(g, d_next), spring, dot(d_prev, d_prev), dot(d_next, d_next), climbs);
    return Vec{-(g.x - f.c_prev * d_prev.x - f.c_next * d_next.x), -(g.y - f.c_prev * d_prev.y - f.c_next * d_next.y)};
}

TEST(Force, IsPerpendicularSprungOrClimbing) {
    const Vec g{0.7, -1.9}, t = tangent(IST_TANGENT_IMPROVED, kPrev, kNext, 2, 5, 4);
    const double along = dot(g, t);
    const Vec perpendicular{-g.x + along * t.x, -g.y + along * t.y};

    Vec f = force(g, kPrev, kNext, kInfinity, false);
    EXPECT_NEAR(f.x, perpendicular.x, 1e-14);
    EXPECT_NEAR(f.y, perpendicular.y, 1e-14);

    const double pull = 0.3 * (std::sqrt(10.0) - std::sqrt(5.0)); // k (|p_{i+1} - p_i| - |p_i - p_{i-1}|)
    f = force(g, kPrev, kNext, 0.3, false);
    EXPECT_NEAR(f.x, perpendicular.x + pull * t.x, 1e-14);
    EXPECT_NEAR(f.y, perpendicular.y + pull * t.y, 1e-14);

    for (double spring : {0.3, kInfinity}) { // the climbing image feels no spring
        f = force(g, kPrev, kNext, spring, true);
        EXPECT_NEAR(f.x, -g.x + 2 * along * t.x, 1e-14);
        EXPECT_NEAR(f.y, -g.y + 2 * along * t.y, 1e-14);
    }
}

// Arc length of each pivot after the plan, along the old polyline.
std::vector<double> positions(const std::vector<double> &gaps, const std::vector<float> &weights, int climbing = -1) {
    const int n = int(gaps.size()) + 1;
    std::vector<double> squared;
    for (double gap : gaps) squared.push_back(gap * gap);
    std::vector<PathPlace> places(n, PathPlace{-1, kNaN});
    plan_path(n, squared.data(), weights.data(), climbing, places.data());
    std::vector<double> result = {0};
    for (int i = 1; i < n - 1; ++i) {
        EXPECT_GE(places[i].segment, 0);
        EXPECT_LE(places[i].segment, n - 2);
        EXPECT_GE(places[i].fraction, 0);
        EXPECT_LE(places[i].fraction, 1);
        double position = 0;
        for (int s = 0; s < places[i].segment; ++s) position += gaps[s];
        result.push_back(position + (places[i].fraction > 0 ? places[i].fraction * gaps[places[i].segment] : 0));
    }
    double length = 0;
    for (double gap : gaps) length += gap;
    result.push_back(length);
    return result;
}

void expect_positions(const std::vector<double> &got, const std::vector<double> &expected) {
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-12) << "pivot " << i;
}

TEST(Respacing, PutsPivotsAtTheirShareOfTheArcLength) {
    expect_positions(positions({1, 2, 5}, {1, 1, 1}), {0, 8 / 3.0, 16 / 3.0, 8});
    expect_positions(positions({1, 2, 5}, {1, 2, 5}), {0, 1, 3, 8});
    expect_positions(positions({4, 4}, {3, 1}), {0, 6, 8});
    expect_positions(positions({0, 0, 6, 0}, {1, 1, 1, 1}), {0, 1.5, 3, 4.5, 6}); // coincident pivots spread out
}

TEST(Respacing, KeepsTheClimbingPivotAndSpacesItsSides) {
    expect_positions(positions({1, 3, 1, 1, 4}, {1, 1, 1, 1, 1}, 2), {0, 2, 4, 6, 8, 10});
    expect_positions(positions({1, 3, 1, 1, 4}, {1, 1, 1, 1, 1}, 1),
                     {0, 1, 1 + 9 / 4.0, 1 + 18 / 4.0, 1 + 27 / 4.0, 10});
}

TEST(Respacing, NeverWalksOffTheEnd) {
    // Shares whose rounded sum exceeds 1, lengths over forty orders of magnitude, no length in the last gaps.
    for (int n : {2, 3, 7, 10, 49, 1000}) {
        std::vector<float> weights(n, 0.1f);
        weights.back() = 1e-30f;
        std::vector<double> gaps(n, 0.1);
        positions(gaps, weights);
        for (int i = 0; i < n; ++i) gaps[i] = std::pow(10.0, (i * 7) % 40 - 20);
        positions(gaps, weights);
        gaps.back() = 0;
        positions(gaps, weights);
    }
}

TEST(Respacing, LeavesAPathWithoutLengthAlone) {
    for (double gap : {0.0, kNaN, kInfinity}) {
        const std::vector<double> squared(4, gap);
        const std::vector<float> weights(4, 1.0f);
        std::vector<PathPlace> places(5);
        plan_path(5, squared.data(), weights.data(), -1, places.data());
        for (int i = 1; i < 4; ++i) {
            EXPECT_EQ(places[i].segment, i);
            EXPECT_EQ(places[i].fraction, 0);
        }
    }
}

TEST(Climbing, ChoosesTheHighestInnerPivot) {
    const double losses[] = {9, 1, 3, 2, 8}, some[] = {9, kNaN, 1, 2, 8}, none[] = {1, kNaN, kNaN, 1};
    EXPECT_EQ(climbing_pivot(5, losses), 2);
    EXPECT_EQ(climbing_pivot(5, some), 3);
    EXPECT_EQ(climbing_pivot(4, none), -1);
}

// Moves a path of numbers in place, as a device does, and as it is meant.
TEST(OrderMoves, LeavesEveryValueAloneUntilItHasBeenRead) {
    uint64_t state = 1;
    const auto below = [&](int n) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return int((state >> 33) % uint64_t(n));
    };
    for (int trial = 0; trial < 20000; ++trial) {
        const int n = 3 + below(trial % 2 ? 6 : 40);
        std::vector<PathPlace> places(n);
        std::vector<int> segments(n - 2); // ascending; few distinct ones in some trials
        const int first = below(n - 1), distinct = 1 + below(n - 1 - first);
        for (int &segment : segments) segment = first + below(distinct);
        std::sort(segments.begin(), segments.end());
        for (int i = 1; i < n - 1; ++i) places[i] = PathPlace{segments[i - 1], below(2) / 4.0};
        std::vector<PathMove> moves(n - 2);
        order_moves(n, places.data(), moves.data());

        std::vector<double> old(n), path;
        for (double &value : old) value = below(1 << 20);
        path = old;
        std::vector<int> moved(n);
        int segment = -2;
        double from = 0, to = 0;
        for (const PathMove &move : moves) {
            if (move.segment == segment + 1) from = to, to = path[move.segment + 1];
            else if (move.segment == segment - 1) to = from, from = path[move.segment];
            else if (move.segment != segment) from = path[move.segment], to = path[move.segment + 1];
            segment = move.segment;
            path[move.pivot] = (1 - move.fraction) * from + move.fraction * to;
            moved[move.pivot]++;
        }
        EXPECT_EQ(path.front(), old.front());
        EXPECT_EQ(path.back(), old.back());
        for (int i = 1; i < n - 1; ++i) {
            const PathPlace &place = places[i];
            ASSERT_EQ(moved[i], 1) << "pivot " << i << " of " << n;
            ASSERT_EQ(path[i], (1 - place.fraction) * old[place.segment] + place.fraction * old[place.segment + 1])
                << "trial " << trial << ", pivot " << i << " of " << n;
        }
    }
}

} // namespace
} // namespace ist
