// cudnn_convolution.cpp - cuDNN 9 as a library of convolutions (convolution_library.h), loaded when it is asked for.
//
// It is looked for as the system's loader does, then in the folders of CUDNN_HOME, CUDA_HOME and the CUDA toolkit, then
// where PyTorch's wheel has it below VIRTUAL_ENV or CONDA_PREFIX. Built without cudnn.h (IST_CUDNN_INCLUDE in
// ../../CMakeLists.txt), there is none.
#include <cstdlib>
#include <string>

#include "../error.h"
#include "convolution_library.h"

#ifdef IST_CUDNN
#include <cudnn.h>
#include <dlfcn.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <vector>
#endif

namespace ist::cuda {
namespace {

#ifdef IST_CUDNN

constexpr const char *kFile = "libcudnn.so.9";

std::vector<std::string> places() {
    std::vector<std::string> files = {kFile};
    const auto add = [&](const std::string &folder) { files.push_back(folder + "/" + kFile); };
    for (const char *name : {"CUDNN_HOME", "CUDA_HOME"})
        if (const char *home = std::getenv(name))
            for (const char *below : {"", "/lib64", "/lib"}) add(std::string(home) + below);
    add("/usr/local/cuda/lib64");
    for (const char *name : {"VIRTUAL_ENV", "CONDA_PREFIX"})
        if (const char *home = std::getenv(name)) {
            glob_t found{};
            const std::string pattern = std::string(home) + "/lib/python3*/site-packages/nvidia/cudnn/lib/" + kFile;
            if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
                files.insert(files.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
            globfree(&found);
        }
    return files;
}

void *load() {
    for (const std::string &file : places())
        if (void *library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    throw Error(IST_UNSUPPORTED, std::string("ISTHMUS_CONVOLUTIONS=cudnn needs cuDNN 9, and there is no ") + kFile +
                                     " where the system, CUDA or a Python environment keep libraries; name its folder "
                                     "in CUDNN_HOME or LD_LIBRARY_PATH, or unset ISTHMUS_CONVOLUTIONS");
}

// The functions of cuDNN by their own names.
struct Functions {
    void *const library = load();
#define IST_CUDNN_FUNCTION(name) decltype(&::name) name = find<decltype(&::name)>(#name)
    IST_CUDNN_FUNCTION(cudnnGetErrorString);
    IST_CUDNN_FUNCTION(cudnnCreate);
    IST_CUDNN_FUNCTION(cudnnDestroy);
    IST_CUDNN_FUNCTION(cudnnSetStream);
    IST_CUDNN_FUNCTION(cudnnCreateTensorDescriptor);
    IST_CUDNN_FUNCTION(cudnnDestroyTensorDescriptor);
    IST_CUDNN_FUNCTION(cudnnSetTensor4dDescriptor);
    IST_CUDNN_FUNCTION(cudnnCreateFilterDescriptor);
    IST_CUDNN_FUNCTION(cudnnDestroyFilterDescriptor);
    IST_CUDNN_FUNCTION(cudnnSetFilter4dDescriptor);
    IST_CUDNN_FUNCTION(cudnnCreateConvolutionDescriptor);
    IST_CUDNN_FUNCTION(cudnnDestroyConvolutionDescriptor);
    IST_CUDNN_FUNCTION(cudnnSetConvolution2dDescriptor);
    IST_CUDNN_FUNCTION(cudnnSetConvolutionMathType);
    IST_CUDNN_FUNCTION(cudnnGetConvolutionForwardAlgorithm_v7);
    IST_CUDNN_FUNCTION(cudnnGetConvolutionBackwardDataAlgorithm_v7);
    IST_CUDNN_FUNCTION(cudnnGetConvolutionBackwardFilterAlgorithm_v7);
    IST_CUDNN_FUNCTION(cudnnGetConvolutionForwardWorkspaceSize);
    IST_CUDNN_FUNCTION(cudnnGetConvolutionBackwardDataWorkspaceSize);
    IST_CUDNN_FUNCTION(cudnnGetConvolutionBackwardFilterWorkspaceSize);
    IST_CUDNN_FUNCTION(cudnnConvolutionForward);
    IST_CUDNN_FUNCTION(cudnnConvolutionBackwardData);
    IST_CUDNN_FUNCTION(cudnnConvolutionBackwardFilter);
#undef IST_CUDNN_FUNCTION

    template <class Function> Function find(const char *name) const {
        void *address = dlsym(library, name);
        if (!address)
            throw Error(IST_UNSUPPORTED,
                        std::string("cuDNN lacks ") + name + "; use version 9, or unset ISTHMUS_CONVOLUTIONS");
        return reinterpret_cast<Function>(address);
    }

    void check(cudnnStatus_t status, const char *doing) const {
        if (status == CUDNN_STATUS_SUCCESS) return;
        throw Error(IST_DEVICE_ERROR, std::string("cuDNN failed ") + doing + ": " + cudnnGetErrorString(status) + ".");
    }
};

// The library stays loaded; the handle works on the device's stream.
class Handle {
  public:
    explicit Handle(Device &device) {
        device.use();
        functions.check(functions.cudnnCreate(&handle), "to start");
        functions.check(functions.cudnnSetStream(handle, device.stream()), "to take the stream");
    }
    ~Handle() { functions.cudnnDestroy(handle); }
    Handle(const Handle &) = delete;
    const Functions functions;
    cudnnHandle_t handle = nullptr;
};

class CudnnConvolution : public DenseConvolution {
  public:
    CudnnConvolution(std::shared_ptr<const Handle> handle, const ConvShape &shape, Element element, int n_images)
        : cudnn_(std::move(handle)) {
        const Functions &f = cudnn_->functions;
        const cudnnDataType_t type = element == Element::kFp32   ? CUDNN_DATA_FLOAT
                                     : element == Element::kBf16 ? CUDNN_DATA_BFLOAT16
                                                                 : CUDNN_DATA_HALF;
        f.check(f.cudnnCreateTensorDescriptor(&x_), "to describe an input");
        f.check(f.cudnnCreateTensorDescriptor(&y_), "to describe an output");
        f.check(f.cudnnCreateFilterDescriptor(&w_), "to describe filters");
        f.check(f.cudnnCreateConvolutionDescriptor(&convolution_), "to describe a convolution");
        f.check(f.cudnnSetTensor4dDescriptor(x_, CUDNN_TENSOR_NHWC, type, n_images, shape.in_channels, shape.in_height,
                                             shape.in_width),
                "to describe an input");
        f.check(f.cudnnSetTensor4dDescriptor(y_, CUDNN_TENSOR_NHWC, type, n_images, shape.filters, shape.height,
                                             shape.width),
                "to describe an output");
        f.check(f.cudnnSetFilter4dDescriptor(w_, type, CUDNN_TENSOR_NHWC, shape.filters, shape.in_channels,
                                             shape.kernel, shape.kernel),
                "to describe filters");
        f.check(f.cudnnSetConvolution2dDescriptor(convolution_, shape.padding, shape.padding, shape.stride,
                                                  shape.stride, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
                "to describe a convolution");
        // FMA: without TF32.
        f.check(f.cudnnSetConvolutionMathType(convolution_,
                                              element == Element::kFp32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH),
                "to describe a convolution");
        std::array<cudnnConvolutionFwdAlgoPerf_t, 16> forward{};
        std::array<cudnnConvolutionBwdDataAlgoPerf_t, 16> data{};
        std::array<cudnnConvolutionBwdFilterAlgoPerf_t, 16> weights{};
        int n = 0;
        f.check(f.cudnnGetConvolutionForwardAlgorithm_v7(cudnn_->handle, x_, w_, convolution_, y_, int(forward.size()),
                                                         &n, forward.data()),
                "to choose a forward algorithm");
        forward_ = choose(forward, n, [&](cudnnConvolutionFwdAlgo_t algorithm, size_t *bytes) {
            return f.cudnnGetConvolutionForwardWorkspaceSize(cudnn_->handle, x_, w_, convolution_, y_, algorithm,
                                                             bytes);
        });
        f.check(f.cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnn_->handle, w_, y_, convolution_, x_,
                                                              int(data.size()), &n, data.data()),
                "to choose an algorithm of the data gradient");
        data_ = choose(data, n, [&](cudnnConvolutionBwdDataAlgo_t algorithm, size_t *bytes) {
            return f.cudnnGetConvolutionBackwardDataWorkspaceSize(cudnn_->handle, w_, y_, convolution_, x_, algorithm,
                                                                  bytes);
        });
        f.check(f.cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnn_->handle, x_, y_, convolution_, w_,
                                                                int(weights.size()), &n, weights.data()),
                "to choose an algorithm of the weight gradient");
        weights_ = choose(weights, n, [&](cudnnConvolutionBwdFilterAlgo_t algorithm, size_t *bytes) {
            return f.cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnn_->handle, x_, y_, convolution_, w_, algorithm,
                                                                    bytes);
        });
    }
    ~CudnnConvolution() override {
        const Functions &f = cudnn_->functions;
        if (x_) f.cudnnDestroyTensorDescriptor(x_);
        if (y_) f.cudnnDestroyTensorDescriptor(y_);
        if (w_) f.cudnnDestroyFilterDescriptor(w_);
        if (convolution_) f.cudnnDestroyConvolutionDescriptor(convolution_);
    }

    size_t workspace_bytes() const override { return workspace_bytes_; }

    void forward(const void *x, const void *w, void *y, void *workspace) override {
        const Functions &f = cudnn_->functions;
        f.check(f.cudnnConvolutionForward(cudnn_->handle, &kOne, x_, x, w_, w, convolution_, forward_, workspace,
                                          workspace_bytes_, &kZero, y_, y),
                "to convolve");
    }
    void backward_data(const void *dy, const void *w, void *dx, void *workspace) override {
        const Functions &f = cudnn_->functions;
        f.check(f.cudnnConvolutionBackwardData(cudnn_->handle, &kOne, w_, w, y_, dy, convolution_, data_, workspace,
                                               workspace_bytes_, &kZero, x_, dx),
                "to make a data gradient");
    }
    void backward_weights(const void *x, const void *dy, void *dw, void *workspace) override {
        const Functions &f = cudnn_->functions;
        f.check(f.cudnnConvolutionBackwardFilter(cudnn_->handle, &kOne, x_, x, y_, dy, convolution_, weights_,
                                                 workspace, workspace_bytes_, &kZero, w_, dw),
                "to make a weight gradient");
    }

  private:
    static constexpr float kOne = 1, kZero = 0;

    // The first, and by cuDNN's word the fastest, that works and gives the same bits every time. workspace(algorithm,
    // &bytes): whether it can be done, and in what memory.
    template <class Performances, class Workspace>
    auto choose(const Performances &performances, int n, Workspace workspace) -> decltype(performances[0].algo) {
        for (int i = 0; i < n; ++i) {
            const auto &p = performances[size_t(i)];
            size_t bytes = 0;
            if (p.status != CUDNN_STATUS_SUCCESS || p.determinism != CUDNN_DETERMINISTIC ||
                workspace(p.algo, &bytes) != CUDNN_STATUS_SUCCESS)
                continue;
            workspace_bytes_ = std::max(workspace_bytes_, bytes);
            return p.algo;
        }
        throw Error(IST_UNSUPPORTED, "cuDNN has no repeatable algorithm for a convolution of this network; unset "
                                     "ISTHMUS_CONVOLUTIONS");
    }

    const std::shared_ptr<const Handle> cudnn_;
    cudnnTensorDescriptor_t x_ = nullptr, y_ = nullptr;
    cudnnFilterDescriptor_t w_ = nullptr;
    cudnnConvolutionDescriptor_t convolution_ = nullptr;
    cudnnConvolutionFwdAlgo_t forward_{};
    cudnnConvolutionBwdDataAlgo_t data_{};
    cudnnConvolutionBwdFilterAlgo_t weights_{};
    size_t workspace_bytes_ = 0;
};

class Cudnn : public ConvolutionLibrary {
  public:
    explicit Cudnn(Device &device) : handle_(std::make_shared<const Handle>(device)) {}
    std::unique_ptr<DenseConvolution> prepare(const ConvShape &shape, Element element, int n_images) override {
        return std::make_unique<CudnnConvolution>(handle_, shape, element, n_images);
    }

  private:
    std::shared_ptr<const Handle> handle_;
};

std::unique_ptr<ConvolutionLibrary> open_cudnn(Device &device) { return std::make_unique<Cudnn>(device); }

#else

std::unique_ptr<ConvolutionLibrary> open_cudnn(Device &) {
    throw Error(IST_UNSUPPORTED, "this library was built without cuDNN; build it with IST_CUDNN_INCLUDE, or unset "
                                 "ISTHMUS_CONVOLUTIONS");
}

#endif

} // namespace

std::unique_ptr<ConvolutionLibrary> chosen_convolutions(Device &device) {
    const char *value = std::getenv("ISTHMUS_CONVOLUTIONS");
    const std::string choice = value ? value : "";
    if (choice == "cudnn") return open_cudnn(device);
    if (choice.empty() || choice == "auto" || choice == "own") return nullptr;
    throw Error(IST_INVALID_ARGUMENT,
                "the environment variable ISTHMUS_CONVOLUTIONS must be auto, own, cudnn or empty, got '" + choice +
                    "'");
}

} // namespace ist::cuda
