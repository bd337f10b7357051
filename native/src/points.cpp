// points.cpp - see points.h.
#include "points.h"

#include <cmath>
#include <cstring>

#include "error.h"
#include "path_math.h"

namespace ist {
namespace {

constexpr int kMostPoints = 65536;
constexpr int64_t kLastPosition = int64_t(1) << 60; // of a stream, see random.h

[[noreturn]] void invalid(const std::string &text) { throw Error(IST_INVALID_ARGUMENT, text); }

std::string str(int64_t value) { return std::to_string(value); }

void check_pointer(const char *what, const void *pointer) {
    if (!pointer) invalid(std::string(what) + " must not be NULL");
}

// The value of an enumeration as the caller passed it, which may be none of its names.
template <typename E> int number(const E &value) {
    int32_t bits;
    static_assert(sizeof bits == sizeof value, "C enumerations are 32 bits wide");
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

void check_enum(const char *what, int value, int last) {
    if (value < 0 || value > last) invalid(std::string(what) + " must be 0 .. " + str(last) + ", got " + str(value));
}

void check_flag(const char *what, int value) { check_enum(what, value, 1); }

void check_not_negative(const char *what, float value) {
    if (!std::isfinite(value) || value < 0)
        invalid(std::string(what) + " must be finite and >= 0, got " + std::to_string(value));
}

void check_sgd(const ist_sgd &sgd) {
    check_not_negative("learning_rate", sgd.learning_rate);
    check_not_negative("momentum", sgd.momentum);
    check_not_negative("weight_decay", sgd.weight_decay);
    check_flag("nesterov", sgd.nesterov);
}

// Of surfaces, which read neither.
const DeviceImages kNoImages;
const ist_sampling kNoSampling{};

} // namespace

Points::Points(std::shared_ptr<Model> model, int n_points)
    : model_(std::move(model)), n_(n_points), stride_((model_->network().size() + 15) / 16 * 16),
      values_(model_->backend(), stride_), gradient_(model_->backend(), stride_),
      momentum_(model_->backend(), stride_) {
    if (n_points < 1 || n_points > kMostPoints)
        invalid("n_points must be 1 .. " + str(kMostPoints) + ", got " + str(n_points));
    has_gradient_.assign(n_, 0);
    values_.allocate(n_);
}

int64_t Points::geometry_size(ist_geometry geometry) const {
    return geometry == IST_GEOMETRY_ALL ? network().size() : network().n_params;
}

void Points::check_index(const char *what, int64_t index) const {
    if (index < 0 || index >= n_) invalid(std::string(what) + " must be 0 .. " + str(n_ - 1) + ", got " + str(index));
}

void Points::check_dataset(const Dataset *dataset) const {
    if (model_->is_surface()) {
        if (dataset) invalid("dataset must be NULL for a surface");
        return;
    }
    check_pointer("dataset", dataset);
    if (dataset->engine != model_->engine()) invalid("dataset must be of the engine of the points");
    const Network &net = network();
    const DeviceImages &images = *dataset->images;
    const auto shape = [](int c, int h, int w, int classes) {
        return str(c) + " x " + str(h) + " x " + str(w) + " pixels and " + str(classes) + " classes";
    };
    if (images.channels != net.channels || images.height != net.height || images.width != net.width ||
        images.n_classes != net.n_classes)
        invalid("dataset must have the model's " + shape(net.channels, net.height, net.width, net.n_classes) +
                ", got " + shape(images.channels, images.height, images.width, images.n_classes));
}

void Points::check_batches(const Batches &batches, int64_t first_step, int64_t n_steps) const {
    check_dataset(batches.dataset);
    if (n_steps < 1) invalid("n_steps must be >= 1, got " + str(n_steps));
    if (first_step < 0) invalid("the first step must be >= 0, got " + str(first_step));
    if (model_->is_surface()) {
        if (batches.sampling) invalid("sampling must be NULL for a surface");
        return;
    }
    check_pointer("sampling", batches.sampling);
    check_pointer("streams", batches.streams);
    const ist_sampling &sampling = *batches.sampling;
    const DeviceImages &images = *batches.dataset->images;
    if (sampling.batch_size < model_->least_batch())
        invalid("batch_size must be >= " + str(model_->least_batch()) +
                (model_->least_batch() > 1 ? ", batch statistics need two images," : ",") + " got " +
                str(sampling.batch_size));
    if (sampling.batch_size > images.n_images)
        invalid("batch_size must be at most the " + str(images.n_images) + " images of the data set, got " +
                str(sampling.batch_size));
    const int extent = images.height < images.width ? images.height : images.width;
    if (sampling.crop_padding < 0 || sampling.crop_padding >= extent)
        invalid("crop_padding must be 0 .. " + str(extent - 1) + " for images of " + str(images.height) + " x " +
                str(images.width) + " pixels, got " + str(sampling.crop_padding));
    check_flag("flip", sampling.flip);
    if (first_step > kLastPosition / sampling.batch_size - n_steps)
        invalid("steps must end before step " + str(kLastPosition / sampling.batch_size) + ", got a first step of " +
                str(first_step));
}

void Points::check_spacing(const float *spacing) const {
    if (n_ < 3) invalid("points must be at least 3, two ends and what is between, got " + str(n_));
    check_pointer("spacing", spacing);
    for (int i = 0; i < n_ - 1; ++i)
        if (!std::isfinite(spacing[i]) || spacing[i] <= 0)
            invalid("spacing[" + str(i) + "] must be finite and > 0, got " + std::to_string(spacing[i]));
}

void Points::clear_momentum(int index) {
    if (!momentum_.empty()) backend().clear(momentum_.row(index), stride_);
}

// --- values in and out ---------------------------------------------------------------------------------------------

void Points::initialise(int index, uint64_t seed) {
    check_index("index", index);
    std::vector<float> values(network().size());
    model_->initialise(seed, values.data());
    write(index, values.data());
}

void Points::write(int index, const float *values) {
    check_index("index", index);
    check_pointer("values", values);
    backend().upload(values_.row(index), values, network().size());
    clear_momentum(index);
}

void Points::read(int index, float *out) const {
    check_index("index", index);
    check_pointer("out", out);
    backend().download(out, values_.row(index), network().size());
}

void Points::write_momentum(int index, const float *values) {
    check_index("index", index);
    check_pointer("values", values);
    momentum_.allocate(n_);
    backend().upload(momentum_.row(index), values, network().size());
}

void Points::read_momentum(int index, float *out) const {
    check_index("index", index);
    check_pointer("out", out);
    if (momentum_.empty()) std::memset(out, 0, network().size() * sizeof *out);
    else backend().download(out, momentum_.row(index), network().size());
}

void Points::read_gradient(int index, float *out) const {
    check_index("index", index);
    check_pointer("out", out);
    if (!has_gradient_[index]) invalid("index must be a point whose gradient was computed, got " + str(index));
    backend().download(out, gradient_.row(index), network().n_params);
}

void Points::combine(int index, const Points &source, int n_terms, const int32_t *indices, const double *weights) {
    check_index("index", index);
    if (source.model_ != model_ &&
        (source.model_->engine() != model_->engine() || source.network().spec != network().spec ||
         source.network().size() != network().size() || source.network().n_params != network().n_params))
        invalid("source must be points of the same architecture on the same engine, got points of '" +
                source.network().spec + "' for '" + network().spec + "'");
    if (n_terms < 1 || n_terms > kMostPoints)
        invalid("n_terms must be 1 .. " + str(kMostPoints) + ", got " + str(n_terms));
    check_pointer("indices", indices);
    check_pointer("weights", weights);
    std::vector<const float *> rows;
    for (int i = 0; i < n_terms; ++i) {
        source.check_index(("indices[" + str(i) + "]").c_str(), indices[i]);
        if (!std::isfinite(weights[i]))
            invalid("weights[" + str(i) + "] must be finite, got " + std::to_string(weights[i]));
        rows.push_back(source.values_.row(indices[i]));
    }
    float *dst = values_.row(index);
    if (n_terms > 1 || weights[0] != 1) backend().combine(dst, n_terms, rows.data(), weights, network().size());
    else if (rows[0] != dst) backend().copy(dst, rows[0], network().size());
    clear_momentum(index);
}

double Points::distance(int a, int b, ist_geometry geometry) const {
    check_index("a", a);
    check_index("b", b);
    return std::sqrt(backend().squared_distance(values_.row(a), values_.row(b), geometry_size(geometry)));
}

// --- passes over the data ------------------------------------------------------------------------------------------

// One job per point, forward only.
std::vector<PointJob> Points::jobs(const uint64_t *streams) const {
    std::vector<PointJob> jobs(n_);
    for (int i = 0; i < n_; ++i) {
        jobs[i].params = values_.row(i);
        jobs[i].statistics = values_.row(i) + network().n_params;
        jobs[i].stream = streams && !model_->is_surface() ? streams[i] : 0;
    }
    return jobs;
}

const DeviceImages &Points::images(const Batches &batches) {
    return batches.dataset ? *batches.dataset->images : kNoImages;
}

const ist_sampling &Points::sampling(const Batches &batches) {
    return batches.sampling ? *batches.sampling : kNoSampling;
}

void Points::gradient(const Batches &batches, int64_t step, float *losses) {
    check_batches(batches, step, 1);
    check_pointer("losses", losses);
    gradient_.allocate(n_);
    std::vector<PointJob> work = jobs(batches.streams);
    for (int i = 0; i < n_; ++i) work[i].gradient = gradient_.row(i);
    model_->executor().train(images(batches), sampling(batches), step, n_, work.data());
    has_gradient_.assign(n_, 1);
    for (int i = 0; i < n_; ++i) losses[i] = float(work[i].loss);
}

void Points::descend(const Batches &batches, const ist_sgd &sgd, int64_t first_step, int n_steps, float *losses) {
    check_batches(batches, first_step, n_steps);
    check_sgd(sgd);
    check_pointer("losses", losses);
    gradient_.allocate(n_);
    momentum_.allocate(n_);
    std::vector<PointJob> work = jobs(batches.streams);
    std::vector<float *> params, momentum;
    for (int i = 0; i < n_; ++i) {
        work[i].gradient = gradient_.row(i);
        params.push_back(values_.row(i));
        momentum.push_back(momentum_.row(i));
    }
    std::vector<float> history(size_t(n_steps) * n_);
    model_->executor().descend(images(batches), sampling(batches), first_step, n_steps, n_, work.data(), params.data(),
                               momentum.data(), sgd, history.data());
    has_gradient_.assign(n_, 1);
    std::memcpy(losses, history.data(), history.size() * sizeof *losses);
}

PathView Points::path(ist_geometry geometry) const {
    PathView view;
    view.n_pivots = n_;
    view.stride = stride_;
    view.values = values_.row(0);
    view.gradient = gradient_.row(0);
    view.momentum = momentum_.row(0);
    view.n_params = network().n_params;
    view.n_geometry = geometry_size(geometry);
    view.n_total = network().size();
    return view;
}

void Points::relax(const Batches &batches, const ist_neb &neb, const float *spacing, int64_t first_step, int n_steps,
                   float *losses) {
    check_batches(batches, first_step, n_steps);
    check_sgd(neb.sgd);
    check_enum("tangent", number(neb.tangent), IST_TANGENT_OFFICIAL);
    check_enum("geometry", number(neb.geometry), IST_GEOMETRY_ALL);
    check_flag("climbing", neb.climbing);
    if (std::isnan(neb.spring) || neb.spring < 0)
        invalid("spring must be >= 0 or infinite, got " + std::to_string(neb.spring));
    const bool string_method = std::isinf(neb.spring);
    if (string_method) check_spacing(spacing);
    else if (n_ < 3) invalid("points must be at least 3, two ends and what is between, got " + str(n_));
    check_pointer("losses", losses);

    gradient_.allocate(n_);
    momentum_.allocate(n_);
    std::vector<PointJob> work = jobs(batches.streams);
    for (int i = 1; i < n_ - 1; ++i) work[i].gradient = gradient_.row(i);
    work.front().update_statistics = work.back().update_statistics = false;

    std::vector<float> history(size_t(n_steps) * n_);
    model_->executor().relax(images(batches), sampling(batches), first_step, n_steps, work.data(), path(neb.geometry),
                             neb, string_method ? spacing : nullptr, history.data());
    for (int i = 1; i < n_ - 1; ++i) has_gradient_[i] = 1;
    std::memcpy(losses, history.data(), history.size() * sizeof *losses);
}

void Points::respace(ist_geometry geometry, const float *spacing) {
    const int64_t n_geometry = geometry_size(geometry);
    check_spacing(spacing);
    std::vector<double> squared_gaps(n_ - 1);
    for (int i = 0; i < n_ - 1; ++i)
        squared_gaps[i] = backend().squared_distance(values_.row(i), values_.row(i + 1), n_geometry);
    std::vector<PathPlace> places(n_);
    plan_path(n_, squared_gaps.data(), spacing, -1, places.data());
    backend().path_respace(path(geometry), places.data());
}

void Points::recompute_statistics(const Batches &batches, int n_batches) {
    if (n_batches < 1) invalid("n_batches must be >= 1, got " + str(n_batches));
    check_batches(batches, 0, n_batches);
    if (network().n_statistics == 0) return;
    std::vector<PointJob> work = jobs(batches.streams);
    model_->executor().recompute_statistics(*batches.dataset->images, *batches.sampling, n_batches, n_, work.data());
}

void Points::evaluate(const Dataset *dataset, ist_metrics *out) {
    check_dataset(dataset);
    check_pointer("out", out);
    std::vector<PointJob> work = jobs(nullptr);
    model_->executor().evaluate(dataset ? *dataset->images : kNoImages, n_, work.data());
    for (int i = 0; i < n_; ++i) out[i] = ist_metrics{work[i].loss, work[i].error};
}

void Points::predict(int index, const Dataset *dataset, float *out) {
    check_index("index", index);
    check_dataset(dataset);
    check_pointer("out", out);
    model_->executor().predict(dataset ? *dataset->images : kNoImages, jobs(nullptr)[index], out);
}

} // namespace ist
