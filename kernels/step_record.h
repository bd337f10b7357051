// step_record.h - the end of a step of many: its losses are noted, and the step number goes on.
#pragma once

#include <cstdint>

#include "tensor.h"

namespace ist::cuda {

// losses [n_points] of the points as they were launched; job [n_points]: whose they are. by_job[job] = loss,
// history[(*step - first_step) * n_points + job] = loss, then *step += 1.
struct StepRecordParams {
    const double *losses = nullptr;
    const int32_t *job = nullptr;
    int n_points = 0;
    double *by_job = nullptr;
    float *history = nullptr;
    int64_t first_step = 0;
    int64_t *step = nullptr;
};
void step_record(const StepRecordParams &params, Stream stream);

} // namespace ist::cuda
