// network_builder.cpp - see network_builder.h.
#include "network_builder.h"

#include <limits>

#include "error.h"

namespace ist {
namespace {

constexpr int64_t kLargest = std::numeric_limits<int32_t>::max(); // elements of a value, floats of a point

} // namespace

NetworkBuilder::NetworkBuilder(const std::string &spec, int channels, int height, int width, int n_classes) {
    network_.spec = spec;
    network_.channels = channels;
    network_.height = height;
    network_.width = width;
    network_.n_classes = n_classes;
    Value input;
    input.channels = channels;
    input.height = height;
    input.width = width;
    network_.values.push_back(input);
}

int NetworkBuilder::tensor(const std::string &name, std::vector<int64_t> shape, ParamTensor::Init init, int64_t fan,
                           bool statistic) {
    ParamTensor t;
    t.name = name;
    t.statistic = statistic;
    t.shape = std::move(shape);
    t.init = init;
    t.fan = fan;
    network_.tensors.push_back(std::move(t));
    return int(network_.tensors.size()) - 1;
}

int NetworkBuilder::append(Op op, int channels, int height, int width) {
    if (channels < 1 || height < 1 || width < 1)
        throw Error(IST_INVALID_ARGUMENT, "spec '" + network_.spec + "': images of " + std::to_string(network_.height) +
                                              " x " + std::to_string(network_.width) + " pixels are too small for it");
    if (int64_t(channels) * height > kLargest / width)
        throw Error(IST_INVALID_ARGUMENT, "spec '" + network_.spec + "': a layer's output has more than 2^31 values");
    Value v;
    v.channels = channels;
    v.height = height;
    v.width = width;
    network_.values.push_back(v);
    op.dst = int(network_.values.size()) - 1;
    network_.ops.push_back(op);
    return op.dst;
}

int NetworkBuilder::conv(int src, const std::string &name, int filters, int kernel, int stride, int padding,
                         bool bias) {
    const Value v = value(src);
    const int64_t fan_in = int64_t(v.channels) * kernel * kernel;
    Op op{OpKind::kConv};
    op.src = src;
    op.kernel = kernel;
    op.stride = stride;
    op.padding = padding;
    op.weight = tensor(name + ".weight", {filters, v.channels, kernel, kernel}, ParamTensor::Init::kHeNormal, fan_in);
    if (bias) op.bias = tensor(name + ".bias", {filters}, ParamTensor::Init::kUniform, fan_in);
    const auto places = [&](int size) {
        return size + 2 * padding < kernel ? 0 : (size + 2 * padding - kernel) / stride + 1;
    };
    return append(op, filters, places(v.height), places(v.width));
}

int NetworkBuilder::batch_norm(int src, const std::string &name, Activation activation, int residual) {
    network_.values.at(src).normalised = true;
    const Value v = value(src);
    Op op{OpKind::kBatchNorm};
    op.src = src;
    op.residual = residual;
    op.activation = activation;
    op.weight = tensor(name + ".weight", {v.channels}, ParamTensor::Init::kOne);
    op.bias = tensor(name + ".bias", {v.channels}, ParamTensor::Init::kZero);
    op.mean = tensor(name + ".running_mean", {v.channels}, ParamTensor::Init::kZero, 0, true);
    op.variance = tensor(name + ".running_var", {v.channels}, ParamTensor::Init::kOne, 0, true);
    return append(op, v.channels, v.height, v.width);
}

int NetworkBuilder::add(int src, int residual, Activation activation) {
    const Value v = value(src);
    Op op{OpKind::kAdd};
    op.src = src;
    op.residual = residual;
    op.activation = activation;
    return append(op, v.channels, v.height, v.width);
}

int NetworkBuilder::activation(int src, Activation activation) {
    const Value v = value(src);
    Op op{OpKind::kActivation};
    op.src = src;
    op.activation = activation;
    return append(op, v.channels, v.height, v.width);
}

int NetworkBuilder::concat(int src, int residual) {
    const Value v = value(src);
    Op op{OpKind::kConcat};
    op.src = src;
    op.residual = residual;
    return append(op, v.channels + value(residual).channels, v.height, v.width);
}

int NetworkBuilder::pad_shortcut(int src, int channels, int stride) {
    const Value v = value(src);
    Op op{OpKind::kPadShortcut};
    op.src = src;
    op.stride = stride;
    return append(op, channels, (v.height + stride - 1) / stride, (v.width + stride - 1) / stride);
}

int NetworkBuilder::avg_pool(int src, int window) {
    const Value v = value(src);
    Op op{OpKind::kAvgPool};
    op.src = src;
    op.window = op.stride = window;
    return append(op, v.channels, v.height / window, v.width / window);
}

int NetworkBuilder::max_pool(int src, int window) {
    const Value v = value(src);
    Op op{OpKind::kMaxPool};
    op.src = src;
    op.window = op.stride = window;
    return append(op, v.channels, v.height / window, v.width / window);
}

int NetworkBuilder::global_avg_pool(int src) {
    Op op{OpKind::kGlobalAvgPool};
    op.src = src;
    return append(op, value(src).channels, 1, 1);
}

int NetworkBuilder::linear(int src, const std::string &name, int outputs) {
    const int64_t inputs = value(src).elements();
    Op op{OpKind::kLinear};
    op.src = src;
    op.weight = tensor(name + ".weight", {outputs, inputs}, ParamTensor::Init::kUniform, inputs);
    op.bias = tensor(name + ".bias", {outputs}, ParamTensor::Init::kUniform, inputs);
    return append(op, outputs, 1, 1);
}

Network NetworkBuilder::finish(int logits) {
    Op loss{OpKind::kSoftmaxLoss};
    loss.src = logits;
    network_.ops.push_back(loss);

    // Parameters first, then statistics, each in the order they were made.
    std::vector<ParamTensor> ordered;
    std::vector<int> place(network_.tensors.size());
    for (bool statistic : {false, true})
        for (size_t i = 0; i < network_.tensors.size(); ++i)
            if (network_.tensors[i].statistic == statistic) {
                place[i] = int(ordered.size());
                ordered.push_back(network_.tensors[i]);
            }
    network_.tensors = std::move(ordered);
    for (Op &op : network_.ops)
        for (int *index : {&op.weight, &op.bias, &op.mean, &op.variance})
            if (*index >= 0) *index = place[*index];

    network_.n_params = network_.n_statistics = 0;
    for (ParamTensor &t : network_.tensors) {
        t.offset = network_.size();
        (t.statistic ? network_.n_statistics : network_.n_params) += t.size();
    }
    if (network_.size() > kLargest)
        throw Error(IST_INVALID_ARGUMENT, "spec '" + network_.spec + "': it has " + std::to_string(network_.size()) +
                                              " parameters, more than 2^31");
    return std::move(network_);
}

} // namespace ist
