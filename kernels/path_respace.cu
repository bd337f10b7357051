// path_respace.cu - moves the inner pivots of a path along it, in place:
//   new p_i = (1 - fraction_i) * old p_s + fraction_i * old p_{s+1},  s = segment_i, in float64
// over all coordinates, statistics too.
//
// One pass, 8 bytes per inner pivot and coordinate (values once read, once written), which is the floor: a warp takes
// its column through the moves, whose order (order_moves) leaves every value alone until it has been read; the two ends
// of the last segment stay in registers. No sums; the bits of the CPU backend.
#include "columns.cuh"
#include "launch.cuh"
#include "path.h"

namespace ist::cuda {
namespace {

template <bool kWhole>
__device__ __forceinline__ void respace_column(const PathView &path, const PathMove *moves, const Place &at) {
    Share from{}, to{}; // the ends of `segment`
    int segment = -2;
    for (int m = 0; m < path.n_pivots - 2; ++m) {
        const PathMove move = moves[m];
        const auto end = [&](int pivot) { return load_share<kWhole>(path.values + pivot * path.stride, at); };
        if (move.segment == segment + 1) from = to, to = end(move.segment + 1);
        else if (move.segment == segment - 1) to = from, from = end(move.segment);
        else if (move.segment != segment) from = end(move.segment), to = end(move.segment + 1);
        segment = move.segment;
        Share moved;
#pragma unroll
        for (int i = 0; i < kPerLane; ++i)
            moved.v[i] = float((1.0 - move.fraction) * double(from.v[i]) + move.fraction * double(to.v[i]));
        store_share<kWhole>(path.values + move.pivot * path.stride, at, moved);
    }
}

__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    path_respace_kernel(PathView path, bool aligned, const PathMove *moves) {
    const int64_t column = column_of_warp();
    if (column * kColumn >= path.n_total) return;
    const Place at{column * kColumn + 4 * lane_of_thread(), path.n_total};
    if (aligned && (column + 1) * kColumn <= path.n_total) respace_column<true>(path, moves, at);
    else respace_column<false>(path, moves, at);
}

} // namespace

void enqueue_path_respace(const PathView &path, const PathWork &work, Stream stream) {
    launch(path_respace_kernel, dim3(unsigned(column_blocks(n_columns(path.n_total)))), dim3(kColumnThreads), 0, stream,
           path, is_aligned(path), work.moves);
}

} // namespace ist::cuda
