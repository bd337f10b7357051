// network.h - a network as a list of values and ops: what is computed, not how.
//
// A network is written once, by architectures.cpp; a backend runs it. Activations are NHWC. A *value* is one activation
// tensor per image. Ops are in execution order; every op reads values of smaller index than it writes.
//
// Batch norm is split in two, after the algebra of DenseNet: the batch mean and variance belong to the *value*
// (computed once in its producer, shared by all consumers, Value::normalised), gamma and beta to the op that applies
// them (kBatchNorm). In the backward pass every consumer adds gamma * dy to the value's gradient G and the correction
// (G - mean(G) - xhat * mean(G * xhat)) * invstd is applied once, before the producer's backward.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ist {

enum class OpKind {
    kConv,          // dst = conv(src, weight) [+ bias]; square kernel, stride, zero padding
    kBatchNorm,     // dst = act(gamma * (src - mean) / sqrt(var + 1e-5) + beta [+ residual])
    kAdd,           // dst = act(src + residual)
    kActivation,    // dst = act(src)
    kConcat,        // dst = [src | residual] along channels; a backend may let all three share storage
    kPadShortcut,   // dst = src[::stride, ::stride], zero channels appended (half before, half after): shortcut A
    kAvgPool,       // non-overlapping window x window mean
    kMaxPool,       // non-overlapping window x window maximum; first maximum in row-major order wins
    kGlobalAvgPool, // dst 1 x 1
    kLinear,        // dst = weight * flatten(src) + bias; flatten in PyTorch's order C, H, W
    kSoftmaxLoss    // src = logits; mean cross-entropy and error against the labels
};

enum class Activation { kNone, kRelu, kTanh, kSigmoid };

struct Value {
    int height = 0, width = 0, channels = 0;
    bool normalised = false; // has batch statistics: some kBatchNorm reads it
    int elements() const { return height * width * channels; }
};

// A tensor of the point vector. offset counts floats from the start of the point.
struct ParamTensor {
    std::string name; // PyTorch key
    bool statistic = false;
    int64_t offset = 0;
    std::vector<int64_t> shape; // PyTorch's axes: conv OIHW, linear [out, in]
    // Initialisation (parameters only)
    enum class Init { kZero, kOne, kHeNormal, kUniform } init = Init::kZero;
    int64_t fan = 0; // kHeNormal: std = sqrt(2 / fan); kUniform: +- 1 / sqrt(fan)
    int64_t size() const {
        int64_t n = 1;
        for (int64_t s : shape) n *= s;
        return n;
    }
};

struct Op {
    OpKind kind;
    int src = -1;      // value index
    int residual = -1; // second value, or -1
    int dst = -1;      // value index; -1 for kSoftmaxLoss
    Activation activation = Activation::kNone;
    int kernel = 0, stride = 1, padding = 0, window = 0; // conv, shortcut, pools
    int weight = -1, bias = -1;                          // indices of ParamTensor; gamma and beta of batch norm
    int mean = -1, variance = -1;                        // batch norm: running statistics
};

struct Network {
    std::string spec;
    int channels = 0, height = 0, width = 0, n_classes = 0; // of the input image; value 0 is the input
    std::vector<Value> values;
    std::vector<Op> ops;
    std::vector<ParamTensor> tensors; // parameters first, then statistics, offsets ascending
    int64_t n_params = 0, n_statistics = 0;
    int64_t size() const { return n_params + n_statistics; }
    int64_t flops() const; // forward, per image, conv and linear, 2 per multiply-add
};

} // namespace ist
