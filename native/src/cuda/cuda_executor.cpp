// cuda_executor.cpp - see cuda_executor.h.
#include "cuda_executor.h"

#include <algorithm>
#include <cmath>

#include "../../../kernels/finite_points.h"
#include "../../../kernels/path.h"
#include "../../../kernels/step_record.h"
#include "../../../kernels/vectors.h"
#include "../error.h"
#include "convolution_check.h"
#include "step_graph.h"

namespace ist::cuda {
namespace {

const CudaImages &cuda(const DeviceImages &images) { return static_cast<const CudaImages &>(images); }

int training_points(int batch) { return std::clamp(kImagesAtOnce / batch, 1, kMostPointsAtOnce); }

} // namespace

// Jobs as arrays in device memory, those with a gradient first.
class CudaExecutor::Points {
  public:
    Points(Device &device, int n, const PointJob *jobs) : device_(device), n_(n), order_(size_t(n)) {
        for (int i = 0; i < n; i++) order_[size_t(i)] = i;
        std::stable_partition(order_.begin(), order_.end(), [&](int32_t i) { return jobs[i].gradient != nullptr; });
        std::vector<const float *> params;
        std::vector<float *> statistics, gradient;
        std::vector<uint64_t> streams;
        std::vector<uint8_t> updates;
        for (int32_t i : order_) {
            params.push_back(jobs[i].params), statistics.push_back(jobs[i].statistics);
            gradient.push_back(jobs[i].gradient), streams.push_back(jobs[i].stream);
            updates.push_back(jobs[i].update_statistics ? 1 : 0);
            if (jobs[i].gradient) ++n_with_gradient_;
        }
        const size_t size = size_t(n);
        memory_ = DeviceBuffer(device, size * (3 * sizeof(void *) + 4 * sizeof(double) + sizeof(int32_t) + 8) + 64);
        char *at = memory_.as<char>();
        const auto put = [&](const auto &values) {
            using T = typename std::decay_t<decltype(values)>::value_type;
            T *to = reinterpret_cast<T *>(at);
            device_.upload(to, values.data(), size * sizeof(T));
            at += size * sizeof(T);
            return to;
        };
        tables_.params = put(params), tables_.statistics = put(statistics), tables_.gradient = put(gradient);
        tables_.streams = put(streams);
        tables_.loss = reinterpret_cast<double *>(at), at += size * sizeof(double);
        tables_.error = reinterpret_cast<double *>(at), at += size * sizeof(double);
        by_job_ = reinterpret_cast<double *>(at), at += size * sizeof(double);
        step_ = reinterpret_cast<int64_t *>(at), at += sizeof(int64_t);
        job_ = put(order_);
        tables_.updates = put(updates);
        device_.wait();
    }

    int n() const { return n_; }
    int n_with_gradient() const { return n_with_gradient_; }
    int64_t *step() const { return step_; }
    double *losses_by_job() const { return by_job_; }
    void set_step(int64_t step) { device_.upload(step_, &step, sizeof step); }

    PointTables from(int first) const {
        PointTables t = tables_;
        t.params += first, t.statistics += first, t.streams += first, t.updates += first, t.loss += first;
        t.error += first;
        t.gradient = first < n_with_gradient_ ? t.gradient + first : nullptr;
        return t;
    }

    // Calls body(first, count, n_with_gradient) for groups of at most `most` points, all of them with or without a
    // gradient; only up to kPathEnds without one join the last that have one, where `capacity` points allow it.
    template <class Body> void each_group(int most, int capacity, Body body) const {
        for (int first = 0; first < n_;) {
            const int with = std::clamp(n_with_gradient_ - first, 0, most),
                      left = n_ - std::max(first, n_with_gradient_);
            int count = with > 0 ? with : std::min(left, most);
            if (with > 0 && first + with == n_with_gradient_) count += std::min({left, kPathEnds, capacity - with});
            body(first, count, with);
            first += count;
        }
    }

    void fetch(PointJob *jobs) const {
        std::vector<double> loss(size_t(n_), 0.0), error(size_t(n_), 0.0);
        device_.download(loss.data(), tables_.loss, loss.size() * sizeof(double));
        device_.download(error.data(), tables_.error, error.size() * sizeof(double));
        for (size_t i = 0; i < order_.size(); i++) jobs[order_[i]].loss = loss[i], jobs[order_[i]].error = error[i];
    }

    StepRecordParams record(float *history, int64_t first_step) const {
        return {tables_.loss, job_, n_, by_job_, history, first_step, step_};
    }

