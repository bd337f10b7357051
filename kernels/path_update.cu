// path_update.cu - projection, momentum and update of the inner pivots of a path, and the gaps of what results:
//   g = gradient_i + weight_decay * p_i - c_prev * d_{i-1} - c_next * d_i;  v = momentum * v + g;  p_i -= lr * v (or
//   nesterov);  |p_{i+1} - p_i|^2 of the new values
// over the coordinates of the geometry; a statistic has no gradient.
//
// One pass, 20 bytes per inner pivot and coordinate (reads values, gradients, momentum; writes values, momentum), which
// is the floor: a warp takes its column through all pivots, and keeps the pivot before, old and new, in registers.
// Partial sums are another 0.02 bytes. Values and momentum have the bits of the CPU backend, given the same forces;
// sums as in columns.cuh.
#include "columns.cuh"
#include "launch.cuh"
#include "path.h"

namespace ist::cuda {
namespace {

// kWhole: rows reach the end of the column, gradients too.
template <bool kWhole>
__device__ __forceinline__ void update_column(const PathView &path, const ist_sgd &sgd, const PathForce *forces,
                                              const Place &at, const Place &with_gradient, double *out,
                                              int64_t n_columns) {
    Share old_prev = load_share<kWhole>(path.values, at), new_prev = old_prev;
    Share here = load_share<kWhole>(path.values + path.stride, at);
    for (int pivot = 1; pivot < path.n_pivots - 1; ++pivot) {
        float *values = path.values + pivot * path.stride, *momentum = path.momentum + pivot * path.stride;
        const Share next = load_share<kWhole>(values + path.stride, at);
        const Share gradient = load_share<kWhole>(path.gradient + pivot * path.stride, with_gradient);
        Share velocity = load_share<kWhole>(momentum, at), moved;
        const float c_prev = float(forces[pivot].c_prev), c_next = float(forces[pivot].c_next);
#pragma unroll
        for (int i = 0; i < kPerLane; ++i) {
            const float p = here.v[i], before = p - old_prev.v[i], after = next.v[i] - p;
            const float g = sgd.weight_decay * p + gradient.v[i] - c_prev * before - c_next * after;
            moved.v[i] = p;
            sgd_step(moved.v[i], velocity.v[i], g, sgd);
        }
        store_share<kWhole>(momentum, at, velocity);
        store_share<kWhole>(values, at, moved);
        const float gap = warp_sum(squared_gap(new_prev, moved));
        if (lane_of_thread() == 0) out[(pivot - 1) * n_columns] = double(gap);
        old_prev = here, here = next, new_prev = moved;
    }
    const float gap = warp_sum(squared_gap(new_prev, here));
    if (lane_of_thread() == 0) out[(path.n_pivots - 2) * n_columns] = double(gap);
}

__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    path_update_kernel(PathView path, bool aligned, const ist_sgd *sgd, const PathForce *forces, int64_t n_columns,
                       double *columns) {
    const int64_t column = column_of_warp();
    if (column >= n_columns) return;
    const int64_t first = column * kColumn + 4 * lane_of_thread(), end = (column + 1) * kColumn;
    const Place at{first, path.n_geometry}, with_gradient{first, path.n_params};
    double *out = columns + column;
    if (aligned && end <= path.n_params && end <= path.n_geometry)
        update_column<true>(path, *sgd, forces, at, with_gradient, out, n_columns);
    else update_column<false>(path, *sgd, forces, at, with_gradient, out, n_columns);
}

} // namespace

void enqueue_path_update(const PathView &path, const ist_sgd *sgd, const PathWork &work, Stream stream) {
    const int64_t columns = n_columns(path.n_geometry);
    launch(path_update_kernel, dim3(unsigned(column_blocks(columns))), dim3(kColumnThreads), 0, stream, path,
           is_aligned(path), sgd, work.forces, columns, work.columns);
    enqueue_sum_columns(work.columns, path.n_pivots - 1, columns, work.squared_gaps, stream);
}

} // namespace ist::cuda
