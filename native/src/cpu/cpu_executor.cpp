// cpu_executor.cpp - see cpu_executor.h.
#include "cpu_executor.h"

#include <algorithm>

#include "../error.h"
#include "../host_memory.h"

namespace ist::cpu {
namespace {

// Runs what prepares primitives and buffers. What oneDNN lacks there is memory, unless it says otherwise; it calls
// memory for machine code it did not get a runtime error.
template <class Body> void with_memory(Body body) {
    try {
        body();
    } catch (const dnnl::error &e) {
        if (e.status != dnnl_out_of_memory && e.status != dnnl_runtime_error) throw;
        throw Error(IST_OUT_OF_MEMORY, std::string("out of memory: oneDNN ") + e.what() + " with " +
                                           bytes_in_words(available_host_memory()) +
                                           " available; use fewer points, fewer threads or a smaller batch");
    }
}

} // namespace

CpuExecutor::CpuExecutor(const Network &network, const KernelChoice &kernels, ThreadPool &pool, Backend &backend)
    : StepLoopExecutor(backend, network.n_params), network_(network), plan_(network_), kernels_(kernels), pool_(pool),
      barriers_(std::make_unique<Barrier[]>(size_t(pool.size()))) {}

// With T threads, the first n - n % T jobs go to single threads as they come free; the last n % T are done by teams of
// T / (n % T) threads. Results do not depend on it: see training_pass.h.
int CpuExecutor::largest_team(int n, int max_team) const {
    const int rest = n % pool_.size();
    return rest == 0 ? 1 : std::clamp(pool_.size() / rest, 1, std::max(1, max_team));
}

// Whether schedule() uses the buffers of index t: those of every thread for single jobs, of every team's first for
// shared.
bool CpuExecutor::has_buffers(int t, int n, int team) const {
    return n >= pool_.size() || (t % team == 0 && t / team < n);
}

template <class Work> void CpuExecutor::schedule(int n, int max_team, Work work) {
    const int threads = pool_.size(), rest = n % threads, alone = n - rest, team = largest_team(n, max_team);
    for (int r = 0; r < rest; r++) barriers_[size_t(r)].reset(team);
    std::atomic<int> next{0};
    pool_.run([&](int thread) {
        const int group = thread / team;
        Barrier *barrier = group < rest ? &barriers_[size_t(group)] : nullptr;
        try {
            Barrier single(1);
            for (int j; (j = next.fetch_add(1)) < alone;) work(thread, j, 0, 1, single);
            // Single jobs run in the thread's own team of buffers, shared jobs in that of their first thread: wait for
            // it.
            if (barrier) {
                barrier->wait();
                work(group * team, alone + group, thread % team, team, *barrier);
            }
        } catch (...) {
            if (barrier) barrier->abandon();
            throw;
        }
    });
}

std::shared_ptr<const TrainingPlan> CpuExecutor::training_plan(int batch) {
    if (!training_ || training_->batch != batch) {
        training_teams_.clear();
        training_ = std::make_shared<TrainingPlan>(plan_, kernels_, engine_, batch);
    }
    return training_;
}

TrainingTeam &CpuExecutor::training_team(int index, int batch) {
    const auto plan = training_plan(batch);
    if (int(training_teams_.size()) <= index) training_teams_.resize(size_t(index) + 1);
    if (!training_teams_[size_t(index)]) training_teams_[size_t(index)] = std::make_unique<TrainingTeam>(plan);
    return *training_teams_[size_t(index)];
}

int CpuExecutor::prepare_training(int batch, int n) {
    int lanes = 0;
    with_memory([&] {
        lanes = training_plan(batch)->n_lanes;
        const int team = largest_team(n, lanes);
        for (int t = 0; t < pool_.size(); t++)
            if (has_buffers(t, n, team)) training_team(t, batch).reserve(team);
    });
    return lanes;
}

void CpuExecutor::prepare_inference(int n, const CpuImages &images) {
    with_memory([&] {
        if (!inference_) inference_ = std::make_shared<InferencePlan>(plan_, kernels_, engine_, plan_.slice_images);
        const int team = largest_team(n, pool_.size());
        if (int(inference_teams_.size()) < pool_.size()) inference_teams_.resize(size_t(pool_.size()));
        for (int t = 0; t < pool_.size(); t++) {
            if (!has_buffers(t, n, team)) continue;
            auto &slot = inference_teams_[size_t(t)];
            if (!slot) slot = std::make_unique<InferenceTeam>(inference_);
            slot->reserve(team, images.n_images);
        }
    });
}

void CpuExecutor::train(const DeviceImages &device_images, const ist_sampling &sampling, int64_t step, int n,
                        PointJob *jobs) {
    const CpuImages &images = static_cast<const CpuImages &>(device_images);
    ThreadPool::enter();
    const int lanes = prepare_training(sampling.batch_size, n);
    schedule(n, lanes, [&](int buffers, int j, int thread, int size, Barrier &barrier) {
        const auto wanted = jobs[j].gradient ? TrainingTeam::Wanted::kGradient : TrainingTeam::Wanted::kLossOnly;
        training_teams_[size_t(buffers)]->run(thread, size, barrier, wanted, images, sampling, step, jobs[j], nullptr);
    });
}

void CpuExecutor::recompute_statistics(const DeviceImages &device_images, const ist_sampling &sampling, int n_batches,
                                       int n, PointJob *jobs) {
    const CpuImages &images = static_cast<const CpuImages &>(device_images);
    ThreadPool::enter();
    const int lanes = prepare_training(sampling.batch_size, n);
    std::vector<std::vector<double>> sums(size_t(n), std::vector<double>(size_t(network_.n_statistics), 0.0));
    schedule(n, lanes, [&](int buffers, int j, int thread, int size, Barrier &barrier) {
        for (int b = 0; b < n_batches; b++)
            training_teams_[size_t(buffers)]->run(thread, size, barrier, TrainingTeam::Wanted::kStatistics, images,
                                                  sampling, b, jobs[j], sums[size_t(j)].data());
    });
    for (int j = 0; j < n; j++)
        for (int64_t i = 0; i < network_.n_statistics; i++)
            jobs[j].statistics[i] = float(sums[size_t(j)][size_t(i)] / n_batches);
}

void CpuExecutor::evaluate(const DeviceImages &device_images, int n, PointJob *jobs) {
    const CpuImages &images = static_cast<const CpuImages &>(device_images);
    ThreadPool::enter();
    prepare_inference(n, images);
    schedule(n, pool_.size(), [&](int buffers, int j, int thread, int size, Barrier &barrier) {
        inference_teams_[size_t(buffers)]->run(thread, size, barrier, images, jobs[j], nullptr);
    });
}

void CpuExecutor::predict(const DeviceImages &device_images, const PointJob &job, float *log_probabilities) {
    const CpuImages &images = static_cast<const CpuImages &>(device_images);
    ThreadPool::enter();
    prepare_inference(1, images);
    PointJob copy = job;
    schedule(1, pool_.size(), [&](int buffers, int, int thread, int size, Barrier &barrier) {
        inference_teams_[size_t(buffers)]->run(thread, size, barrier, images, copy, log_probabilities);
    });
}

} // namespace ist::cpu
