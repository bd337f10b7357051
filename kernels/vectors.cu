// vectors.cu - combinations and distances of whole vectors, and the last stage of every sum over coordinates.
//
// combine: dst[j] = float(sum_i weights[i] * src[i][j]). 4 bytes per term and coordinate and 4 of the result, which is
// the floor; the bits of the CPU backend.
//
// squared_distance: 8 bytes per coordinate, the floor; columns in float64.
//
// sum_columns: a block per row; thread t adds columns t, t + 128, ..., then the threads are added in a fixed tree.
#include "vectors.h"

#include "columns.cuh"
#include "launch.cuh"

namespace ist::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    combine_kernel(float *dst, int n_terms, ConstRows src, const double *weights, int64_t count) {
    const int64_t column = column_of_warp();
    if (column * kColumn >= count) return;
    const Place at{column * kColumn + 4 * lane_of_thread(), count};
    const bool whole = (column + 1) * kColumn <= count;
    double sums[kPerLane] = {};
    for (int i = 0; i < n_terms; ++i) {
        const float *row = src[i];
        const double weight = weights[i];
        const Share term = whole && is_aligned(row) ? load_share<true>(row, at) : load_share<false>(row, at);
#pragma unroll
        for (int j = 0; j < kPerLane; ++j) sums[j] += weight * double(term.v[j]);
    }
    Share result;
#pragma unroll
    for (int j = 0; j < kPerLane; ++j) result.v[j] = float(sums[j]);
    if (whole && is_aligned(dst)) store_share<true>(dst, at, result);
    else store_share<false>(dst, at, result);
}

template <bool kWhole>
__device__ __forceinline__ float squared_gap_at(const float *a, const float *b, const Place &at) {
    return squared_gap(load_share<kWhole>(a, at), load_share<kWhole>(b, at));
}

__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    squared_distance_kernel(const float *a, const float *b, int64_t count, bool aligned, double *columns) {
    const int64_t column = column_of_warp();
    if (column * kColumn >= count) return;
    const Place at{column * kColumn + 4 * lane_of_thread(), count};
    const bool whole = aligned && (column + 1) * kColumn <= count;
    const float sum = warp_sum(whole ? squared_gap_at<true>(a, b, at) : squared_gap_at<false>(a, b, at));
    if (lane_of_thread() == 0) columns[column] = double(sum);
}

__global__ void __launch_bounds__(kThreads) sum_columns_kernel(const double *columns, int64_t n_columns, double *out) {
    const double *row = columns + int64_t(blockIdx.x) * n_columns;
    double sum = 0;
    for (int64_t i = threadIdx.x; i < n_columns; i += kThreads) sum += row[i];
    double *sums = reinterpret_cast<double *>(shared_memory()); // [kThreads]
    sums[threadIdx.x] = sum;
    for (int half = kThreads / 2; half > 0; half /= 2) {
        __syncthreads();
        if (int(threadIdx.x) < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    }
    if (threadIdx.x == 0) out[blockIdx.x] = sums[0];
}

} // namespace

void enqueue_combine(float *dst, int n_terms, ConstRows src, const double *weights, int64_t count, Stream stream) {
    if (count == 0) return;
    launch(combine_kernel, dim3(unsigned(column_blocks(n_columns(count)))), dim3(kColumnThreads), 0, stream, dst,
           n_terms, src, weights, count);
}

void enqueue_squared_distance(const float *a, const float *b, int64_t count, double *columns, double *out,
                              Stream stream) {
    if (count > 0)
        launch(squared_distance_kernel, dim3(unsigned(column_blocks(n_columns(count)))), dim3(kColumnThreads), 0,
               stream, a, b, count, is_aligned(a) && is_aligned(b), columns);
    enqueue_sum_columns(columns, 1, n_columns(count), out, stream);
}

void enqueue_sum_columns(const double *columns, int n_rows, int64_t n_columns, double *out, Stream stream) {
    launch(sum_columns_kernel, dim3(unsigned(n_rows)), dim3(kThreads), kThreads * sizeof(double), stream, columns,
           n_columns, out);
}

} // namespace ist::cuda