  private:
    Device &device_;
    const int n_;
    int n_with_gradient_ = 0;
    std::vector<int32_t> order_; // jobs as they are launched
    DeviceBuffer memory_;
    PointTables tables_;
    double *by_job_ = nullptr;
    int64_t *step_ = nullptr;
    int32_t *job_ = nullptr;
};

CudaExecutor::CudaExecutor(Device &device, const Network &network, Element element, ConvolutionLibrary *library)
    : device_(device), network_(network), plan_(network_), element_(element), library_(library) {}

// As many points at once as there is memory for.
std::unique_ptr<NetworkPass> CudaExecutor::make_pass(NetworkPass::Mode mode, int n_images, int most_points) {
    for (;; most_points /= 2) {
        try {
            return std::make_unique<NetworkPass>(device_, plan_, element_, mode, n_images, most_points, library_);
        } catch (const Error &e) {
            if (e.status != IST_OUT_OF_MEMORY || most_points == 1) throw;
        }
    }
}

NetworkPass &CudaExecutor::training_pass(int batch, const Points &points) {
    const int most = training_points(batch), n_with = points.n_with_gradient(), n_without = points.n() - n_with;
    const int wanted = n_with > 0 ? std::min(n_with, most) + std::min(n_without, kPathEnds) : std::min(n_without, most);
    if (training_ && training_->n_images() == batch && training_->most_points() >= wanted) return *training_;
    training_.reset(), inference_.reset();
    training_ = make_pass(NetworkPass::Mode::kTraining, batch, wanted);
    return *training_;
}

NetworkPass &CudaExecutor::inference_pass(int64_t n_images, int n_points) {
    const int64_t whole_parts = (n_images + kLossPartImages - 1) / kLossPartImages * kLossPartImages;
    const int chunk = int(std::min<int64_t>(whole_parts, kInferenceImages));
    const int most = std::min(n_points, kMostPointsAtOnce);
    if (inference_ && inference_->n_images() == chunk && inference_->most_points() >= most) return *inference_;
    inference_.reset();
    inference_ = make_pass(NetworkPass::Mode::kInference, chunk, most);
    return *inference_;
}

void CudaExecutor::enqueue_training(NetworkPass &pass, const CudaImages &images, const ist_sampling &sampling,
                                    const Points &points) {
    const int most = std::min(training_points(sampling.batch_size), pass.most_points());
    points.each_group(most, pass.most_points(), [&](int first, int count, int with_gradient) {
        pass.train(images, sampling, points.step(), points.from(first), count, with_gradient, nullptr);
    });
}

void CudaExecutor::train(const DeviceImages &images, const ist_sampling &sampling, int64_t step, int n,
                         PointJob *jobs) {
    Points points(device_, n, jobs);
    NetworkPass &pass = training_pass(sampling.batch_size, points);
    points.set_step(step);
    enqueue_training(pass, cuda(images), sampling, points);
    points.fetch(jobs);
}

void CudaExecutor::descend(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps,
                           int n, PointJob *jobs, float *const *params, float *const *momentum, const ist_sgd &sgd,
                           float *losses) {
    Points points(device_, n, jobs);
    NetworkPass &pass = training_pass(sampling.batch_size, points);
    points.set_step(first_step);
    const size_t rows = size_t(n) * sizeof(float *), bytes = size_t(n_steps) * size_t(n) * sizeof(float);
    DeviceBuffer tables(device_, 3 * rows + sizeof sgd), history(device_, bytes);
    char *at = tables.as<char>();
    std::vector<float *> gradient;
    for (int i = 0; i < n; i++) gradient.push_back(jobs[i].gradient);
    device_.upload(at, params, rows);
    device_.upload(at + rows, gradient.data(), rows);
    device_.upload(at + 2 * rows, momentum, rows);
    device_.upload(at + 3 * rows, &sgd, sizeof sgd);
    SgdUpdateParams update;
    update.params = reinterpret_cast<Rows>(at), update.gradient = reinterpret_cast<ConstRows>(at + rows);
    update.momentum = reinterpret_cast<Rows>(at + 2 * rows);
    update.sgd = reinterpret_cast<const ist_sgd *>(at + 3 * rows);
    update.count = network_.n_params;

    run_steps(device_, n_steps, [&] {
        enqueue_training(pass, cuda(images), sampling, points);
        enqueue_sgd_update(update, n, device_.stream());
        step_record(points.record(history.as<float>(), first_step), device_.stream());
    });
    device_.download(losses, history.data(), bytes);
}

void CudaExecutor::relax(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps,
                         PointJob *jobs, const PathView &path, const ist_neb &neb, const float *spacing,
                         float *losses) {
    const int n = path.n_pivots;
    Points points(device_, n, jobs);
    NetworkPass &pass = training_pass(sampling.batch_size, points);
    points.set_step(first_step);
    const bool respaces = std::isinf(neb.spring);
    const size_t bytes = size_t(n_steps) * size_t(n) * sizeof(float), gaps = size_t(n - 1) * sizeof(float);
    DeviceBuffer settings(device_, sizeof neb + gaps), history(device_, bytes);
    DeviceBuffer work_memory(device_, path_work_bytes(n, path.n_geometry));
    device_.upload(settings.data(), &neb, sizeof neb);
    if (respaces) device_.upload(settings.as<char>() + sizeof neb, spacing, gaps);
    const PathWork work = path_work(work_memory.data(), n, path.n_geometry);
    PathStepParams step;
    step.path = path, step.neb = settings.as<ist_neb>(), step.losses = points.losses_by_job();
    step.respaces = respaces, step.spacing = reinterpret_cast<const float *>(settings.as<char>() + sizeof neb);

    run_steps(device_, n_steps, [&] {
        enqueue_training(pass, cuda(images), sampling, points);
        step_record(points.record(history.as<float>(), first_step), device_.stream());
        enqueue_path_step(step, work, device_.stream());
    });
    device_.download(losses, history.data(), bytes);
}

void CudaExecutor::evaluate(const DeviceImages &images, int n, PointJob *jobs) {
    NetworkPass &pass = inference_pass(images.n_images, n);
    Points points(device_, n, jobs);
    NetworkPass::InferenceOut out;
    out.parts_stride = (images.n_images + kLossPartImages - 1) / kLossPartImages;
    const DeviceBuffer parts(device_, size_t(pass.most_points()) * size_t(out.parts_stride) * sizeof(LossPart));
    out.parts = parts.as<LossPart>();
    points.each_group(pass.most_points(), pass.most_points(), [&](int first, int count, int) {
        const PointTables tables = points.from(first);
        pass.prepare_inference(tables, count);
        for (int64_t image = 0; image < images.n_images; image += pass.n_images())
            pass.infer(cuda(images), image, tables, count, out);
        finish_loss({out.parts, out.parts_stride, out.parts_stride, images.n_images, tables.loss, tables.error}, count,
                    device_.stream());
        lose_points_that_are_not_finite(
            {tables.params, network_.n_params, tables.statistics, network_.n_statistics, tables.loss}, count,
            device_.stream());
    });
    points.fetch(jobs);
}

void CudaExecutor::predict(const DeviceImages &images, const PointJob &job, float *log_probabilities) {
    NetworkPass &pass = inference_pass(images.n_images, 1);
    Points points(device_, 1, &job);
    const size_t classes = size_t(network_.n_classes);
    const DeviceBuffer chunk(device_, size_t(pass.n_images()) * classes * sizeof(float));
    NetworkPass::InferenceOut out;
    out.parts_stride = (images.n_images + kLossPartImages - 1) / kLossPartImages;
    const DeviceBuffer parts(device_, size_t(out.parts_stride) * sizeof(LossPart));
    out.parts = parts.as<LossPart>();
    out.log_probabilities = chunk.as<float>();
    const PointTables tables = points.from(0);
    pass.prepare_inference(tables, 1);
    for (int64_t image = 0; image < images.n_images; image += pass.n_images()) {
        pass.infer(cuda(images), image, tables, 1, out);
        const size_t n = size_t(std::min<int64_t>(pass.n_images(), images.n_images - image));
        device_.download(log_probabilities + size_t(image) * classes, chunk.data(), n * classes * sizeof(float));
    }
}

void CudaExecutor::recompute_statistics(const DeviceImages &images, const ist_sampling &sampling, int n_batches, int n,
                                        PointJob *jobs) {
    std::vector<PointJob> forward(jobs, jobs + n);
    for (PointJob &job : forward) job.gradient = nullptr;
    Points points(device_, n, forward.data());
    NetworkPass &pass = training_pass(sampling.batch_size, points);
    const int64_t n_statistics = network_.n_statistics;
    const size_t bytes = size_t(pass.most_points()) * size_t(n_statistics) * sizeof(double);
    const DeviceBuffer sums(device_, bytes);
    const int most = std::min(training_points(sampling.batch_size), pass.most_points());
    points.each_group(most, most, [&](int first, int count, int) {
        device_.clear(sums.data(), bytes);
        for (int64_t b = 0; b < n_batches; b++) {
            points.set_step(b);
            pass.train(cuda(images), sampling, points.step(), points.from(first), count, 0, sums.as<double>());
        }
        average_statistics({sums.as<double>(), n_statistics, n_batches, points.from(first).statistics}, count,
                           device_.stream());
    });
    device_.wait();
}

int CudaExecutor::check_convolutions(int n_images, int capacity, ist_convolution_check *out) {
    const std::unique_ptr<ConvolutionLibrary> opened = library_ ? nullptr : open_cudnn(device_);
    return cuda::check_convolutions(device_, library_ ? *library_ : *opened, network_, element_, n_images, capacity,
                                    out);
}

} // namespace ist::cuda
