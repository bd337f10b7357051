// test_networks.cpp - see test_networks.h.
#include "test_networks.h"

#include <cmath>
#include <stdexcept>

namespace ist::test {

NetworkBuilder::NetworkBuilder(int channels, int height, int width, int n_classes) {
    network_.spec = "test";
    network_.channels = channels, network_.height = height, network_.width = width, network_.n_classes = n_classes;
    add_value(channels, height, width);
}

int NetworkBuilder::add_value(int channels, int height, int width) {
    if (channels < 1 || height < 1 || width < 1) throw std::invalid_argument("test network: empty value");
    Value v;
    v.channels = channels, v.height = height, v.width = width;
    network_.values.push_back(v);
    return int(network_.values.size()) - 1;
}

int NetworkBuilder::add_tensor(bool statistic, std::vector<int64_t> shape) {
    ParamTensor t;
    t.statistic = statistic;
    t.shape = std::move(shape);
    auto &list = statistic ? statistics_ : parameters_;
    t.name = (statistic ? "statistic" : "parameter") + std::to_string(list.size());
    list.push_back(t);
    return statistic ? -1 - int(list.size()) : int(list.size()) - 1;
}

int NetworkBuilder::add_op(Op op, int channels, int height, int width) {
    op.dst = add_value(channels, height, width);
    network_.ops.push_back(op);
    return op.dst;
}

int NetworkBuilder::conv(int src, int filters, int kernel, int stride, int padding, bool bias) {
    const Value v = shape(src);
    Op op{OpKind::kConv};
    op.src = src, op.kernel = kernel, op.stride = stride, op.padding = padding;
    op.weight = add_tensor(false, {filters, v.channels, kernel, kernel});
    if (bias) op.bias = add_tensor(false, {filters});
    return add_op(op, filters, (v.height + 2 * padding - kernel) / stride + 1,
                  (v.width + 2 * padding - kernel) / stride + 1);
}

int NetworkBuilder::batch_norm(int src, Activation activation, int residual) {
    network_.values.at(src).normalised = true;
    const Value v = shape(src);
    Op op{OpKind::kBatchNorm};
    op.src = src, op.residual = residual, op.activation = activation;
    op.weight = add_tensor(false, {v.channels});
    op.bias = add_tensor(false, {v.channels});
    op.mean = add_tensor(true, {v.channels});
    op.variance = add_tensor(true, {v.channels});
    return add_op(op, v.channels, v.height, v.width);
}

int NetworkBuilder::add(int src, int residual, Activation activation) {
    const Value v = shape(src);
    Op op{OpKind::kAdd};
    op.src = src, op.residual = residual, op.activation = activation;
    return add_op(op, v.channels, v.height, v.width);
}

int NetworkBuilder::activation(int src, Activation activation) {
    const Value v = shape(src);
    Op op{OpKind::kActivation};
    op.src = src, op.activation = activation;
    return add_op(op, v.channels, v.height, v.width);
}

int NetworkBuilder::concat(int src, int residual) {
    const Value v = shape(src);
    Op op{OpKind::kConcat};
    op.src = src, op.residual = residual;
    return add_op(op, v.channels + shape(residual).channels, v.height, v.width);
}

int NetworkBuilder::pad_shortcut(int src, int channels, int stride) {
    const Value v = shape(src);
    Op op{OpKind::kPadShortcut};
    op.src = src, op.stride = stride;
    return add_op(op, channels, (v.height + stride - 1) / stride, (v.width + stride - 1) / stride);
}

int NetworkBuilder::average_pool(int src, int window) {
    const Value v = shape(src);
    Op op{OpKind::kAvgPool};
    op.src = src, op.window = window, op.stride = window;
    return add_op(op, v.channels, v.height / window, v.width / window);
}

int NetworkBuilder::max_pool(int src, int window) {
    const Value v = shape(src);
    Op op{OpKind::kMaxPool};
    op.src = src, op.window = window, op.stride = window;
    return add_op(op, v.channels, v.height / window, v.width / window);
}

int NetworkBuilder::global_average_pool(int src) {
    const Value v = shape(src);
    Op op{OpKind::kGlobalAvgPool};
    op.src = src;
    return add_op(op, v.channels, 1, 1);
}

int NetworkBuilder::linear(int src, int n_out) {
    Op op{OpKind::kLinear};
    op.src = src;
    op.weight = add_tensor(false, {n_out, shape(src).elements()});
    op.bias = add_tensor(false, {n_out});
    return add_op(op, n_out, 1, 1);
}

Network NetworkBuilder::finish(int value) {
    const Value v = shape(value);
    const bool logits = v.height == 1 && v.width == 1 && v.channels == network_.n_classes && !network_.ops.empty() &&
                        network_.ops.back().kind == OpKind::kLinear;
    if (!logits) value = linear(value, network_.n_classes);
    Op loss{OpKind::kSoftmaxLoss};
    loss.src = value;
    network_.ops.push_back(loss);

    network_.tensors = parameters_;
    network_.tensors.insert(network_.tensors.end(), statistics_.begin(), statistics_.end());
    int64_t offset = 0;
    for (ParamTensor &t : network_.tensors) {
        t.offset = offset;
        offset += t.size();
        (t.statistic ? network_.n_statistics : network_.n_params) += t.size();
    }
    for (Op &op : network_.ops)
        for (int *index : {&op.mean, &op.variance})
            if (*index <= -2) *index = int(parameters_.size()) - 2 - *index;
    return network_;
}

uint64_t Random::next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}
double Random::uniform(double low, double high) { return low + (high - low) * (double(next() >> 11) * 0x1p-53); }
int Random::below(int n) { return int(next() % uint64_t(n)); }

