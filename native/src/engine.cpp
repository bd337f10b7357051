// engine.cpp - see engine.h.
#include "engine.h"

#include <cmath>

#include "error.h"
#include "plugin.h"

namespace ist {
namespace {

constexpr int kMostThreads = 1024;
constexpr int64_t kMostImages = int64_t(1) << 31;
constexpr int kLargestExtent = 4096, kMostClasses = 65536;

[[noreturn]] void invalid(const std::string &text) { throw Error(IST_INVALID_ARGUMENT, text); }

void check_range(const char *what, int64_t value, int64_t low, int64_t high) {
    if (value < low || value > high)
        invalid(std::string(what) + " must be " + std::to_string(low) + " .. " + std::to_string(high) + ", got " +
                std::to_string(value));
}

} // namespace

Engine::Engine(ist_backend kind, int device, int n_threads) {
    check_range("n_threads", n_threads, 0, kMostThreads);
    if (kind != IST_BACKEND_CPU) {
        backend_ = load_backend(kind, device, plugin_folder());
        return;
    }
    check_range("device", device, 0, 0);
    backend_ = create_cpu_backend(n_threads);
}

void Engine::check_usable() const {
    if (!failure_.empty()) throw Error(IST_DEVICE_ERROR, failure_);
}

std::shared_ptr<Dataset> create_dataset(const std::shared_ptr<Engine> &engine, const HostImages &images) {
    check_range("n_images", images.n_images, 1, kMostImages);
    check_range("channels", images.channels, 1, kLargestExtent);
    check_range("height", images.height, 1, kLargestExtent);
    check_range("width", images.width, 1, kLargestExtent);
    check_range("n_classes", images.n_classes, 2, kMostClasses);
    for (int c = 0; c < images.channels; ++c) {
        if (!std::isfinite(images.mean[c]))
            invalid("mean[" + std::to_string(c) + "] must be finite, got " + std::to_string(images.mean[c]));
        if (!std::isfinite(images.std[c]) || images.std[c] <= 0)
            invalid("std[" + std::to_string(c) + "] must be finite and > 0, got " + std::to_string(images.std[c]));
    }
    for (int64_t i = 0; i < images.n_images; ++i)
        if (images.labels[i] < 0 || images.labels[i] >= images.n_classes)
            invalid("labels[" + std::to_string(i) + "] must be 0 .. " + std::to_string(images.n_classes - 1) +
                    ", got " + std::to_string(images.labels[i]));
    auto dataset = std::make_shared<Dataset>();
    dataset->engine = engine;
    dataset->images = engine->backend().load(images);
    return dataset;
}

} // namespace ist
