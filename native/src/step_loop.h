// step_loop.h - many steps of points, led by the host: descend and relax from an executor's own train and the vector
// passes of its backend. For devices that gain nothing by keeping the host out of the loop.
#pragma once

#include "backend.h"

namespace ist {

class StepLoopExecutor : public Executor {
  public:
    StepLoopExecutor(Backend &backend, int64_t n_params) : backend_(backend), n_params_(n_params) {}

    void descend(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps, int n,
                 PointJob *jobs, float *const *params, float *const *momentum, const ist_sgd &sgd,
                 float *losses) override;
    void relax(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps,
               PointJob *jobs, const PathView &path, const ist_neb &neb, const float *spacing, float *losses) override;

  protected:
    Backend &backend_;

  private:
    const int64_t n_params_;
};

} // namespace ist
