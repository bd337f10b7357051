// vectors.h - the arithmetic of whole points: combinations, distances, SGD steps. Everything is enqueued on a stream
// and reads what it needs from device memory, so that it can be part of a CUDA graph.
#pragma once

#include <cstdint>

#include "../native/include/isthmus/isthmus.h"
#include "tensor.h"

namespace ist::cuda {

// Coordinates whose sums are kept together in float32 (columns.cuh).
constexpr int64_t kColumn = 512;
inline int64_t n_columns(int64_t count) { return (count + kColumn - 1) / kColumn; }

// dst = sum weights[i] * src[i] in float64, i ascending; dst may be one of src. src and weights in device memory.
void enqueue_combine(float *dst, int n_terms, ConstRows src, const double *weights, int64_t count, Stream stream);

// *out = |b - a|^2. columns: workspace [n_columns(count)].
void enqueue_squared_distance(const float *a, const float *b, int64_t count, double *columns, double *out,
                              Stream stream);

// out[row] = the sum of columns [n_rows][n_columns] over the columns, in a fixed order.
void enqueue_sum_columns(const double *columns, int n_rows, int64_t n_columns, double *out, Stream stream);

// One SGD step of n points; rows and sgd in device memory.
struct SgdUpdateParams {
    Rows params = nullptr;
    ConstRows gradient = nullptr;
    Rows momentum = nullptr;
    const ist_sgd *sgd = nullptr;
    int64_t count = 0;
};
void enqueue_sgd_update(const SgdUpdateParams &params, int n_points, Stream stream);

} // namespace ist::cuda
