// plugin.cpp - see plugin.h. The objects of a plugin are wrapped: each call that may throw goes through
// ist_call_guarded of the plugin, and an exception of the core is made of the status that comes back.
#include "plugin.h"

#include <dlfcn.h>
#include <unistd.h>

#include <new>
#include <utility>

#include "error.h"
#include "plugin_interface.h"

namespace ist {
namespace {

constexpr size_t kMessageSize = 2048;

struct Plugin {
    decltype(&ist_create_plugin_backend) create;
    decltype(&ist_call_guarded) call;
};

void check(ist_status status, const char *message) {
    if (status == IST_OK) return;
    if (status == IST_OUT_OF_MEMORY && !message[0]) throw std::bad_alloc();
    throw Error(status, message);
}

// Runs `body` where the plugin catches what its own code throws. Nothing of the core may throw in it.
template <typename Body> void guarded(const Plugin &plugin, Body body) {
    char message[kMessageSize] = "";
    check(plugin.call([](void *context) { (*static_cast<Body *>(context))(); }, &body, message, sizeof message),
          message);
}

class PluginExecutor : public Executor {
  public:
    PluginExecutor(const Plugin &plugin, std::unique_ptr<Executor> executor)
        : plugin_(plugin), executor_(std::move(executor)) {}

    void train(const DeviceImages &images, const ist_sampling &sampling, int64_t step, int n, PointJob *jobs) override {
        guarded(plugin_, [&] { executor_->train(images, sampling, step, n, jobs); });
    }
    void descend(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps, int n,
                 PointJob *jobs, float *const *params, float *const *momentum, const ist_sgd &sgd,
                 float *losses) override {
        guarded(plugin_, [&] {
            executor_->descend(images, sampling, first_step, n_steps, n, jobs, params, momentum, sgd, losses);
        });
    }
    void relax(const DeviceImages &images, const ist_sampling &sampling, int64_t first_step, int n_steps,
               PointJob *jobs, const PathView &path, const ist_neb &neb, const float *spacing, float *losses) override {
        guarded(plugin_,
                [&] { executor_->relax(images, sampling, first_step, n_steps, jobs, path, neb, spacing, losses); });
    }
    void evaluate(const DeviceImages &images, int n, PointJob *jobs) override {
        guarded(plugin_, [&] { executor_->evaluate(images, n, jobs); });
    }
    void predict(const DeviceImages &images, const PointJob &job, float *log_probabilities) override {
        guarded(plugin_, [&] { executor_->predict(images, job, log_probabilities); });
    }
    void recompute_statistics(const DeviceImages &images, const ist_sampling &sampling, int n_batches, int n,
                              PointJob *jobs) override {
        guarded(plugin_, [&] { executor_->recompute_statistics(images, sampling, n_batches, n, jobs); });
    }
    int check_convolutions(int n_images, int capacity, ist_convolution_check *out) override {
        int n_shapes = 0;
        guarded(plugin_, [&] { n_shapes = executor_->check_convolutions(n_images, capacity, out); });
        return n_shapes;
    }

  private:
    Plugin plugin_;
    std::unique_ptr<Executor> executor_;
};

class PluginBackend : public Backend {
  public:
    PluginBackend(const Plugin &plugin, std::unique_ptr<Backend> backend)
        : plugin_(plugin), backend_(std::move(backend)) {}

    const std::string &description() const override { return backend_->description(); }
    bool supports(ist_precision precision) const override { return backend_->supports(precision); }

    float *allocate(int64_t count) override {
        float *vector = nullptr;
        guarded(plugin_, [&] { vector = backend_->allocate(count); });
        return vector;
    }
    void release(float *vector) noexcept override { backend_->release(vector); }
    void upload(float *dst, const float *host_src, int64_t count) override {
        guarded(plugin_, [&] { backend_->upload(dst, host_src, count); });
    }
    void download(float *host_dst, const float *src, int64_t count) override {
        guarded(plugin_, [&] { backend_->download(host_dst, src, count); });
    }
    void copy(float *dst, const float *src, int64_t count) override {
        guarded(plugin_, [&] { backend_->copy(dst, src, count); });
    }
    void clear(float *dst, int64_t count) override {
        guarded(plugin_, [&] { backend_->clear(dst, count); });
    }

