// path_math.h - the arithmetic of the nudged elastic band on scalars: tangents, forces, respacing. Usable from CUDA.
//
// With d_i = p_{i+1} - p_i, every tangent is t = prev * d_{i-1} + next * d_i, so that the dot products of PathDots are
// all that must be known of the vectors. Tangents and places are finite whatever is given: coincident pivots, a path
// that folds back, equal losses, NaN.
#pragma once

#include <cmath>
#include <cstdint>

#include "backend.h"
#include "isthmus/isthmus.h"
#include "random.h" // IST_HD

namespace ist {

// t = prev * d_{i-1} + next * d_i, a unit vector, or zero where p_{i-1}, p_i and p_{i+1} coincide.
struct Tangent {
    double prev, next;
};

// 1 / length, or 0 where there is none to speak of (or it is not a number).
IST_HD inline double inverse_length(double squared) {
    return squared > 1e-300 && std::isfinite(squared) ? 1 / std::sqrt(squared) : 0;
}

// The unit vector along one difference, or along the other where that one is zero.
IST_HD inline Tangent one_sided(bool forward, double inverse_prev, double inverse_next) {
    if (forward ? inverse_next > 0 : !(inverse_prev > 0)) return Tangent{0, inverse_next};
    return Tangent{inverse_prev, 0};
}

// Tangent at pivot i from the losses of pivots i - 1, i, i + 1 and the products |d_{i-1}|^2, d_{i-1} . d_i, |d_i|^2.
//   UPWIND    Draxler et al. 2018: towards the neighbour of higher loss
//   IMPROVED  Henkelman & Jonsson 2000, eqs. 8-11
//   OFFICIAL  as IMPROVED, the differences normalised before they are weighted
IST_HD inline Tangent path_tangent(ist_tangent kind, double loss_prev, double loss, double loss_next, double prev_prev,
                                   double prev_next, double next_next) {
    const double inverse_prev = inverse_length(prev_prev), inverse_next = inverse_length(next_next);
    const bool uphill = loss_next > loss_prev;
    if (kind == IST_TANGENT_UPWIND) return one_sided(uphill, inverse_prev, inverse_next);
    if (loss_next > loss && loss > loss_prev) return one_sided(true, inverse_prev, inverse_next);
    if (loss_next < loss && loss < loss_prev) return one_sided(false, inverse_prev, inverse_next);

    // At an extremum, both: the difference to the higher neighbour weighs max |dL|, the other min |dL|; only the ratio
    // counts. Where all three losses are equal (or not comparable) both weigh the same.
    const double rise = std::fabs(loss_next - loss), fall = std::fabs(loss_prev - loss);
    const double larger = rise > fall ? rise : fall, smaller = rise > fall ? fall : rise;
    double ratio = larger > 0 ? smaller / larger : 1;
    if (!(ratio >= 0 && ratio <= 1)) ratio = 1;
    // The lengths of the two terms, and of their sum where the larger is 1. Below a few ulps that is cancellation: the
    // path folds back onto itself.
    const bool official = kind == IST_TANGENT_OFFICIAL;
    double prev = (uphill ? ratio : 1) * (inverse_prev > 0 ? (official ? 1 : std::sqrt(prev_prev)) : 0);
    double next = (uphill ? 1 : ratio) * (inverse_next > 0 ? (official ? 1 : std::sqrt(next_next)) : 0);
    const double scale = prev > next ? prev : next, cosine = prev_next * inverse_prev * inverse_next;
    if (!(scale > 0)) return one_sided(uphill, inverse_prev, inverse_next);
    prev /= scale;
    next /= scale;
    const double squared = prev * prev + next * next + 2 * prev * next * cosine;
    if (!(squared > 1e-12)) return one_sided(uphill, inverse_prev, inverse_next);
    const double inverse = 1 / std::sqrt(squared);
    return Tangent{prev * inverse * inverse_prev, next * inverse * inverse_next};
}

// Force of an inner pivot as path_update applies it, F = -(g' - c_prev d_{i-1} - c_next d_i): the part of -g'
// perpendicular to t, plus spring * (|d_i| - |d_{i-1}|) t for a finite spring; for the climbing image -g' with its part
// along t reversed.
IST_HD inline PathForce path_force(const Tangent &t, double g_prev, double g_next, double spring, double prev_prev,
                                   double next_next, bool climbs) {
    double along = g_prev * t.prev + g_next * t.next; // g' . t
    if (climbs) along *= 2;
    else if (std::isfinite(spring)) along += spring * (std::sqrt(next_next) - std::sqrt(prev_prev));
    return PathForce{along * t.prev, along * t.next};
}

// The same from the losses [n_pivots] and dots [n_pivots] of a path.
IST_HD inline PathForce pivot_force(const ist_neb &neb, const double *losses, const PathDots *dots, int i,
                                    int climbing) {
    const PathDots &d = dots[i];
    const double prev_prev = dots[i - 1].d_d;
    const Tangent t = path_tangent(neb.tangent, losses[i - 1], losses[i], losses[i + 1], prev_prev, d.d_dprev, d.d_d);
    return path_force(t, d.g_dprev, d.g_d, neb.spring, prev_prev, d.d_d, i == climbing);
}

// Where pivots first + 1 .. last - 1 go so that the gaps between first and last, along the polyline as it is, are in
// the ratios of `weights`. squared_gaps and weights hold one entry per gap of the whole path. A path of no length, or
// one that is not finite, is left as it is.
IST_HD inline void plan_respacing(const double *squared_gaps, const float *weights, int first, int last,
                                  PathPlace *places) {
    double length = 0, weight = 0;
    for (int i = first; i < last; ++i) {
        length += std::sqrt(squared_gaps[i]);
        weight += double(weights[i]);
    }
    if (!(length > 0) || !std::isfinite(length) || !(weight > 0) || !std::isfinite(weight)) {
        for (int i = first + 1; i < last; ++i) places[i] = PathPlace{i, 0};
        return;
    }
    // The walk: `start` is the arc length of pivot `segment`; it can never go past the last segment.
    int segment = first;
    double start = 0, gap = std::sqrt(squared_gaps[first]), share = 0;
    for (int i = first + 1; i < last; ++i) {
        share += double(weights[i - 1]);
        const double target = length * (share / weight);
        while (segment < last - 1 && target >= start + gap) {
            start += gap;
            gap = std::sqrt(squared_gaps[++segment]);
        }
        double fraction = gap > 0 ? (target - start) / gap : 0;
        fraction = fraction > 0 ? fraction : 0;
        places[i] = PathPlace{segment, fraction < 1 ? fraction : 1};
    }
}

// The whole plan; with climbing >= 0 that pivot stays and the two sides are respaced each for itself.
IST_HD inline void plan_path(int n_pivots, const double *squared_gaps, const float *weights, int climbing,
                             PathPlace *places) {
    if (climbing > 0 && climbing < n_pivots - 1) {
        plan_respacing(squared_gaps, weights, 0, climbing, places);
        places[climbing] = PathPlace{climbing, 0};
        plan_respacing(squared_gaps, weights, climbing, n_pivots - 1, places);
    } else {
        plan_respacing(squared_gaps, weights, 0, n_pivots - 1, places);
    }
}

// A pivot and where it goes.
struct PathMove {
    int pivot, segment;
    double fraction;
};

// The moves of the inner pivots, in an order in which they can be done in place by one who keeps the ends of the
// segment he read last: no other value that a move reads has been overwritten before. Segments ascend with the pivots.
// A run of pivots that do not lie ahead of their segment, i <= segment + 1, is done upwards; a run of those that do,
// downwards; and runs from the last to the first, because a run reads at most the first pivot of the run before it,
// never one of the run behind it.
IST_HD inline void order_moves(int n_pivots, const PathPlace *places, PathMove *moves) {
    const auto ahead = [&](int i) { return i > places[i].segment + 1; };
    for (int last = n_pivots - 2, first; last > 0; last = first - 1) {
        first = last;
        while (first > 1 && ahead(first - 1) == ahead(last)) --first;
        const int n = last - first + 1;
        for (int k = 0; k < n; ++k) {
            const int i = ahead(last) ? last - k : first + k;
            *moves++ = PathMove{i, places[i].segment, places[i].fraction};
        }
    }
}

// The inner pivot of highest loss, or -1 where no loss is a number.
IST_HD inline int climbing_pivot(int n_pivots, const double *losses) {
    int highest = -1;
    for (int i = 1; i < n_pivots - 1; ++i)
        if (!std::isnan(losses[i]) && (highest < 0 || losses[i] > losses[highest])) highest = i;
    return highest;
}

} // namespace ist
