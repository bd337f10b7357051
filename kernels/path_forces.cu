// path_forces.cu - what is done on scalars between the passes over a path: forces from losses and sums, and the plan of
// a respacing from the gaps. The formulas are ../native/src/path_math.h, in float64, as on the host.
//
// Kilobytes of memory. One block each; the plan is a walk along the path, by one thread.
#include "columns.cuh"
#include "launch.cuh"
#include "path.h"

namespace ist::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads)
    path_forces_kernel(int n_pivots, const ist_neb *neb, const double *losses, PathWork work) {
    if (threadIdx.x == 0) *work.climbing = neb->climbing ? climbing_pivot(n_pivots, losses) : -1;
    __syncthreads();
    const int climbing = *work.climbing;
    for (int i = 1 + int(threadIdx.x); i < n_pivots - 1; i += kThreads)
        work.forces[i] = pivot_force(*neb, losses, work.dots, i, climbing);
}

__global__ void __launch_bounds__(1) path_plan_kernel(int n_pivots, const float *spacing, PathWork work) {
    plan_path(n_pivots, work.squared_gaps, spacing, *work.climbing, work.places);
    order_moves(n_pivots, work.places, work.moves);
}

} // namespace

void enqueue_path_forces(int n_pivots, const ist_neb *neb, const double *losses, const PathWork &work, Stream stream) {
    launch(path_forces_kernel, dim3(1), dim3(kThreads), 0, stream, n_pivots, neb, losses, work);
}

void enqueue_path_plan(int n_pivots, const float *spacing, const PathWork &work, Stream stream) {
    launch(path_plan_kernel, dim3(1), dim3(1), 0, stream, n_pivots, spacing, work);
}

} // namespace ist::cuda