    std::unique_ptr<DeviceImages> load(const HostImages &images) override {
        std::unique_ptr<DeviceImages> loaded;
        guarded(plugin_, [&] { loaded = backend_->load(images); });
        return loaded;
    }
    std::unique_ptr<Executor> prepare(const Network &network, ist_precision precision) override {
        std::unique_ptr<Executor> executor;
        guarded(plugin_, [&] { executor = backend_->prepare(network, precision); });
        return std::make_unique<PluginExecutor>(plugin_, std::move(executor));
    }

    void combine(float *dst, int n_terms, const float *const *src, const double *weights, int64_t count) override {
        guarded(plugin_, [&] { backend_->combine(dst, n_terms, src, weights, count); });
    }
    double squared_distance(const float *a, const float *b, int64_t count) override {
        double distance = 0;
        guarded(plugin_, [&] { distance = backend_->squared_distance(a, b, count); });
        return distance;
    }
    void sgd_update(int n, float *const *params, const float *const *gradient, float *const *momentum,
                    const ist_sgd &sgd, int64_t count) override {
        guarded(plugin_, [&] { backend_->sgd_update(n, params, gradient, momentum, sgd, count); });
    }
    void path_dots(const PathView &path, float weight_decay, PathDots *dots) override {
        guarded(plugin_, [&] { backend_->path_dots(path, weight_decay, dots); });
    }
    void path_update(const PathView &path, const ist_sgd &sgd, const PathForce *forces, double *squared_gaps) override {
        guarded(plugin_, [&] { backend_->path_update(path, sgd, forces, squared_gaps); });
    }
    void path_respace(const PathView &path, const PathPlace *places) override {
        guarded(plugin_, [&] { backend_->path_respace(path, places); });
    }

  private:
    Plugin plugin_;
    std::unique_ptr<Backend> backend_;
};

std::string why_missing(ist_backend kind, const std::string &file) {
    if (kind == IST_BACKEND_EMULATED)
        return "the emulated backend, which is for tests, is not built here (there is no " + file +
               "); ./isthmus test --native builds it, everything else uses the backend cpu";
    return "the CUDA backend is not built here (there is no " + file +
           "); build it with ./isthmus build --cuda, or use the backend cpu";
}

Plugin open_plugin(ist_backend kind, const std::string &file) {
    if (access(file.c_str(), F_OK) != 0) throw Error(IST_UNSUPPORTED, why_missing(kind, file));
    void *library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const auto explained = [&](const char *reason) {
        return Error(IST_UNSUPPORTED, file + " cannot be used (" + (reason ? reason : "no reason given") +
                                          "); build it anew with ./isthmus build --cuda, or use the backend cpu");
    };
    if (!library) throw explained(dlerror());
    const Plugin plugin{
        reinterpret_cast<decltype(Plugin::create)>(dlsym(library, "ist_create_plugin_backend")),
        reinterpret_cast<decltype(Plugin::call)>(dlsym(library, "ist_call_guarded")),
    };
    if (!plugin.create || !plugin.call) throw explained("it holds no backend of Isthmus");
    return plugin;
}

} // namespace

std::string plugin_folder() {
    Dl_info info;
    if (!dladdr(reinterpret_cast<const void *>(&plugin_folder), &info) || !info.dli_fname) return ".";
    const std::string file = info.dli_fname;
    const size_t slash = file.rfind('/');
    return slash == std::string::npos ? "." : file.substr(0, slash);
}

std::unique_ptr<Backend> load_backend(ist_backend kind, int device, const std::string &folder) {
    const char *name = kind == IST_BACKEND_EMULATED ? "/libisthmus_emulated.so" : "/libisthmus_cuda.so";
    const Plugin plugin = open_plugin(kind, folder + name);
    Backend *backend = nullptr;
    char message[kMessageSize] = "";
    check(plugin.create(device, IST_INTERFACE, &backend, message, sizeof message), message);
    return std::make_unique<PluginBackend>(plugin, std::unique_ptr<Backend>(backend));
}

} // namespace ist
