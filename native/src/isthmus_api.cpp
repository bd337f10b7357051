// isthmus_api.cpp - the C functions: handles, NULL checks, and the one place where exceptions become statuses.
#include "isthmus/isthmus.h"

#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "engine.h"
#include "error.h"
#include "host_memory.h"
#include "model.h"
#include "points.h"

// A handle boxes a shared_ptr, so that handles may be destroyed in any order.
struct ist_engine {
    std::shared_ptr<ist::Engine> box;
};
struct ist_dataset {
    std::shared_ptr<ist::Dataset> box;
};
struct ist_model {
    std::shared_ptr<ist::Model> box;
};
struct ist_points {
    std::shared_ptr<ist::Points> box;
};

namespace {

using ist::Error;

std::atomic<int64_t> live_handles{0};
thread_local std::string last_error;

ist_status fail(const char *function, ist_status status, const char *text) noexcept {
    try {
        last_error = std::string(function) + ": " + text;
    } catch (...) {
        last_error.clear();
    }
    return status;
}

// Where nobody knows any more how much was asked for.
ist_status fail_without_memory(const char *function) noexcept {
    try {
        const std::string available = ist::bytes_in_words(ist::available_host_memory());
        return fail(function, IST_OUT_OF_MEMORY,
                    ("out of memory: " + available + " are available; use fewer points or a smaller batch").c_str());
    } catch (...) {
        return fail(function, IST_OUT_OF_MEMORY, "out of memory");
    }
}

template <typename Body> ist_status guard(const char *function, Body body) noexcept {
    last_error.clear();
    try {
        body();
        return IST_OK;
    } catch (const Error &e) {
        return fail(function, e.status, e.what());
    } catch (const std::bad_alloc &) {
        return fail_without_memory(function);
    } catch (const std::exception &e) {
        return fail(function, IST_INTERNAL, e.what());
    } catch (...) {
        return fail(function, IST_INTERNAL, "an unknown exception");
    }
}

// As guard, for work on a device: remembers that it failed, and refuses from then on.
template <typename Body> ist_status guard_device(const char *function, ist::Engine &engine, Body body) noexcept {
    return guard(function, [&] {
        engine.check_usable();
        try {
            body();
        } catch (const Error &e) {
            if (e.status == IST_DEVICE_ERROR) engine.mark_failed(e.what());
            throw;
        }
    });
}

void require(const char *name, const void *pointer) {
    if (!pointer) throw Error(IST_INVALID_ARGUMENT, std::string(name) + " must not be NULL");
}

// Runs body(points) under the guard of the points' device.
template <typename Body> ist_status with_points(const char *function, const ist_points *points, Body body) noexcept {
    if (!points) return guard(function, [] { require("points", nullptr); });
    return guard_device(function, *points->box->model()->engine(), [&] { body(*points->box); });
}

// Gives the caller a new handle; nothing can throw after it is counted.
template <typename Handle, typename T> void hand_out(Handle **out, std::shared_ptr<T> box) {
    Handle *handle = new Handle{std::move(box)};
    ++live_handles;
    *out = handle;
}

template <typename Handle> void destroy(Handle *handle) noexcept {
    if (!handle) return;
    delete handle;
    --live_handles;
}

// The value of an enumeration as the caller passed it, which may be none of its names: to be asked before it is used.
template <typename E> int number(const E &value) {
    int32_t bits;
    static_assert(sizeof bits == sizeof value, "C enumerations are 32 bits wide");
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

template <typename E> void check_enum(const char *name, const E &value, int last) {
    if (number(value) < 0 || number(value) > last)
        throw Error(IST_INVALID_ARGUMENT, std::string(name) + " must be 0 .. " + std::to_string(last) + ", got " +
                                              std::to_string(number(value)));
}

const ist::Dataset *unbox(const ist_dataset *dataset) { return dataset ? dataset->box.get() : nullptr; }

} // namespace

// --- library -------------------------------------------------------------------------------------------------------

const char *ist_version(void) { return IST_VERSION; }
const char *ist_last_error(void) { return last_error.c_str(); }
int64_t ist_live_handles(void) { return live_handles; }

// --- engine --------------------------------------------------------------------------------------------------------

ist_status ist_engine_create(ist_backend backend, int32_t device, int32_t n_threads, ist_engine **out) {
    return guard(__func__, [&] {
        require("out", out);
        check_enum("backend", backend, IST_BACKEND_EMULATED);
        hand_out(out, std::make_shared<ist::Engine>(backend, device, n_threads));
    });
}

void ist_engine_destroy(ist_engine *engine) { destroy(engine); }

const char *ist_engine_description(const ist_engine *engine) {
    return engine ? engine->box->backend().description().c_str() : "";
}

int32_t ist_engine_supports(const ist_engine *engine, ist_precision precision) {
    if (!engine || number(precision) < 0 || number(precision) > IST_FP16) return 0;
    return engine->box->backend().supports(precision) ? 1 : 0;
}

// --- data set ------------------------------------------------------------------------------------------------------

ist_status ist_dataset_create(ist_engine *engine, const uint8_t *images, const int32_t *labels, int64_t n_images,
                              int32_t channels, int32_t height, int32_t width, int32_t n_classes, const float *mean,
                              const float *std, ist_dataset **out) {
    if (!engine) return guard(__func__, [] { require("engine", nullptr); });
    return guard_device(__func__, *engine->box, [&] {
        require("images", images);
        require("labels", labels);
        require("mean", mean);
        require("std", std);
        require("out", out);
        const ist::HostImages host{images, labels, n_images, channels, height, width, n_classes, mean, std};
        hand_out(out, ist::create_dataset(engine->box, host));
    });
}

void ist_dataset_destroy(ist_dataset *dataset) { destroy(dataset); }

// --- model ---------------------------------------------------------------------------------------------------------

ist_status ist_model_create(ist_engine *engine, const char *spec, int32_t channels, int32_t height, int32_t width,
                            int32_t n_classes, ist_precision precision, ist_model **out) {
    if (!engine) return guard(__func__, [] { require("engine", nullptr); });
    return guard_device(__func__, *engine->box, [&] {
        require("spec", spec);
        require("out", out);
        check_enum("precision", precision, IST_FP16);
        hand_out(out, std::make_shared<ist::Model>(engine->box, spec, channels, height, width, n_classes, precision));
    });
}

void ist_model_destroy(ist_model *model) { destroy(model); }

int64_t ist_model_n_params(const ist_model *model) { return model ? model->box->network().n_params : 0; }
int64_t ist_model_n_statistics(const ist_model *model) { return model ? model->box->network().n_statistics : 0; }
int64_t ist_model_flops(const ist_model *model) { return model ? model->box->network().flops() : 0; }
int32_t ist_model_n_tensors(const ist_model *model) {
    return model ? int32_t(model->box->network().tensors.size()) : 0;
}

ist_status ist_model_tensor(const ist_model *model, int32_t index, ist_tensor *out) {
    return guard(__func__, [&] {
        require("model", model);
        require("out", out);
        const auto &tensors = model->box->network().tensors;
        if (index < 0 || size_t(index) >= tensors.size())
            throw Error(IST_INVALID_ARGUMENT,
                        "index must be 0 .. " + std::to_string(tensors.size() - 1) + ", got " + std::to_string(index));
        const ist::ParamTensor &tensor = tensors[index];
        ist_tensor t{tensor.name.c_str(),
                     tensor.statistic ? IST_TENSOR_STATISTIC : IST_TENSOR_PARAMETER,
                     tensor.offset,
                     int32_t(tensor.shape.size()),
                     {1, 1, 1, 1}};
        for (size_t axis = 0; axis < tensor.shape.size(); ++axis) t.shape[axis] = tensor.shape[axis];
        *out = t;
    });
}

ist_status ist_model_check_convolutions(ist_model *model, int32_t n_images, int32_t capacity,
                                        ist_convolution_check *out, int32_t *n_shapes) {
    if (!model) return guard(__func__, [] { require("model", nullptr); });
    return guard_device(__func__, *model->box->engine(), [&] {
        require("n_shapes", n_shapes);
        if (capacity > 0) require("out", out);
        if (n_images < 1)
            throw Error(IST_INVALID_ARGUMENT, "n_images must be at least 1, got " + std::to_string(n_images));
        if (model->box->is_surface()) throw Error(IST_INVALID_ARGUMENT, "a surface has no convolutions");
        const int n = model->box->executor().check_convolutions(n_images, capacity, out);
        if (n < 0) throw Error(IST_UNSUPPORTED, "this backend has no cuDNN to compare with; use the backend cuda");
        *n_shapes = n;
    });
}

// --- points --------------------------------------------------------------------------------------------------------

ist_status ist_points_create(ist_model *model, int32_t n_points, ist_points **out) {
    if (!model) return guard(__func__, [] { require("model", nullptr); });
    return guard_device(__func__, *model->box->engine(), [&] {
        require("out", out);
        hand_out(out, std::make_shared<ist::Points>(model->box, n_points));
    });
}

void ist_points_destroy(ist_points *points) { destroy(points); }

int32_t ist_points_count(const ist_points *points) { return points ? points->box->count() : 0; }

ist_status ist_points_initialise(ist_points *points, int32_t index, uint64_t seed) {
    return with_points(__func__, points, [&](ist::Points &p) { p.initialise(index, seed); });
}

ist_status ist_points_write(ist_points *points, int32_t index, const float *values) {
    return with_points(__func__, points, [&](ist::Points &p) { p.write(index, values); });
}

ist_status ist_points_read(const ist_points *points, int32_t index, float *out) {
    return with_points(__func__, points, [&](const ist::Points &p) { p.read(index, out); });
}

ist_status ist_points_write_momentum(ist_points *points, int32_t index, const float *values) {
    return with_points(__func__, points, [&](ist::Points &p) { p.write_momentum(index, values); });
}

ist_status ist_points_read_momentum(const ist_points *points, int32_t index, float *out) {
    return with_points(__func__, points, [&](const ist::Points &p) { p.read_momentum(index, out); });
}

ist_status ist_points_combine(ist_points *points, int32_t index, const ist_points *source, int32_t n_terms,
                              const int32_t *indices, const double *weights) {
    return with_points(__func__, points, [&](ist::Points &p) {
        require("source", source);
        p.combine(index, *source->box, n_terms, indices, weights);
    });
}

ist_status ist_points_distance(const ist_points *points, int32_t a, int32_t b, ist_geometry geometry, double *out) {
    return with_points(__func__, points, [&](const ist::Points &p) {
        require("out", out);
        check_enum("geometry", geometry, IST_GEOMETRY_ALL);
        *out = p.distance(a, b, geometry);
    });
}

ist_status ist_points_gradient(ist_points *points, const ist_dataset *dataset, const ist_sampling *sampling,
                               const uint64_t *streams, int64_t step, float *losses) {
    return with_points(__func__, points,
                       [&](ist::Points &p) { p.gradient({unbox(dataset), sampling, streams}, step, losses); });
}

ist_status ist_points_read_gradient(const ist_points *points, int32_t index, float *out) {
    return with_points(__func__, points, [&](const ist::Points &p) { p.read_gradient(index, out); });
}

ist_status ist_points_descend(ist_points *points, const ist_dataset *dataset, const ist_sampling *sampling,
                              const uint64_t *streams, const ist_sgd *sgd, int64_t first_step, int32_t n_steps,
                              float *losses) {
    return with_points(__func__, points, [&](ist::Points &p) {
        require("sgd", sgd);
        p.descend({unbox(dataset), sampling, streams}, *sgd, first_step, n_steps, losses);
    });
}

ist_status ist_points_relax(ist_points *points, const ist_dataset *dataset, const ist_sampling *sampling,
                            const uint64_t *streams, const ist_neb *neb, const float *spacing, int64_t first_step,
                            int32_t n_steps, float *losses) {
    return with_points(__func__, points, [&](ist::Points &p) {
        require("neb", neb);
        p.relax({unbox(dataset), sampling, streams}, *neb, spacing, first_step, n_steps, losses);
    });
}

ist_status ist_points_respace(ist_points *points, ist_geometry geometry, const float *spacing) {
    return with_points(__func__, points, [&](ist::Points &p) {
        check_enum("geometry", geometry, IST_GEOMETRY_ALL);
        p.respace(geometry, spacing);
    });
}

ist_status ist_points_recompute_statistics(ist_points *points, const ist_dataset *dataset, const ist_sampling *sampling,
                                           const uint64_t *streams, int32_t n_batches) {
    return with_points(__func__, points,
                       [&](ist::Points &p) { p.recompute_statistics({unbox(dataset), sampling, streams}, n_batches); });
}

ist_status ist_points_evaluate(const ist_points *points, const ist_dataset *dataset, ist_metrics *out) {
    return with_points(__func__, points, [&](ist::Points &p) { p.evaluate(unbox(dataset), out); });
}

ist_status ist_points_predict(const ist_points *points, int32_t index, const ist_dataset *dataset, float *out) {
    return with_points(__func__, points, [&](ist::Points &p) { p.predict(index, unbox(dataset), out); });
}
