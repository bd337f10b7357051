// ref_path.cpp - see ref_path.h.
#include "ref_path.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace ist::ref {
namespace {

using Coordinates = std::vector<double>;

Coordinates difference(const Coordinates &from, const Coordinates &to, int64_t n) {
    Coordinates d(n);
    for (int64_t j = 0; j < n; ++j) d[j] = to[j] - from[j];
    return d;
}
double dot(const Coordinates &a, const Coordinates &b) {
    double sum = 0;
    for (size_t j = 0; j < a.size(); ++j) sum += a[j] * b[j];
    return sum;
}
double length(const Coordinates &a) { return std::sqrt(dot(a, a)); }
Coordinates unit(Coordinates a) {
    const double l = length(a);
    if (l == 0) throw std::invalid_argument("ref: no direction");
    for (double &x : a) x /= l;
    return a;
}
Coordinates weighted(double a, const Coordinates &x, double b, const Coordinates &y) {
    Coordinates sum(x.size());
    for (size_t j = 0; j < x.size(); ++j) sum[j] = a * x[j] + b * y[j];
    return sum;
}

} // namespace

Coordinates tangent(const Path &path, const std::vector<double> &losses, int i, ist_tangent kind, int64_t n_geometry) {
    Coordinates next = difference(path[i], path[i + 1], n_geometry);
    Coordinates previous = difference(path[i - 1], path[i], n_geometry);
    const double below = losses[i - 1], here = losses[i], above = losses[i + 1];
    if (kind == IST_TANGENT_UPWIND) return unit(above > below ? next : previous);
    if (above > here && here > below) return unit(next);
    if (above < here && here < below) return unit(previous);
    const double larger = std::max(std::fabs(above - here), std::fabs(below - here));
    const double smaller = std::min(std::fabs(above - here), std::fabs(below - here));
    if (kind == IST_TANGENT_OFFICIAL) next = unit(next), previous = unit(previous);
    return unit(above > below ? weighted(larger, next, smaller, previous) : weighted(smaller, next, larger, previous));
}

void relax_step(PathState &state, const std::vector<double> &losses, const Path &gradient, const ist_neb &neb,
                const std::vector<double> &spacing, int64_t n_params, int64_t n_geometry) {
    const Path path = state.values;
    const int last = int(path.size()) - 1;
    const bool string = std::isinf(neb.spring);
    int climber = -1;
    if (neb.climbing) climber = int(std::max_element(losses.begin() + 1, losses.end() - 1) - losses.begin());
    for (int i = 1; i < last; ++i) {
        const Coordinates t = tangent(path, losses, i, neb.tangent, n_geometry);
        Coordinates g(n_geometry);
        for (int64_t j = 0; j < n_geometry; ++j)
            g[j] = (j < n_params ? gradient[i][j] : 0.0) + double(neb.sgd.weight_decay) * path[i][j];
        const double along = dot(g, t);
        double keep = -along;                // of g along t: none
        if (i == climber) keep = -2 * along; // reversed
        else if (!string)
            keep -= double(neb.spring) * (length(difference(path[i], path[i + 1], n_geometry)) -
                                          length(difference(path[i - 1], path[i], n_geometry)));
        for (int64_t j = 0; j < n_geometry; ++j) {
            const double minus_force = g[j] + keep * t[j];
            double &v = state.momentum[i][j];
            v = double(neb.sgd.momentum) * v + minus_force;
            state.values[i][j] -=
                double(neb.sgd.learning_rate) * (neb.sgd.nesterov ? minus_force + double(neb.sgd.momentum) * v : v);
        }
    }
    if (!string) return;
    if (climber < 0) return respace(state.values, 0, last, spacing, n_geometry);
    respace(state.values, 0, climber, spacing, n_geometry);
    respace(state.values, climber, last, spacing, n_geometry);
}

void respace(Path &path, int first, int last, const std::vector<double> &spacing, int64_t n_geometry) {
    const Path old = path;
    std::vector<double> position = {0}; // arc length of old[first + k]
    for (int i = first; i < last; ++i)
        position.push_back(position.back() + length(difference(old[i], old[i + 1], n_geometry)));
    double total = 0, share = 0;
    for (int i = first; i < last; ++i) total += spacing[i];
    for (int i = first + 1; i < last; ++i) {
        share += spacing[i - 1];
        const double target = share / total * position.back();
        int gap = 0;
        while (gap < last - first - 1 && position[gap + 1] < target) ++gap;
        const double fraction = (target - position[gap]) / (position[gap + 1] - position[gap]);
        for (size_t j = 0; j < path[i].size(); ++j)
            path[i][j] = (1 - fraction) * old[first + gap][j] + fraction * old[first + gap + 1][j];
    }
}

} // namespace ist::ref
