// network.cpp - see network.h.
#include "network.h"

#include <cmath>
#include <stdexcept>

namespace ist::bench {
namespace {

constexpr int kChannels = 3, kExtent = 32, kClasses = 10;
constexpr ist_sgd kSgd{0.01f, 0.9f, 1e-4f, 0};

void must(ist_status status) {
    if (status != IST_OK) throw std::runtime_error(ist_last_error());
}

void check_finite(double loss) {
    if (!std::isfinite(loss))
        throw std::runtime_error("a loss is no longer a number; what was timed is not the work of a run");
}

} // namespace

Engine open_engine(int n_threads) {
    ist_engine *engine = nullptr;
    must(ist_engine_create(IST_BACKEND_CPU, 0, n_threads, &engine));
    return Engine(engine, Destroy());
}

bool supports(ist_precision precision) { return ist_engine_supports(open_engine(1).get(), precision) != 0; }

std::string description(int n_threads) { return ist_engine_description(open_engine(n_threads).get()); }

Dataset noise_images(const Engine &engine, int n_images) {
    std::vector<uint8_t> pixels(size_t(n_images) * kChannels * kExtent * kExtent);
    std::vector<int32_t> labels(n_images);
    uint64_t state = 1;
    const auto next = [&state] { return uint8_t((state = state * 6364136223846793005u + 1442695040888963407u) >> 56); };
    for (uint8_t &pixel : pixels) pixel = next();
    for (int32_t &label : labels) label = next() % kClasses;
    const float mean[kChannels] = {0.5f, 0.5f, 0.5f}, std[kChannels] = {0.25f, 0.25f, 0.25f};
    ist_dataset *dataset = nullptr;
    must(ist_dataset_create(engine.get(), pixels.data(), labels.data(), n_images, kChannels, kExtent, kExtent, kClasses,
                            mean, std, &dataset));
    return Dataset(dataset, Destroy());
}

Network::Network(Engine engine, const std::string &spec, ist_precision precision) : engine_(std::move(engine)) {
    ist_model *model = nullptr;
    must(ist_model_create(engine_.get(), spec.c_str(), kChannels, kExtent, kExtent, kClasses, precision, &model));
    model_.reset(model, Destroy());
}

// The first tensor of a point is the weights of the first layer: a convolution that keeps the image's size, or linear.
double Network::first_layer_flops() const {
    ist_tensor first;
    must(ist_model_tensor(model_.get(), 0, &first));
    double flops = first.rank == 4 ? 2.0 * kExtent * kExtent : 2.0;
    for (int i = 0; i < first.rank; ++i) flops *= double(first.shape[i]);
    return flops;
}

Points::Points(const Network &network, Dataset dataset, int n, int batch)
    : dataset_(std::move(dataset)), losses_(n), spacing_(n > 1 ? n - 1 : 0, 1.0f), sampling_{1, batch, 4, 1} {
    ist_points *points = nullptr;
    must(ist_points_create(network.model(), n, &points));
    points_.reset(points);
    for (int i = 0; i < n; ++i) streams_.push_back(uint64_t(i));
}

void Points::initialise() {
    for (int i = 0; i < count(); ++i) must(ist_points_initialise(points_.get(), i, uint64_t(i) + 1));
}

void Points::initialise_path() {
    const int last = count() - 1;
    must(ist_points_initialise(points_.get(), 0, 1));
    must(ist_points_initialise(points_.get(), last, 2));
    const int32_t ends[] = {0, last};
    for (int i = 1; i < last; ++i) {
        const double weights[] = {1 - double(i) / last, double(i) / last};
        must(ist_points_combine(points_.get(), i, points_.get(), 2, ends, weights));
    }
}

void Points::descend() {
    must(ist_points_descend(points_.get(), dataset_.get(), &sampling_, streams_.data(), &kSgd, step_++, 1,
                            losses_.data()));
    check_finite(losses_[0]);
}

void Points::gradient() {
    must(ist_points_gradient(points_.get(), dataset_.get(), &sampling_, streams_.data(), step_++, losses_.data()));
    check_finite(losses_[0]);
}

void Points::relax() {
    const ist_neb neb{kSgd, IST_TANGENT_IMPROVED, IST_GEOMETRY_PARAMETERS, INFINITY, 0};
    must(ist_points_relax(points_.get(), dataset_.get(), &sampling_, streams_.data(), &neb, spacing_.data(), step_++, 1,
                          losses_.data()));
    check_finite(losses_[count() / 2]);
}

void Points::forward() {
    must(ist_points_recompute_statistics(points_.get(), dataset_.get(), &sampling_, streams_.data(), 1));
}

void Points::evaluate() const {
    std::vector<ist_metrics> metrics(count());
    must(ist_points_evaluate(points_.get(), dataset_.get(), metrics.data()));
    check_finite(metrics[0].loss);
}

} // namespace ist::bench
