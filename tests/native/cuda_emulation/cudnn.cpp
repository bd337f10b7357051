// cudnn.cpp - in cuDNN's place on the emulated device: plain loops behind its interface, in order on the stream. It
// wants what native/src/cuda/cudnn_convolution.cpp promises: dense NHWC, float32 sums, repeatable algorithms alone.
#include "native/src/cuda/cudnn_interface.h"

#include <memory>
#include <vector>

#include "checker.h"
#include "cuda_runtime.h"
#include "kernels/element.cuh"

namespace ist::cuda::cudnn {
namespace {

constexpr int kBadParameter = 2000;
constexpr int kNotRepeatable = 0, kRepeatable = 1; // algorithms
constexpr size_t kWorkspace = 64;

struct Context {
    cudaStream_t stream = nullptr;
};
struct Tensor {
    int type = -1, n = 0, channels = 0, height = 0, width = 0; // of filters: n of them, and their kernel
    int64_t size() const { return int64_t(n) * channels * height * width; }
};
struct Convolution {
    int padding = 0, stride = 0, math = -1;
};

Element element_of(int type) {
    return type == kFloat ? Element::kFp32 : type == kBfloat16 ? Element::kBf16 : Element::kFp16;
}

template <class T> int create(void **object) {
    *object = new T;
    return kSuccess;
}
template <class T> int destroy(void *object) {
    delete static_cast<T *>(object);
    return kSuccess;
}
const Tensor &tensor(void *descriptor) { return *static_cast<const Tensor *>(descriptor); }
const Convolution &convolution(void *descriptor) { return *static_cast<const Convolution *>(descriptor); }

int describe(void *object, int format, int type, int n, int c, int h, int w) {
    if (format != kNhwc || (type != kFloat && type != kHalf && type != kBfloat16)) return kBadParameter;
    if (c % (type == kFloat ? 4 : 8) != 0) return kBadParameter; // pixels of whole 16 bytes
    *static_cast<Tensor *>(object) = {type, n, c, h, w};
    return kSuccess;
}

bool fits(const Tensor &x, const Tensor &w, const Convolution &c, const Tensor &y) {
    const auto out = [&](int in, int kernel) { return (in + 2 * c.padding - kernel) / c.stride + 1; };
    return x.type == w.type && x.type == y.type && x.n == y.n && x.channels == w.channels && w.n == y.channels &&
           y.height == out(x.height, w.height) && y.width == out(x.width, w.width) &&
           c.math == (x.type == kFloat ? kFmaMath : kTensorOpMath);
}

int list_algorithms(bool fit, int requested, int *returned, Performance *performances) {
    if (!fit || requested < 2) return kBadParameter;
    performances[0] = {kNotRepeatable, kSuccess, 1, 0, 0, 0, {}};
    performances[1] = {kRepeatable, kSuccess, 2, kWorkspace, kDeterministic, 0, {}};
    *returned = 2;
    return kSuccess;
}

int tell_workspace(int algorithm, size_t *bytes) {
    *bytes = algorithm == kRepeatable ? kWorkspace : 0;
    return kSuccess;
}

std::vector<float> floats(const Tensor &t, const void *data) {
    std::vector<float> values(size_t(t.size()));
    with_element(element_of(t.type), [&](auto zero) {
        for (size_t i = 0; i < values.size(); ++i) values[i] = to_float(static_cast<const decltype(zero) *>(data)[i]);
    });
    return values;
}

void store(const Tensor &t, const std::vector<float> &values, void *data) {
    with_element(element_of(t.type), [&](auto zero) {
        using T = decltype(zero);
        for (size_t i = 0; i < values.size(); ++i) static_cast<T *>(data)[i] = from_float<T>(values[i]);
        emulation::checker::written(data, values.size() * sizeof(T));
    });
}

// Calls body with the places of the input, the filter's value and the output of every product.
template <class Body>
void each_product(const Tensor &x, const Tensor &w, const Convolution &c, const Tensor &y, Body body) {
    for (int image = 0; image < y.n; ++image)
        for (int oy = 0; oy < y.height; ++oy)
            for (int ox = 0; ox < y.width; ++ox)
                for (int ky = 0; ky < w.height; ++ky)
                    for (int kx = 0; kx < w.width; ++kx) {
                        const int iy = oy * c.stride + ky - c.padding, ix = ox * c.stride + kx - c.padding;
                        if (iy < 0 || ix < 0 || iy >= x.height || ix >= x.width) continue;
                        const int64_t in = ((int64_t(image) * x.height + iy) * x.width + ix) * x.channels;
                        const int64_t out = ((int64_t(image) * y.height + oy) * y.width + ox) * y.channels;
                        for (int f = 0; f < w.n; ++f) {
                            const int64_t taps = ((int64_t(f) * w.height + ky) * w.width + kx) * w.channels;
                            for (int channel = 0; channel < x.channels; ++channel)
                                body(size_t(in + channel), size_t(taps + channel), size_t(out + f));
                        }
                    }
}

// result[place(..)] = sum of a * b, on the stream.
template <class Sum>
int compute(void *handle, bool fit, const void *alpha, int algorithm, void *workspace, size_t bytes, const void *beta,
            const Tensor &a, const void *a_data, const Tensor &b, const void *b_data, const Tensor &result, void *data,
            Sum sum) {
    if (!fit || *static_cast<const float *>(alpha) != 1 || *static_cast<const float *>(beta) != 0 ||
        algorithm != kRepeatable || !workspace || bytes < kWorkspace)
        return kBadParameter;
    const int error = emulation::enqueue(static_cast<Context *>(handle)->stream, [=] {
        const std::vector<float> first = floats(a, a_data), second = floats(b, b_data);
        std::vector<float> values(size_t(result.size()), 0.0f);
        sum(first, second, values);
        store(result, values, data);
    });
    return error == cudaSuccess ? kSuccess : kBadParameter;
}

const char *cudnnGetErrorString(int status) { return status == kSuccess ? "success" : "a bad parameter"; }
int cudnnCreate(void **handle) { return create<Context>(handle); }
int cudnnDestroy(void *handle) { return destroy<Context>(handle); }
int cudnnSetStream(void *handle, void *stream) {
    static_cast<Context *>(handle)->stream = static_cast<cudaStream_t>(stream);
    return kSuccess;
}
int cudnnCreateTensorDescriptor(void **object) { return create<Tensor>(object); }
int cudnnDestroyTensorDescriptor(void *object) { return destroy<Tensor>(object); }
int cudnnSetTensor4dDescriptor(void *object, int format, int type, int n, int c, int h, int w) {
    return describe(object, format, type, n, c, h, w);
}
int cudnnCreateFilterDescriptor(void **object) { return create<Tensor>(object); }
int cudnnDestroyFilterDescriptor(void *object) { return destroy<Tensor>(object); }
int cudnnSetFilter4dDescriptor(void *object, int type, int format, int k, int c, int h, int w) {
    return describe(object, format, type, k, c, h, w);
}
int cudnnCreateConvolutionDescriptor(void **object) { return create<Convolution>(object); }
int cudnnDestroyConvolutionDescriptor(void *object) { return destroy<Convolution>(object); }
int cudnnSetConvolution2dDescriptor(void *object, int pad_h, int pad_w, int u, int v, int dilation_h, int dilation_w,
                                    int mode, int compute_type) {
    if (pad_h != pad_w || u != v || dilation_h != 1 || dilation_w != 1 || mode != kCrossCorrelation ||
        compute_type != kFloat)
        return kBadParameter;
    *static_cast<Convolution *>(object) = {pad_h, u, -1};
    return kSuccess;
}
int cudnnSetConvolutionMathType(void *object, int math) {
    static_cast<Convolution *>(object)->math = math;
    return kSuccess;
}
int cudnnGetConvolutionForwardAlgorithm_v7(void *, void *x, void *w, void *c, void *y, int requested, int *returned,
                                           Performance *performances) {
    return list_algorithms(fits(tensor(x), tensor(w), convolution(c), tensor(y)), requested, returned, performances);
}
int cudnnGetConvolutionBackwardDataAlgorithm_v7(void *, void *w, void *dy, void *c, void *dx, int requested,
                                                int *returned, Performance *performances) {
    return list_algorithms(fits(tensor(dx), tensor(w), convolution(c), tensor(dy)), requested, returned, performances);
}
int cudnnGetConvolutionBackwardFilterAlgorithm_v7(void *, void *x, void *dy, void *c, void *dw, int requested,
                                                  int *returned, Performance *performances) {
    return list_algorithms(fits(tensor(x), tensor(dw), convolution(c), tensor(dy)), requested, returned, performances);
}
int cudnnGetConvolutionForwardWorkspaceSize(void *, void *, void *, void *, void *, int algorithm, size_t *bytes) {
    return tell_workspace(algorithm, bytes);
}
int cudnnGetConvolutionBackwardDataWorkspaceSize(void *, void *, void *, void *, void *, int algorithm, size_t *bytes) {
    return tell_workspace(algorithm, bytes);
}
int cudnnGetConvolutionBackwardFilterWorkspaceSize(void *, void *, void *, void *, void *, int algorithm,
                                                   size_t *bytes) {
    return tell_workspace(algorithm, bytes);
}
int cudnnConvolutionForward(void *handle, const void *alpha, void *x, const void *x_data, void *w, const void *w_data,
                            void *c, int algorithm, void *workspace, size_t bytes, const void *beta, void *y,
                            void *y_data) {
    const Tensor in = tensor(x), filters = tensor(w), out = tensor(y);
    const Convolution shape = convolution(c);
    return compute(handle, fits(in, filters, shape, out), alpha, algorithm, workspace, bytes, beta, in, x_data, filters,
                   w_data, out, y_data, [=](const auto &a, const auto &b, auto &sums) {
                       each_product(in, filters, shape, out,
                                    [&](size_t i, size_t f, size_t o) { sums[o] += a[i] * b[f]; });
                   });
}
int cudnnConvolutionBackwardData(void *handle, const void *alpha, void *w, const void *w_data, void *dy,
                                 const void *dy_data, void *c, int algorithm, void *workspace, size_t bytes,
                                 const void *beta, void *dx, void *dx_data) {
    const Tensor in = tensor(dx), filters = tensor(w), out = tensor(dy);
    const Convolution shape = convolution(c);
    return compute(handle, fits(in, filters, shape, out), alpha, algorithm, workspace, bytes, beta, out, dy_data,
                   filters, w_data, in, dx_data, [=](const auto &a, const auto &b, auto &sums) {
                       each_product(in, filters, shape, out,
                                    [&](size_t i, size_t f, size_t o) { sums[i] += a[o] * b[f]; });
                   });
}
int cudnnConvolutionBackwardFilter(void *handle, const void *alpha, void *x, const void *x_data, void *dy,
                                   const void *dy_data, void *c, int algorithm, void *workspace, size_t bytes,
                                   const void *beta, void *dw, void *dw_data) {
    const Tensor in = tensor(x), filters = tensor(dw), out = tensor(dy);
    const Convolution shape = convolution(c);
    return compute(handle, fits(in, filters, shape, out), alpha, algorithm, workspace, bytes, beta, in, x_data, out,
                   dy_data, filters, dw_data, [=](const auto &a, const auto &b, auto &sums) {
                       each_product(in, filters, shape, out,
                                    [&](size_t i, size_t f, size_t o) { sums[f] += a[i] * b[o]; });
                   });
}

} // namespace

const Functions &functions() {
    static const Functions own = [] {
        Functions f;
#define IST_CUDNN_OWN(Result, name, parameters) f.name = name;
        IST_CUDNN_FUNCTIONS(IST_CUDNN_OWN)
#undef IST_CUDNN_OWN
        return f;
    }();
    return own;
}

} // namespace ist::cuda::cudnn
