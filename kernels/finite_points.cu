// finite_points.cu - see finite_points.h. A block per point, one pass over its memory; no sums.
#include "finite_points.h"

#include <cuda_runtime.h>

#include "launch.cuh"

namespace ist::cuda {
namespace {

constexpr int kFiniteThreads = 512;

__device__ __forceinline__ bool is_finite(float v) { return v - v == 0.f; }

__global__ void __launch_bounds__(kFiniteThreads) finite_points_kernel(FinitePointsParams p) {
    int *lost = reinterpret_cast<int *>(shared_memory());
    const int point = int(blockIdx.z), thread = int(threadIdx.x);
    bool finite = true;
    for (int64_t i = thread; i < p.n_params; i += kFiniteThreads) finite &= is_finite(p.params[point][i]);
    for (int64_t i = thread; i < p.n_statistics; i += kFiniteThreads) finite &= is_finite(p.statistics[point][i]);
    lost[thread] = finite ? 0 : 1;
    __syncthreads();
    for (int half = kFiniteThreads / 2; half > 0; half /= 2) {
        if (thread < half) lost[thread] |= lost[thread + half];
        __syncthreads();
    }
    if (thread == 0 && lost[0]) p.loss[point] = NAN;
}

} // namespace

void lose_points_that_are_not_finite(const FinitePointsParams &params, int n_points, Stream stream) {
    launch(finite_points_kernel, dim3(1, 1, unsigned(n_points)), dim3(kFiniteThreads), kFiniteThreads * sizeof(int),
           stream, params);
}

} // namespace ist::cuda