std::vector<double> random_point(const Network &network, uint64_t seed) {
    Random random(seed * 7919 + 17);
    std::vector<double> point(network.size());
    std::vector<bool> centred(network.tensors.size(), true); // around 0; else around 1
    for (const Op &op : network.ops)
        if (op.kind == OpKind::kBatchNorm) centred.at(op.weight) = centred.at(op.variance) = false;
    for (size_t i = 0; i < network.tensors.size(); ++i) {
        const ParamTensor &t = network.tensors[i];
        int64_t fan_in = 1;
        for (size_t axis = 1; axis < t.shape.size(); ++axis) fan_in *= t.shape[axis];
        const double width = t.shape.size() > 1 ? std::sqrt(3.0 / double(fan_in)) : 0.5;
        for (int64_t j = 0; j < t.size(); ++j)
            point[t.offset + j] = float((centred[i] ? 0.0 : 1.0) + random.uniform(-width, width));
    }
    return point;
}

double Images::pixel(int image, int channel, int row, int column) const {
    const size_t j = ((size_t(image) * channels + channel) * height + row) * width + column;
    return (double(bytes[j]) / 255.0 - double(mean[channel])) / double(std[channel]);
}

ref::Batch Images::batch() const {
    ref::Batch b;
    b.n = n;
    for (int i = 0; i < n; ++i)
        for (int c = 0; c < channels; ++c)
            for (int y = 0; y < height; ++y)
                for (int x = 0; x < width; ++x) b.pixels.push_back(pixel(i, c, y, x));
    b.labels.assign(labels.begin(), labels.end());
    return b;
}

Images random_images(const Network &network, int n, uint64_t seed) {
    Random random(seed * 104729 + 3);
    Images images;
    images.n = n;
    images.channels = network.channels, images.height = network.height, images.width = network.width;
    images.n_classes = network.n_classes;
    images.bytes.resize(size_t(n) * network.channels * network.height * network.width);
    for (uint8_t &b : images.bytes) b = uint8_t(random.below(256));
    for (int i = 0; i < n; ++i) images.labels.push_back(random.below(network.n_classes));
    for (int c = 0; c < network.channels; ++c) {
        images.mean.push_back(float(random.uniform(0.4, 0.6)));
        images.std.push_back(float(random.uniform(0.2, 0.35)));
    }
    return images;
}

Case clear_case(Network network, int n, double margin, uint64_t seed) {
    Case c;
    c.network = std::move(network);
    for (uint64_t tried = 0; tried < 200; ++tried) {
        c.point = random_point(c.network, seed + tried);
        c.images = random_images(c.network, n, seed + tried);
        c.pass = ref::train(c.network, c.point, c.images.batch());
        if (c.pass.kink_margin >= margin) return c;
    }
    throw std::runtime_error("no seed keeps " + c.network.spec + " clear of kinks by " + std::to_string(margin));
}

} // namespace ist::test
