// path.h - one step of a path on the device: from the losses and gradients of the pivots to the moved pivots.
//
// Everything is enqueued on a stream and reads what changes from step to step from device memory, so that it can be
// part of a CUDA graph. What the parts compute is said in ../native/src/backend.h (PathView, PathDots, PathForce,
// PathPlace).
#pragma once

#include <cstddef>
#include <cstdint>

#include "../native/src/backend.h"
#include "../native/src/path_math.h"
#include "tensor.h"

namespace ist::cuda {

// Results on the way, in device memory.
struct PathWork {
    double *columns = nullptr;      // partial sums, [4 * (n_pivots - 1)][n_columns(n_geometry)]
    PathDots *dots = nullptr;       // [n_pivots - 1]
    PathForce *forces = nullptr;    // [n_pivots], ends unused
    double *squared_gaps = nullptr; // [n_pivots - 1]
    PathPlace *places = nullptr;    // [n_pivots], ends unused
    PathMove *moves = nullptr;      // [n_pivots - 2]
    int *climbing = nullptr;        // the climbing pivot, or -1
};

// `memory`: path_work_bytes(n_pivots, n_geometry) at a 256-byte address.
size_t path_work_bytes(int n_pivots, int64_t n_geometry);
PathWork path_work(void *memory, int n_pivots, int64_t n_geometry);

// work.dots from values and gradients. sgd in device memory, as below.
void enqueue_path_dots(const PathView &path, const ist_sgd *sgd, const PathWork &work, Stream stream);
// work.forces and work.climbing from the losses [n_pivots] of the pivots and work.dots.
void enqueue_path_forces(int n_pivots, const ist_neb *neb, const double *losses, const PathWork &work, Stream stream);
// Values and momentum of the inner pivots from work.forces; work.squared_gaps of what results.
void enqueue_path_update(const PathView &path, const ist_sgd *sgd, const PathWork &work, Stream stream);
// work.moves from work.squared_gaps, work.climbing and the target weights spacing [n_pivots - 1].
void enqueue_path_plan(int n_pivots, const float *spacing, const PathWork &work, Stream stream);
// Values of the inner pivots by work.moves, in place.
void enqueue_path_respace(const PathView &path, const PathWork &work, Stream stream);

// All of it. neb, losses [n_pivots] (of the pivots as they are) and spacing [n_pivots - 1] in device memory; `respaces`
// says here, where kernels are chosen, that neb's spring is infinite. spacing is read only then.
struct PathStepParams {
    PathView path;
    const ist_neb *neb = nullptr;
    const double *losses = nullptr;
    bool respaces = false;
    const float *spacing = nullptr;
};
void enqueue_path_step(const PathStepParams &params, const PathWork &work, Stream stream);

} // namespace ist::cuda
