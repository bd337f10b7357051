// cudnn_convolution.cpp - cuDNN 9 as a library of convolutions (convolution_library.h).
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "../error.h"
#include "convolution_library.h"
#include "cudnn_interface.h"

namespace ist::cuda {
namespace {

using cudnn::Functions;
using cudnn::Performance;

// Works on the device's stream.
class Handle {
  public:
    explicit Handle(Device &device) : functions(cudnn::functions()) {
        device.use();
        check(functions.cudnnCreate(&handle), "to start");
        check(functions.cudnnSetStream(handle, device.stream()), "to take the stream");
    }
    ~Handle() { functions.cudnnDestroy(handle); }
    Handle(const Handle &) = delete;

    void check(int status, const char *doing) const {
        if (status == cudnn::kSuccess) return;
        throw Error(IST_DEVICE_ERROR,
                    std::string("cuDNN failed ") + doing + ": " + functions.cudnnGetErrorString(status) + ".");
    }

    const Functions &functions;
    void *handle = nullptr;
};

class CudnnConvolution : public DenseConvolution {
  public:
    CudnnConvolution(std::shared_ptr<const Handle> handle, const ConvShape &shape, Element element, int n_images)
        : cudnn_(std::move(handle)) {
        const Functions &f = cudnn_->functions;
        void *const h = cudnn_->handle;
        const auto check = [&](int status, const char *doing) { cudnn_->check(status, doing); };
        const int type = element == Element::kFp32   ? cudnn::kFloat
                         : element == Element::kBf16 ? cudnn::kBfloat16
                                                     : cudnn::kHalf;
        check(f.cudnnCreateTensorDescriptor(&x_), "to describe an input");
        check(f.cudnnCreateTensorDescriptor(&y_), "to describe an output");
        check(f.cudnnCreateFilterDescriptor(&w_), "to describe filters");
        check(f.cudnnCreateConvolutionDescriptor(&convolution_), "to describe a convolution");
        check(f.cudnnSetTensor4dDescriptor(x_, cudnn::kNhwc, type, n_images, shape.in_channels, shape.in_height,
                                           shape.in_width),
              "to describe an input");
        check(f.cudnnSetTensor4dDescriptor(y_, cudnn::kNhwc, type, n_images, shape.filters, shape.height, shape.width),
              "to describe an output");
        check(f.cudnnSetFilter4dDescriptor(w_, type, cudnn::kNhwc, shape.filters, shape.in_channels, shape.kernel,
                                           shape.kernel),
              "to describe filters");
        check(f.cudnnSetConvolution2dDescriptor(convolution_, shape.padding, shape.padding, shape.stride, shape.stride,
                                                1, 1, cudnn::kCrossCorrelation, cudnn::kFloat),
              "to describe a convolution");
        check(f.cudnnSetConvolutionMathType(convolution_,
                                            element == Element::kFp32 ? cudnn::kFmaMath : cudnn::kTensorOpMath),
              "to describe a convolution");
        std::array<Performance, 16> found{};
        const int most = int(found.size());
        int n = 0;
        check(f.cudnnGetConvolutionForwardAlgorithm_v7(h, x_, w_, convolution_, y_, most, &n, found.data()),
              "to choose a forward algorithm");
        forward_ = choose(found.data(), n, [&](int algorithm, size_t *bytes) {
            return f.cudnnGetConvolutionForwardWorkspaceSize(h, x_, w_, convolution_, y_, algorithm, bytes);
        });
        check(f.cudnnGetConvolutionBackwardDataAlgorithm_v7(h, w_, y_, convolution_, x_, most, &n, found.data()),
              "to choose an algorithm of the data gradient");
        data_ = choose(found.data(), n, [&](int algorithm, size_t *bytes) {
            return f.cudnnGetConvolutionBackwardDataWorkspaceSize(h, w_, y_, convolution_, x_, algorithm, bytes);
        });
        check(f.cudnnGetConvolutionBackwardFilterAlgorithm_v7(h, x_, y_, convolution_, w_, most, &n, found.data()),
              "to choose an algorithm of the weight gradient");
        weights_ = choose(found.data(), n, [&](int algorithm, size_t *bytes) {
            return f.cudnnGetConvolutionBackwardFilterWorkspaceSize(h, x_, y_, convolution_, w_, algorithm, bytes);
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
        cudnn_->check(cudnn_->functions.cudnnConvolutionForward(cudnn_->handle, &kOne, x_, x, w_, w, convolution_,
                                                                forward_, workspace, workspace_bytes_, &kZero, y_, y),
                      "to convolve");
    }
    void backward_data(const void *dy, const void *w, void *dx, void *workspace) override {
        cudnn_->check(cudnn_->functions.cudnnConvolutionBackwardData(cudnn_->handle, &kOne, w_, w, y_, dy, convolution_,
                                                                     data_, workspace, workspace_bytes_, &kZero, x_,
                                                                     dx),
                      "to make a data gradient");
    }
    void backward_weights(const void *x, const void *dy, void *dw, void *workspace) override {
        cudnn_->check(cudnn_->functions.cudnnConvolutionBackwardFilter(cudnn_->handle, &kOne, x_, x, y_, dy,
                                                                       convolution_, weights_, workspace,
                                                                       workspace_bytes_, &kZero, w_, dw),
                      "to make a weight gradient");
    }

  private:
    static constexpr float kOne = 1, kZero = 0;

    // The first, and by cuDNN's word the fastest, that works and gives the same bits every time. workspace(algorithm,
    // &bytes): whether it can be done, and in what memory.
    template <class Workspace> int choose(const Performance *found, int n, Workspace workspace) {
        for (int i = 0; i < n; ++i) {
            size_t bytes = 0;
            if (found[i].status != cudnn::kSuccess || found[i].determinism != cudnn::kDeterministic ||
                workspace(found[i].algorithm, &bytes) != cudnn::kSuccess)
                continue;
            workspace_bytes_ = std::max(workspace_bytes_, bytes);
            return found[i].algorithm;
        }
        throw Error(IST_UNSUPPORTED, "cuDNN has no repeatable algorithm for a convolution of this network; do without "
                                     "(ISTHMUS_CONVOLUTIONS=own)");
    }

    const std::shared_ptr<const Handle> cudnn_;
    void *x_ = nullptr, *y_ = nullptr, *w_ = nullptr, *convolution_ = nullptr;
    int forward_ = 0, data_ = 0, weights_ = 0;
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

} // namespace

std::unique_ptr<ConvolutionLibrary> open_cudnn(Device &device) { return std::make_unique<Cudnn>(device); }

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
