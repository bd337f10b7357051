// test_plugin.cpp - libraries that are not there, are none, or are of another build; every exception of a plugin on its
// way through the boundary (plugins/throwing_backend.cpp); what is said of drivers and devices that will not do.
#include <exception>
#include <fstream>
#include <functional>
#include <new>
#include <unistd.h>

#include <gtest/gtest.h>

#include "cuda/device_state.h"
#include "error.h"
#include "network.h"
#include "plugin.h"

namespace ist::test {
namespace {

const std::string kPlugins = plugin_folder() + "/plugins";

// The call throws ist::Error with this status and a sentence that has `part` in it, and leaves the C++ runtime as it
// was.
void expect_error(ist_status status, const std::string &part, const std::function<void()> &call) {
    try {
        call();
        ADD_FAILURE() << "nothing was thrown; expected: " << part;
    } catch (const Error &e) {
        EXPECT_EQ(e.status, status) << e.what();
        EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
    EXPECT_EQ(std::uncaught_exceptions(), 0);
}

std::unique_ptr<Backend> throwing() { return load_backend(IST_BACKEND_CUDA, 0, kPlugins + "/throwing"); }

TEST(Plugin, MissingLibrarySaysHowToBuildIt) {
    expect_error(IST_UNSUPPORTED, "the CUDA backend is not built here (there is no /nowhere/libisthmus_cuda.so); build",
                 [] { load_backend(IST_BACKEND_CUDA, 0, "/nowhere"); });
    expect_error(IST_UNSUPPORTED, "the emulated backend, which is for tests, is not built here",
                 [] { load_backend(IST_BACKEND_EMULATED, 0, "/nowhere"); });
}

TEST(Plugin, FileThatIsNoLibrary) {
    const std::string folder = testing::TempDir() + "isthmus-plugin-" + std::to_string(getpid());
    ASSERT_EQ(std::system(("mkdir -p " + folder).c_str()), 0);
    std::ofstream(folder + "/libisthmus_cuda.so") << "no library";
    expect_error(IST_UNSUPPORTED, "libisthmus_cuda.so cannot be used (",
                 [&] { load_backend(IST_BACKEND_CUDA, 0, folder); });
    std::system(("rm -r " + folder).c_str());
}

TEST(Plugin, LibraryOfAnotherBuild) {
    expect_error(IST_UNSUPPORTED, "of another build",
                 [] { load_backend(IST_BACKEND_CUDA, 0, kPlugins + "/other_build"); });
}

TEST(Plugin, LibraryWithoutBackend) {
    expect_error(IST_UNSUPPORTED, "holds no backend of Isthmus",
                 [] { load_backend(IST_BACKEND_CUDA, 0, kPlugins + "/none"); });
}

TEST(Plugin, RefusedDevice) {
    expect_error(IST_UNSUPPORTED, "there is no device 3",
                 [] { load_backend(IST_BACKEND_CUDA, 3, kPlugins + "/throwing"); });
}

TEST(Plugin, ResultsComeThrough) {
    const auto backend = throwing();
    EXPECT_EQ(backend->description(), "a backend that throws");
    EXPECT_TRUE(backend->supports(IST_FP32));
    EXPECT_FALSE(backend->supports(IST_BF16));
    float *vector = backend->allocate(8);
    ASSERT_NE(vector, nullptr);
    const float one = 1;
    EXPECT_EQ(backend->squared_distance(&one, vector, 1), 1.0);
    backend->release(vector);
    HostImages host{};
    host.n_images = 7;
    const auto images = backend->load(host);
    EXPECT_EQ(images->n_images, 7);
    PointJob job;
    backend->prepare(Network(), IST_FP32)->evaluate(*images, 1, &job);
    EXPECT_EQ(job.loss, 0.5);
}

TEST(Plugin, ExceptionsOfABackend) {
    const auto backend = throwing();
    const PathView path{};
    const ist_sgd sgd{};
    Network network;
    network.spec = "resnet20", network.n_params = 1;
    expect_error(IST_DEVICE_ERROR, "clear failed", [&] { backend->clear(nullptr, 0); });
    expect_error(IST_INTERNAL, "download failed", [&] { backend->download(nullptr, nullptr, 0); });
    expect_error(IST_INTERNAL, "an unknown exception", [&] { backend->upload(nullptr, nullptr, 0); });
    expect_error(IST_UNSUPPORTED, "prepare failed for resnet20", [&] { backend->prepare(network, IST_FP32); });
    expect_error(IST_INTERNAL, "combine failed", [&] { backend->combine(nullptr, 0, nullptr, nullptr, 0); });
    expect_error(IST_INTERNAL, "sgd_update failed", [&] { backend->sgd_update(0, nullptr, nullptr, nullptr, sgd, 0); });
    expect_error(IST_INTERNAL, "path_dots failed", [&] { backend->path_dots(path, 0, nullptr); });
    expect_error(IST_INTERNAL, "path_update failed", [&] { backend->path_update(path, sgd, nullptr, nullptr); });
    expect_error(IST_INTERNAL, "path_respace failed", [&] { backend->path_respace(path, nullptr); });
    EXPECT_THROW(backend->copy(nullptr, nullptr, 0), std::bad_alloc);
    EXPECT_EQ(std::uncaught_exceptions(), 0);
}

TEST(Plugin, LongSentenceIsCut) {
    const auto backend = throwing();
    try {
        backend->allocate(9);
        FAIL();
    } catch (const Error &e) {
        EXPECT_EQ(e.status, IST_OUT_OF_MEMORY);
        EXPECT_GT(std::string(e.what()).size(), 1000u);
        EXPECT_LT(std::string(e.what()).size(), 5000u);
    }
}

TEST(Plugin, ExceptionsOfAnExecutor) {
    const auto backend = throwing();
    HostImages host{};
    host.n_images = 7;
    const auto images = backend->load(host);
    const auto executor = backend->prepare(Network(), IST_FP32);
    const ist_sampling sampling{};
    PointJob job;
    expect_error(IST_DEVICE_ERROR, "training failed on 7 images",
                 [&] { executor->train(*images, sampling, 0, 1, &job); });
    expect_error(IST_DEVICE_ERROR, "descend failed",
                 [&] { executor->descend(*images, sampling, 0, 1, 1, &job, nullptr, nullptr, ist_sgd{}, nullptr); });
    expect_error(IST_DEVICE_ERROR, "relax failed",
                 [&] { executor->relax(*images, sampling, 0, 1, &job, PathView{}, ist_neb{}, nullptr, nullptr); });
    expect_error(IST_INTERNAL, "no such statistic",
                 [&] { executor->recompute_statistics(*images, sampling, 1, 1, &job); });
    EXPECT_THROW(executor->predict(*images, job, nullptr), std::bad_alloc);
    EXPECT_EQ(std::uncaught_exceptions(), 0);
}

// A machine with this driver, this toolkit, and devices of one kind.
cuda::DeviceState machine(int driver, int runtime, int n_devices, const std::string &failure = "",
                          const std::string &name = "NVIDIA H100", int major = 9, int minor = 0) {
    return {driver, runtime, failure, n_devices, name, major, minor};
}

TEST(DeviceState, SaysWhatIsMissing) {
    const std::string insufficient = "CUDA driver version is insufficient for CUDA runtime version";
    EXPECT_EQ(why_unusable(machine(13000, 13000, 1), 0), "");
    EXPECT_EQ(why_unusable(machine(13020, 13000, 2, "", "NVIDIA A100", 8, 0), 1), "");
    EXPECT_EQ(why_unusable(machine(12040, 12080, 1), 0), "") << "older within the major version";
    const auto says = [](const std::string &part, const cuda::DeviceState &state, int device = 0) {
        const std::string sentence = why_unusable(state, device);
        EXPECT_NE(sentence.find(part), std::string::npos) << sentence;
    };
    says("no NVIDIA driver", machine(0, 13000, 0, insufficient));
    says("too old: it runs programs of CUDA 12.4, but the CUDA backend was built with 13.0",
         machine(12040, 13000, 0, insufficient));
    says("finds no device (no CUDA-capable device is detected); see what nvidia-smi says",
         machine(13000, 13000, 0, "no CUDA-capable device is detected"));
    says("finds no device; see", machine(13000, 13000, 0));
    says("there is no device 1: this machine has one, number 0", machine(13000, 13000, 1), 1);
    says("there is no device -1: this machine has 4, numbers 0 .. 3", machine(13000, 13000, 4), -1);
    says("device 0 (Tesla T4) has compute capability 7.5, but 8.0 is needed",
         machine(13000, 13000, 1, "", "Tesla T4", 7, 5));
}

} // namespace
} // namespace ist::test
