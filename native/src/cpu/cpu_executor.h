// cpu_executor.h - runs a network at many points: one point per thread, the last points by teams of threads.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "../step_loop.h"
#include "inference_pass.h"

namespace ist::cpu {

class CpuExecutor : public StepLoopExecutor {
  public:
    CpuExecutor(const Network &network, const KernelChoice &kernels, ThreadPool &pool, Backend &backend);

    void train(const DeviceImages &images, const ist_sampling &sampling, int64_t step, int n, PointJob *jobs) override;
    void evaluate(const DeviceImages &images, int n, PointJob *jobs) override;
    void predict(const DeviceImages &images, const PointJob &job, float *log_probabilities) override;
    void recompute_statistics(const DeviceImages &images, const ist_sampling &sampling, int n_batches, int n,
                              PointJob *jobs) override;

  private:
    // Calls work(team index, job, thread in team, team size, barrier) so that every job is done by one team.
    template <class Work> void schedule(int n, int max_team, Work work);
    int largest_team(int n, int max_team) const;
    bool has_buffers(int index, int n, int team) const;
    std::shared_ptr<const TrainingPlan> training_plan(int batch);
    TrainingTeam &training_team(int index, int batch);
    // Make plan and buffers ready for n points, before any thread starts. The first returns the plan's lanes.
    int prepare_training(int batch, int n);
    void prepare_inference(int n, const CpuImages &images);

    const Network network_;
    const NetworkPlan plan_;
    const KernelChoice kernels_;
    ThreadPool &pool_;
    const dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
    std::unique_ptr<Barrier[]> barriers_;          // one per thread of the pool
    std::shared_ptr<const TrainingPlan> training_; // of the last batch size
    std::vector<std::unique_ptr<TrainingTeam>> training_teams_;
    std::shared_ptr<const InferencePlan> inference_;
    std::vector<std::unique_ptr<InferenceTeam>> inference_teams_;
};

} // namespace ist::cpu
