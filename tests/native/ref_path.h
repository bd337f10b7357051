// ref_path.h - one step of a path (nudged elastic band, string method) in double with plain loops, after mission
// section 1: the judge of native path arithmetic. Shares nothing with the engine but the configuration structs.
#pragma once

#include <vector>

#include "isthmus/isthmus.h"

namespace ist::ref {

using Path = std::vector<std::vector<double>>; // [pivot][coordinate]

struct PathState {
    Path values, momentum;
};

// The unit tangent at inner pivot i over the first n_geometry coordinates.
std::vector<double> tangent(const Path &path, const std::vector<double> &losses, int i, ist_tangent kind,
                            int64_t n_geometry);

// One optimiser step: forces from `gradient` [pivot][n_params] (ends ignored), then momentum and update, then, for an
// infinite spring, respacing. losses [pivot] decide tangents and the climbing pivot.
void relax_step(PathState &state, const std::vector<double> &losses, const Path &gradient, const ist_neb &neb,
                const std::vector<double> &spacing, int64_t n_params, int64_t n_geometry);

// Inner pivots of path[first..last] at the shares spacing[first..last-1] of its length; all coordinates move along.
void respace(Path &path, int first, int last, const std::vector<double> &spacing, int64_t n_geometry);

} // namespace ist::ref
