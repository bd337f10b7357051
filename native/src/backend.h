// backend.h - what a device must be able to do. A backend is one class; engine, model and points know only this.
//
// Vectors (points, gradients, momentum) are float32 in device memory from allocate(); `count` is in floats. All calls
// block. Everything throws ist::Error. Same bits for any number of threads: every sum has a fixed order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "isthmus/isthmus.h"
#include "network.h"

namespace ist {

// Images and labels of a data set in host memory, as the caller gave them.
struct HostImages {
    const uint8_t *images; // [n_images][channels][height][width]
    const int32_t *labels;
    int64_t n_images;
    int channels, height, width, n_classes;
    const float *mean, *std; // [channels]
};

// The same on the device, in whatever layout the backend likes.
class DeviceImages {
  public:
    virtual ~DeviceImages() = default;
    int64_t n_images = 0;
    int channels = 0, height = 0, width = 0, n_classes = 0;
};

// One point's share of a call. Pointers are device memory.
struct PointJob {
    const float *params = nullptr; // n_params
    float *statistics = nullptr;   // n_statistics; updated by training passes (momentum 0.1, unbiased variance)
    float *gradient = nullptr;     // n_params, overwritten; nullptr: forward only
    uint64_t stream = 0;           // of random draws
    double loss = 0;               // out: mean over the batch or data set
    double error = 0;              // out: fraction misclassified
    bool update_statistics = true; // false: the ends of a path, whose losses are wanted and whose bits must stay
};

// The path as one matrix: row i is pivot i. Rows of all four have the same stride (in floats).
struct PathView {
    int n_pivots;
    int64_t stride;
    float *values;         // [n_pivots][stride]
    const float *gradient; // [n_pivots][stride], first n_params of a row; rows 0 and n_pivots - 1 are not read
    float *momentum;       // [n_pivots][stride]
    int64_t n_params;      // gradients live on the first n_params coordinates
    int64_t n_geometry;    // coordinates over which dots are taken, forces and weight decay act: n_params, or n_total
    int64_t n_total;       // n_params + n_statistics: what respacing moves
};

// A network made ready to run in one precision.
class Executor {
  public:
    virtual ~Executor() = default;
    // Training mode: the batch of `step`, batch statistics, forward and (where gradient is set) backward, for n points.
    virtual void train(const DeviceImages &images, const ist_sampling &sampling, int64_t step, int n,
                       PointJob *jobs) = 0;
    // n_steps steps, numbered from first_step: train, then an SGD step (ist_sgd) of every point, whose jobs all have
    // gradients; params[i] is jobs[i].params. losses [n_steps][n] in HOST memory: the batch loss before each step. Loss
    // and error of the jobs are left undefined.
    virtual void descend(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps,
                         int n, PointJob *jobs, float *const *params, float *const *momentum, const ist_sgd &sgd,
                         float *losses) = 0;
    // n_steps steps of a path, whose rows the n_pivots jobs are, the two ends without gradient: train, forces, update
    // and, where the spring is infinite, respacing to `spacing` [n_pivots - 1]. losses as in descend.
    virtual void relax(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps,
                       PointJob *jobs, const PathView &path, const ist_neb &neb, const float *spacing,
                       float *losses) = 0;
    // Inference mode (running statistics, no augmentation) over the whole data set.
    virtual void evaluate(const DeviceImages &images, int n, PointJob *jobs) = 0;
    // Inference mode for one point; log_probabilities in HOST memory [n_images][n_classes].
    virtual void predict(const DeviceImages &images, const PointJob &job, float *log_probabilities) = 0;
    // jobs[i].statistics = average of batch mean and unbiased variance over steps 0 .. n_batches - 1 of the stream.
    virtual void recompute_statistics(const DeviceImages &images, const ist_sampling &sampling, int n_batches, int n,
                                      PointJob *jobs) = 0;
    // As ist_model_check_convolutions; the number of shapes, or -1 where nothing can be compared.
    virtual int check_convolutions(int, int, ist_convolution_check *) { return -1; }
};

// Sums over the first n_geometry coordinates, with d_i = p_{i+1} - p_i, g'_i = gradient_i + weight_decay * p_i, where
// the gradient of a statistic is 0.
struct PathDots {
    double d_d;     // |d_i|^2              pivots 0 .. n-2
    double d_dprev; // d_{i-1} . d_i        pivots 1 .. n-2
    double g_dprev; // g'_i . d_{i-1}       pivots 1 .. n-2
    double g_d;     // g'_i . d_i           pivots 1 .. n-2
};

// Force of pivot i: F = -(g' - c_prev d_{i-1} - c_next d_i); then v = momentum v - F; p += -lr v (nesterov as in
// ist_sgd).
struct PathForce {
    double c_prev, c_next;
};

// New pivot i = (1 - fraction) * old[segment] + fraction * old[segment + 1].
struct PathPlace {
    int segment;
    double fraction;
};

class Backend {
  public:
    virtual ~Backend() = default;
    virtual const std::string &description() const = 0;
    virtual bool supports(ist_precision precision) const = 0;

    virtual float *allocate(int64_t count) = 0; // zeroed; Error(IST_OUT_OF_MEMORY) names bytes asked and available
    virtual void release(float *vector) noexcept = 0;
    virtual void upload(float *dst, const float *host_src, int64_t count) = 0;
    virtual void download(float *host_dst, const float *src, int64_t count) = 0;
    virtual void copy(float *dst, const float *src, int64_t count) = 0; // both on the device
    virtual void clear(float *dst, int64_t count) = 0;

    virtual std::unique_ptr<DeviceImages> load(const HostImages &images) = 0;
    virtual std::unique_ptr<Executor> prepare(const Network &network, ist_precision precision) = 0;

    // dst = sum weights[i] * src[i], in double, fixed order; dst may be one of src.
    virtual void combine(float *dst, int n_terms, const float *const *src, const double *weights, int64_t count) = 0;
    virtual double squared_distance(const float *a, const float *b, int64_t count) = 0;
    // One SGD step of n points (ist_sgd); momentum rows may be longer than count.
    virtual void sgd_update(int n, float *const *params, const float *const *gradient, float *const *momentum,
                            const ist_sgd &sgd, int64_t count) = 0;
    // The three passes of a path step. dots [n_pivots]; forces [n_pivots], ends unused; squared_gaps [n_pivots - 1] of
    // the updated path; places [n_pivots], ends unused.
    virtual void path_dots(const PathView &path, float weight_decay, PathDots *dots) = 0;
    virtual void path_update(const PathView &path, const ist_sgd &sgd, const PathForce *forces,
                             double *squared_gaps) = 0;
    virtual void path_respace(const PathView &path, const PathPlace *places) = 0;
};

std::unique_ptr<Backend> create_cpu_backend(int n_threads);

} // namespace ist
