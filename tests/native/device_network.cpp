// device_network.cpp - see device_network.h.
#include "device_network.h"

#include <algorithm>
#include <cstring>

#include "plugin.h"

namespace ist::test {
namespace {

template <class T> bool same_bits(const std::vector<T> &a, const std::vector<T> &b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

} // namespace

const std::vector<BackendUnderTest> &backends() {
    static const std::vector<BackendUnderTest> all = {
        {"cpu", [](int n_threads) { return create_cpu_backend(n_threads); }},
#if !defined(__SANITIZE_ADDRESS__) &&                                                                                  \
    !defined(__SANITIZE_THREAD__) // slow twice over; tests of single kernels watch memory
        {"emulated", [](int) { return load_backend(IST_BACKEND_EMULATED, 0, plugin_folder()); }, true},
#endif
    };
    return all;
}

bool Outcome::operator==(const Outcome &other) const {
    return std::memcmp(&loss, &other.loss, sizeof loss) == 0 && std::memcmp(&error, &other.error, sizeof error) == 0 &&
           same_bits(gradient, other.gradient) && same_bits(statistics, other.statistics);
}

DeviceNetwork::DeviceNetwork(const BackendUnderTest &backend, int n_threads, const Network &network,
                             ist_precision precision, const Images &images)
    : network_(network), n_images_(images.n), backend_(backend.create(n_threads)) {
    HostImages host{};
    host.images = images.bytes.data(), host.labels = images.labels.data(), host.n_images = images.n;
    host.channels = images.channels, host.height = images.height, host.width = images.width;
    host.n_classes = images.n_classes;
    host.mean = images.mean.data(), host.std = images.std.data();
    images_ = backend_->load(host);
    executor_ = backend_->prepare(network_, precision);
}

DeviceNetwork::~DeviceNetwork() { release(); }

void DeviceNetwork::release() {
    for (float *v : vectors_) backend_->release(v);
    vectors_.clear();
}

float *DeviceNetwork::vector(int64_t count) {
    vectors_.push_back(backend_->allocate(std::max<int64_t>(count, 1)));
    return vectors_.back();
}

std::vector<PointJob> DeviceNetwork::jobs(const Points &points, const std::vector<uint64_t> &streams, bool gradient) {
    release();
    std::vector<PointJob> jobs(points.size());
    for (size_t i = 0; i < points.size(); ++i) {
        const std::vector<float> values(points[i].begin(), points[i].end());
        float *params = vector(network_.n_params);
        backend_->upload(params, values.data(), network_.n_params);
        jobs[i].params = params;
        jobs[i].statistics = vector(network_.n_statistics);
        if (network_.n_statistics > 0)
            backend_->upload(jobs[i].statistics, values.data() + network_.n_params, network_.n_statistics);
        if (gradient) { // handed over full of rubbish: it is overwritten, not added to
            jobs[i].gradient = vector(network_.n_params);
            const std::vector<float> rubbish(network_.n_params, 1e30f);
            backend_->upload(jobs[i].gradient, rubbish.data(), network_.n_params);
        }
        jobs[i].stream = streams.empty() ? 0 : streams[i];
    }
    return jobs;
}

std::vector<Outcome> DeviceNetwork::collect(const std::vector<PointJob> &jobs, bool gradient) {
    std::vector<Outcome> outcomes(jobs.size());
    for (size_t i = 0; i < jobs.size(); ++i) {
        outcomes[i].loss = jobs[i].loss, outcomes[i].error = jobs[i].error;
        outcomes[i].statistics.resize(network_.n_statistics);
        if (network_.n_statistics > 0)
            backend_->download(outcomes[i].statistics.data(), jobs[i].statistics, network_.n_statistics);
        if (!gradient) continue;
        outcomes[i].gradient.resize(network_.n_params);
        backend_->download(outcomes[i].gradient.data(), jobs[i].gradient, network_.n_params);
    }
    return outcomes;
}

std::vector<Outcome> DeviceNetwork::train(const Points &points, const ist_sampling &sampling, int64_t step,
                                          const std::vector<uint64_t> &streams, bool gradient, bool update) {
    std::vector<PointJob> work = jobs(points, streams, gradient);
    for (PointJob &job : work) job.update_statistics = update;
    executor_->train(*images_, sampling, step, int(work.size()), work.data());
    return collect(work, gradient);
}

std::vector<Outcome> DeviceNetwork::evaluate(const Points &points) {
    std::vector<PointJob> work = jobs(points, {}, false);
    executor_->evaluate(*images_, int(work.size()), work.data());
    return collect(work, false);
}

std::vector<float> DeviceNetwork::predict(const std::vector<double> &point) {
    const std::vector<PointJob> work = jobs({point}, {}, false);
    std::vector<float> log_probabilities(size_t(n_images_) * network_.n_classes);
    executor_->predict(*images_, work[0], log_probabilities.data());
    return log_probabilities;
}

std::vector<std::vector<float>> DeviceNetwork::recompute_statistics(const Points &points, const ist_sampling &sampling,
                                                                    int n_batches,
                                                                    const std::vector<uint64_t> &streams) {
    std::vector<PointJob> work = jobs(points, streams, false);
    executor_->recompute_statistics(*images_, sampling, n_batches, int(work.size()), work.data());
    std::vector<std::vector<float>> statistics;
    for (Outcome &outcome : collect(work, false)) statistics.push_back(std::move(outcome.statistics));
    return statistics;
}

ist_sampling DeviceNetwork::all() const {
    ist_sampling sampling{};
    sampling.seed = 5, sampling.batch_size = n_images_;
    return sampling;
}

Outcome DeviceNetwork::train_all(const std::vector<double> &point) { return train({point}, all(), 0, {1})[0]; }

} // namespace ist::test
