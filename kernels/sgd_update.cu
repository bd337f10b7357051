// sgd_update.cu - one SGD step of many points: g = gradient + weight_decay * p; v = momentum * v + g; p -= lr * v, or
// with nesterov p -= lr * (g + momentum * v).
//
// One pass, 20 bytes per coordinate (reads p, gradient, v; writes p, v), which is the floor. A warp per column and
// point; no sums, and the bits of the CPU backend.
#include "columns.cuh"
#include "launch.cuh"
#include "vectors.h"

namespace ist::cuda {
namespace {

template <bool kWhole>
__device__ __forceinline__ void update(float *params, const float *gradient, float *momentum, const ist_sgd &sgd,
                                       const Place &at) {
    Share p = load_share<kWhole>(params, at), v = load_share<kWhole>(momentum, at);
    const Share g = load_share<kWhole>(gradient, at);
#pragma unroll
    for (int i = 0; i < kPerLane; ++i) sgd_step(p.v[i], v.v[i], sgd.weight_decay * p.v[i] + g.v[i], sgd);
    store_share<kWhole>(momentum, at, v);
    store_share<kWhole>(params, at, p);
}

__global__ void __launch_bounds__(kColumnThreads, kColumnBlocks)
    sgd_update_kernel(SgdUpdateParams arguments, int64_t n_blocks) {
    // Blocks of a point lie side by side.
    const int64_t point = blockIdx.x / n_blocks;
    const int64_t column = (blockIdx.x % n_blocks) * kColumnWarps + int64_t(threadIdx.x) / 32;
    if (column * kColumn >= arguments.count) return;
    float *params = arguments.params[point], *momentum = arguments.momentum[point];
    const float *gradient = arguments.gradient[point];
    const ist_sgd sgd = *arguments.sgd;
    const Place at{column * kColumn + 4 * lane_of_thread(), arguments.count};
    if ((column + 1) * kColumn <= arguments.count && is_aligned(params) && is_aligned(momentum) && is_aligned(gradient))
        update<true>(params, gradient, momentum, sgd, at);
    else update<false>(params, gradient, momentum, sgd, at);
}

} // namespace

void enqueue_sgd_update(const SgdUpdateParams &params, int n_points, Stream stream) {
    if (params.count == 0) return;
    const int64_t n_blocks = column_blocks(n_columns(params.count));
    launch(sgd_update_kernel, dim3(unsigned(n_blocks * n_points)), dim3(kColumnThreads), 0, stream, params, n_blocks);
}

} // namespace ist::cuda
