// device_network.h - runs a network on a backend through the Executor interface, with host vectors in and out: what the
// op tests hold against ref_network.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend.h"
#include "test_networks.h"

namespace ist::test {

struct BackendUnderTest {
    std::string name;
    std::function<std::unique_ptr<Backend>(int n_threads)> create;
    bool is_emulated = false; // slow, and without threads of its own
};
const std::vector<BackendUnderTest> &backends();

// The outcome for one point.
struct Outcome {
    double loss = 0, error = 0;
    std::vector<float> gradient, statistics;
    bool operator==(const Outcome &other) const; // the same bits
};

class DeviceNetwork {
  public:
    DeviceNetwork(const BackendUnderTest &backend, int n_threads, const Network &network, ist_precision precision,
                  const Images &images);
    ~DeviceNetwork();

    using Points = std::vector<std::vector<double>>;
    // One training pass per point, streams as given.
    std::vector<Outcome> train(const Points &points, const ist_sampling &sampling, int64_t step,
                               const std::vector<uint64_t> &streams, bool gradient = true, bool update = true);
    std::vector<Outcome> evaluate(const Points &points);
    std::vector<float> predict(const std::vector<double> &point);
    std::vector<std::vector<float>> recompute_statistics(const Points &points, const ist_sampling &sampling,
                                                         int n_batches, const std::vector<uint64_t> &streams);

    // The whole data set as one batch, no augmentation.
    Outcome train_all(const std::vector<double> &point);
    ist_sampling all() const;

  private:
    std::vector<PointJob> jobs(const Points &points, const std::vector<uint64_t> &streams, bool gradient);
    std::vector<Outcome> collect(const std::vector<PointJob> &jobs, bool gradient);
    float *vector(int64_t count);
    void release();

    Network network_;
    int n_images_;
    std::unique_ptr<Backend> backend_;
    std::unique_ptr<DeviceImages> images_;
    std::unique_ptr<Executor> executor_;
    std::vector<float *> vectors_;
};

} // namespace ist::test
