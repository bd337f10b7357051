// step_record.cu - see step_record.h. One block, one pass; no sums.
#include "step_record.h"

#include "launch.cuh"

namespace ist::cuda {
namespace {

__global__ void __launch_bounds__(256) step_record_kernel(StepRecordParams p) {
    const int64_t row = (*p.step - p.first_step) * p.n_points;
    for (int i = int(threadIdx.x); i < p.n_points; i += int(blockDim.x)) {
        p.by_job[p.job[i]] = p.losses[i];
        p.history[row + p.job[i]] = float(p.losses[i]);
    }
    __syncthreads();
    if (threadIdx.x == 0) ++*p.step;
}

} // namespace

void step_record(const StepRecordParams &params, Stream stream) {
    launch(step_record_kernel, dim3(1), dim3(256), 0, stream, params);
}

} // namespace ist::cuda
