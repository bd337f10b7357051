// step_loop.cpp - see step_loop.h.
#include "step_loop.h"

#include <cmath>
#include <vector>

#include "path_math.h"

namespace ist {

void StepLoopExecutor::descend(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step,
                               int n_steps, int n, PointJob *jobs, float *const *params, float *const *momentum,
                               const ist_sgd &sgd, float *losses) {
    std::vector<const float *> gradients;
    for (int i = 0; i < n; ++i) gradients.push_back(jobs[i].gradient);
    for (int k = 0; k < n_steps; ++k) {
        train(images, sampling, first_step + k, n, jobs);
        for (int i = 0; i < n; ++i) *losses++ = float(jobs[i].loss);
        backend_.sgd_update(n, params, gradients.data(), momentum, sgd, n_params_);
    }
}

// One step: losses and gradients of the pivots as they are, forces, update, and for the string method the respacing.
void StepLoopExecutor::relax(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps,
                             PointJob *jobs, const PathView &path, const ist_neb &neb, const float *spacing,
                             float *losses) {
    const int n = path.n_pivots;
    std::vector<double> loss(n), squared_gaps(n - 1);
    std::vector<PathDots> dots(n);
    std::vector<PathForce> forces(n);
    std::vector<PathPlace> places(n);
    for (int k = 0; k < n_steps; ++k) {
        train(images, sampling, first_step + k, n, jobs);
        for (int i = 0; i < n; ++i) {
            loss[i] = jobs[i].loss;
            *losses++ = float(loss[i]);
        }
        backend_.path_dots(path, neb.sgd.weight_decay, dots.data());
        const int climbing = neb.climbing ? climbing_pivot(n, loss.data()) : -1;
        for (int i = 1; i < n - 1; ++i) forces[i] = pivot_force(neb, loss.data(), dots.data(), i, climbing);
        backend_.path_update(path, neb.sgd, forces.data(), squared_gaps.data());
        if (std::isinf(neb.spring)) {
            plan_path(n, squared_gaps.data(), spacing, climbing, places.data());
            backend_.path_respace(path, places.data());
        }
    }
}

} // namespace ist
