// architectures.cpp - see architectures.h.
#include "architectures.h"

#include <cmath>

#include "error.h"
#include "network_builder.h"
#include "random.h"

namespace ist {
namespace {

constexpr int kDeepest = 1202; // the deepest network of He et al.

std::string str(int number) { return std::to_string(number); }

void check_depth(const ModelSpec &spec, int depth, int base, int per_block, const char *rule) {
    if (depth <= base || (depth - base) % per_block != 0 || depth > kDeepest)
        spec.fail("the depth must be " + std::string(rule) + " and at most " + str(kDeepest) + ", got " + str(depth));
}

void check_images(const ModelSpec &spec, int height, int width, int least) {
    if (height < least || width < least)
        spec.fail("images must have at least " + str(least) + " x " + str(least) + " pixels, got " + str(height) +
                  " x " + str(width));
}

// conv - bn - relu - conv - bn - (+ shortcut) - relu, after He et al. 2016, figure 2 and section 4.2.
Network resnet(const ModelSpec &spec, NetworkBuilder &net) {
    if (spec.numbers().size() != 1) spec.fail("a ResNet is named by its depth, as in resnet20");
    const int depth = spec.numbers()[0];
    check_depth(spec, depth, 2, 6, "6n+2 (8, 14, 20, 32, 44, 56, 110)");
    check_images(spec, net.value(0).height, net.value(0).width, 4);
    const bool shortcut_b = spec.choice("shortcut", 0, {"A", "B"}) == 1;
    const int base = spec.integer("width", 16, 1, 4096), blocks = (depth - 2) / 6;

    int x = net.conv(net.input(), "conv1", base, 3, 1, 1);
    x = net.batch_norm(x, "bn1", Activation::kRelu);
    for (int stage = 0; stage < 3; ++stage) {
        const int filters = base << stage;
        for (int block = 0; block < blocks; ++block) {
            const std::string name = "layer" + str(stage + 1) + "." + str(block) + ".";
            const bool narrows = stage > 0 && block == 0;
            int y = net.conv(x, name + "conv1", filters, 3, narrows ? 2 : 1, 1);
            y = net.batch_norm(y, name + "bn1", Activation::kRelu);
            y = net.conv(y, name + "conv2", filters, 3, 1, 1);
            if (!narrows) {
                x = net.batch_norm(y, name + "bn2", Activation::kRelu, x);
            } else if (!shortcut_b) {
                const int shortcut = net.pad_shortcut(x, filters, 2);
                x = net.batch_norm(y, name + "bn2", Activation::kRelu, shortcut);
            } else {
                // The shortcut's batch norm is the residual of the other: tensors in PyTorch's order.
                y = net.batch_norm(y, name + "bn2");
                x = net.conv(x, name + "downsample.0", filters, 1, 2, 0);
                x = net.batch_norm(x, name + "downsample.1", Activation::kRelu, y);
            }
        }
    }
    return net.finish(net.linear(net.global_avg_pool(x), "linear_out", net.n_classes()));
}

// bn - relu - conv, each layer fed by all before it. A transition pools before its 1 x 1 convolution: the two commute
// and the convolution costs a quarter.
Network densenet(const ModelSpec &spec, NetworkBuilder &net) {
    if (spec.numbers().size() != 2) spec.fail("a DenseNet is named by its depth and growth rate, as in densenet40-12");
    const bool bc = spec.word() == "bc";
    const bool bottleneck = spec.flag("bottleneck", bc);
    const double compression = spec.real("compression", bc ? 0.5 : 1.0, 0.05, 1.0);
    const int depth = spec.numbers()[0], growth = spec.numbers()[1];
    if (bottleneck) check_depth(spec, depth, 4, 6, "6n+4 with bottlenecks (40, 100, 190, 250)");
    else check_depth(spec, depth, 4, 3, "3n+4 (22, 40, 100)");
    check_images(spec, net.value(0).height, net.value(0).width, 4);
    const int layers = (depth - 4) / (bottleneck ? 6 : 3);

    // Twice the growth rate in every variant, as in the authors' code (the paper: 16 channels where it is not BC).
    int x = net.conv(net.input(), "conv1", 2 * growth, 3, 1, 1);
    for (int stage = 1; stage <= 3; ++stage) {
        for (int layer = 0; layer < layers; ++layer) {
            const std::string name = "dense" + str(stage) + "." + str(layer) + ".";
            int y = net.batch_norm(x, name + "bn1", Activation::kRelu);
            if (bottleneck) {
                y = net.conv(y, name + "conv1", 4 * growth, 1, 1, 0);
                y = net.batch_norm(y, name + "bn2", Activation::kRelu);
                y = net.conv(y, name + "conv2", growth, 3, 1, 1);
            } else {
                y = net.conv(y, name + "conv1", growth, 3, 1, 1);
            }
            x = net.concat(x, y);
        }
        if (stage < 3) {
            const std::string name = "trans" + str(stage) + ".";
            const int channels = int(std::floor(net.value(x).channels * compression));
            x = net.batch_norm(x, name + "bn1", Activation::kRelu);
            x = net.avg_pool(x, 2);
            x = net.conv(x, name + "conv1", channels, 1, 1, 0);
        }
    }
    x = net.batch_norm(x, "bn1", Activation::kRelu);
    return net.finish(net.linear(net.global_avg_pool(x), "linear_out", net.n_classes()));
}

// linear - [bn] - activation, any number of times.
int hidden(NetworkBuilder &net, int x, const std::string &name, int width, bool normalise, Activation activation) {
    x = net.linear(x, name + "linear", width);
    return normalise ? net.batch_norm(x, name + "batch_norm", activation) : net.activation(x, activation);
}

Network mlp(const ModelSpec &spec, NetworkBuilder &net) {
    const Activation activations[] = {Activation::kRelu, Activation::kTanh, Activation::kSigmoid};
    const Activation activation = activations[spec.choice("activation", 0, {"relu", "tanh", "sigmoid"})];
    const bool normalise = spec.flag("batchnorm", false);
    int x = net.input();
    for (size_t i = 0; i < spec.numbers().size(); ++i)
        x = hidden(net, x, "body.layer_" + str(int(i)) + ".", spec.numbers()[i], normalise, activation);
    return net.finish(net.linear(x, "final", net.n_classes()));
}

// The authors' CNN: conv - 2 x 2 max pooling - [bn] - relu, then at most one hidden layer.
Network cnn(const ModelSpec &spec, NetworkBuilder &net) {
    if (spec.numbers().empty()) spec.fail("a CNN is named by the widths of its convolutions, as in cnn-16-32");
    const int kernel = spec.integer("kernel", 3, 1, 15), dense = spec.integer("dense", 0, 0, 65536);
    if (kernel % 2 == 0) spec.fail("kernel must be odd, got " + str(kernel));
    const bool normalise = spec.flag("batchnorm", false);
    const int n_layers = int(spec.numbers().size());
    check_images(spec, net.value(0).height, net.value(0).width, n_layers < 30 ? 1 << n_layers : 1 << 30);
    int x = net.input();
    for (int i = 0; i < n_layers; ++i) {
        const std::string name = "conv.conv_" + str(i) + ".";
        x = net.conv(x, name + "conv", spec.numbers()[i], kernel, 1, kernel / 2, true);
        x = net.max_pool(x, 2);
        x = normalise ? net.batch_norm(x, name + "batchnorm", Activation::kRelu) : net.activation(x, Activation::kRelu);
    }
    if (dense > 0) x = hidden(net, x, "fc.fc_0.", dense, normalise, Activation::kRelu);
    return net.finish(net.linear(x, "final", net.n_classes()));
}

} // namespace

Network build_network(const ModelSpec &spec, int channels, int height, int width, int n_classes) {
    const auto check = [](const char *what, int value, int low, int high) {
        if (value < low || value > high)
            throw Error(IST_INVALID_ARGUMENT,
                        std::string(what) + " must be " + str(low) + " .. " + str(high) + ", got " + str(value));
    };
    check("channels", channels, 1, 4096);
    check("height", height, 1, 4096);
    check("width", width, 1, 4096);
    check("n_classes", n_classes, 2, 65536);
    NetworkBuilder net(spec.text(), channels, height, width, n_classes);
    if (spec.family() == "resnet") return resnet(spec, net);
    if (spec.family() == "densenet") return densenet(spec, net);
    if (spec.family() == "mlp") return mlp(spec, net);
    if (spec.family() == "cnn") return cnn(spec, net);
    spec.fail("it is not a network");
}

void initialise(const Network &network, uint64_t seed, float *values) {
    for (size_t i = 0; i < network.tensors.size(); ++i) {
        const ParamTensor &t = network.tensors[i];
        float *out = values + t.offset;
        const int64_t n = t.size();
        switch (t.init) {
        case ParamTensor::Init::kZero:
        case ParamTensor::Init::kOne:
            for (int64_t j = 0; j < n; ++j) out[j] = t.init == ParamTensor::Init::kOne ? 1.0f : 0.0f;
            break;
        case ParamTensor::Init::kHeNormal:
        case ParamTensor::Init::kUniform: {
            const bool normal = t.init == ParamTensor::Init::kHeNormal;
            const double scale = normal ? std::sqrt(2.0 / double(t.fan)) : 1.0 / std::sqrt(double(t.fan));
            for (int64_t j = 0; j < n; j += 2) {
                const Pair pair =
                    normal ? draw_normal(seed, i, uint64_t(j / 2)) : draw_uniform(seed, i, uint64_t(j / 2));
                out[j] = float(scale * pair.first);
                if (j + 1 < n) out[j + 1] = float(scale * pair.second);
            }
        }
        }
    }
}

} // namespace ist
