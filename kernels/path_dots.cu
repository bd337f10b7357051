// path_dots.cu - the sums that decide tangents and forces of a path. With d_i = p_{i+1} - p_i and g'_i = gradient_i +
// weight_decay * p_i, over the coordinates of the geometry:
//   pivot 0              |d_0|^2
//   pivots 1 .. n - 2    |d_i|^2, d_{i-1} . d_i, g'_i . d_{i-1}, g'_i . d_i
//
// One pass, 8 bytes per pivot and coordinate (values and gradients once), which is the floor: a warp takes its column
// through all pivots, and keeps the pivot before in registers. Partial sums are another 0.06 bytes. Sums as in
// columns.cuh; they do not depend on the number of pivots.
#include "columns.cuh"
#include "launch.cuh"
#include "path.h"

namespace ist::cuda {
namespace {

// kWhole: rows reach the end of the column, gradients too.
template <bool kWhole>
__device__ __forceinline__ void dots_of_column(const PathView &path, float weight_decay, const Place &at,
                                               const Place &with_gradient, double *out, int64_t n_columns) {
    Share here = load_share<kWhole>(path.values, at), before;
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) before.v[i] = 0;
    for (int pivot = 0; pivot < path.n_pivots - 1; ++pivot) {
        const Share next = load_share<kWhole>(path.values + (pivot + 1) * path.stride, at);
        Share gradient = before; // zeros: that of an end is not read
        if (pivot > 0) gradient = load_share<kWhole>(path.gradient + pivot * path.stride, with_gradient);
        float sums[4] = {0, 0, 0, 0};
#pragma unroll
        for (int i = 0; i < kPerLane; ++i) {
            const float after = next.v[i] - here.v[i];
            sums[0] = fmaf(after, after, sums[0]);
            if (pivot > 0) {
                const float g = weight_decay * here.v[i] + gradient.v[i];
                sums[1] = fmaf(before.v[i], after, sums[1]);
                sums[2] = fmaf(g, before.v[i], sums[2]);
                sums[3] = fmaf(g, after, sums[3]);
            }
            before.v[i] = after;
        }
        const float sum = warp_sums(sums);
        if (lane_of_thread() < 4) out[(4 * pivot + lane_of_thread()) * n_columns] = double(sum);
        here = next;
    }
}

__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    path_dots_kernel(PathView path, bool aligned, const ist_sgd *sgd, int64_t n_columns, double *columns) {
    const int64_t column = column_of_warp();
    if (column >= n_columns) return;
    const int64_t first = column * kColumn + 4 * lane_of_thread(), end = (column + 1) * kColumn;
    const Place at{first, path.n_geometry}, with_gradient{first, path.n_params};
    const float weight_decay = sgd->weight_decay;
    double *out = columns + column;
    if (aligned && end <= path.n_params && end <= path.n_geometry)
        dots_of_column<true>(path, weight_decay, at, with_gradient, out, n_columns);
    else dots_of_column<false>(path, weight_decay, at, with_gradient, out, n_columns);
}

} // namespace

void enqueue_path_dots(const PathView &path, const ist_sgd *sgd, const PathWork &work, Stream stream) {
    static_assert(sizeof(PathDots) == 4 * sizeof(double), "four sums side by side");
    const int64_t columns = n_columns(path.n_geometry);
    launch(path_dots_kernel, dim3(unsigned(column_blocks(columns))), dim3(kColumnThreads), 0, stream, path,
           is_aligned(path), sgd, columns, work.columns);
    enqueue_sum_columns(work.columns, 4 * (path.n_pivots - 1), columns, reinterpret_cast<double *>(work.dots), stream);
}

} // namespace ist::cuda
