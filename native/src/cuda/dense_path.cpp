// dense_path.cpp - see dense_path.h.
#include "dense_path.h"

#include <algorithm>

#include "../../../kernels/elementwise.h"
#include "../../../kernels/elementwise_backward.h"
#include "../../../kernels/filters.h"

namespace ist::cuda {

DensePath::DensePath(Device &device, ConvolutionLibrary &library, const std::map<int, ConvShape> &shapes,
                     Element element, int n_images, int most_points)
    : device_(device), element_(element), n_images_(n_images) {
    size_t workspace = 0;
    for (const auto &[op, shape] : shapes) {
        ConvShape dense = shape;
        dense.in_channels = padded(shape.in_channels), dense.filters = padded(shape.filters);
        Convolution &convolution = convolutions_[op];
        convolution.shape = shape;
        convolution.dense = library.prepare(dense, element, n_images);
        workspace = std::max(workspace, convolution.dense->workspace_bytes());
        const int64_t in = int64_t(n_images) * shape.in_height * shape.in_width * dense.in_channels;
        const int64_t out = int64_t(n_images) * shape.height * shape.width * dense.filters;
        const int64_t weights = int64_t(dense.filters) * shape.taps() * dense.in_channels;
        input_elements_ = std::max(input_elements_, in), output_elements_ = std::max(output_elements_, out);
        filter_elements_ = std::max(filter_elements_, weights);
    }
    const size_t bytes = size_t(most_points) * size_t(bytes_of(element));
    inputs_ = DeviceBuffer(device, size_t(input_elements_) * bytes);
    outputs_ = DeviceBuffer(device, size_t(output_elements_) * bytes);
    filters_ = DeviceBuffer(device, size_t(filter_elements_) * bytes);
    workspace_ = DeviceBuffer(device, workspace);
}

int DensePath::padded(int channels) const {
    const int unit = 16 / bytes_of(element_);
    return (channels + unit - 1) / unit * unit;
}

Tensor DensePath::tensor(const DeviceBuffer &buffer, int height, int width, int channels) const {
    Tensor t;
    t.data = buffer.data(), t.element = element_;
    t.height = height, t.width = width, t.channels = channels, t.pitch = padded(channels);
    t.point_stride = &buffer == &inputs_ ? input_elements_ : output_elements_;
    return t;
}

Tensor DensePath::input_of(int op) const {
    const ConvShape &shape = convolutions_.at(op).shape;
    return tensor(inputs_, shape.in_height, shape.in_width, shape.in_channels);
}

Tensor DensePath::output_of(int op) const {
    const ConvShape &shape = convolutions_.at(op).shape;
    return tensor(outputs_, shape.height, shape.width, shape.filters);
}

Filters DensePath::filters(int op, int64_t weight) const {
    const ConvShape &shape = convolutions_.at(op).shape;
    Filters f;
    f.filters = shape.filters, f.channels = shape.in_channels, f.taps = shape.taps();
    f.filter_pitch = padded(f.filters), f.channel_pitch = padded(f.channels);
    f.weight = weight, f.element = element_;
    f.dense = filters_.data(), f.point_stride = filter_elements_;
    return f;
}

// What another convolution left there may be anything.
void DensePath::clear_padding(const Tensor &tensor, int n_points) {
    if (tensor.pitch == tensor.channels) return;
    Tensor padding = tensor;
    padding.data = static_cast<char *>(tensor.data) + tensor.channels * bytes_of(tensor.element);
    padding.channels = tensor.pitch - tensor.channels;
    clear_channels(padding, n_images_, n_points, device_.stream());
}

// Calls body(convolution, input, output, filters) with the memory of each point.
template <class Body> void DensePath::each_point(int op, int n_points, Body body) {
    const size_t bytes = size_t(bytes_of(element_));
    for (int point = 0; point < n_points; ++point)
        body(*convolutions_.at(op).dense, inputs_.as<char>() + size_t(point * input_elements_) * bytes,
             outputs_.as<char>() + size_t(point * output_elements_) * bytes,
             filters_.as<char>() + size_t(point * filter_elements_) * bytes);
}

void DensePath::forward(int op, const ConvForward &conv, int64_t weight, int n_points) {
    const Stream stream = device_.stream();
    Operand x, y;
    x.x = input_of(op), y.x = output_of(op);
    clear_padding(x.x, n_points);
    materialise({conv.src, conv.params, x.x, n_images_}, n_points, stream);
    if (conv.kept.data) materialise({x, conv.params, conv.kept, n_images_}, n_points, stream);
    lay_out_filters(filters(op, weight), conv.params, n_points, stream);
    each_point(op, n_points, [&](DenseConvolution &dense, char *in, char *out, char *w) {
        dense.forward(in, w, out, workspace_.data());
    });
    materialise({y, conv.params, conv.dst, n_images_}, n_points, stream);
}

// [gamma * invstd *] g [+ slope * value + offset]
void DensePath::write_output_gradient(const OutputGradient &dz, const Tensor &to, ConstRows params, int n_points) {
    const Stream stream = device_.stream();
    clear_padding(to, n_points);
    Gradient rest = dz.dz;
    if (dz.scaled_by.applied) {
        ElementwiseBackwardParams scale;
        scale.from.x = dz.dz.value, scale.from.norm = dz.scaled_by;
        scale.params = params, scale.dst.g = dz.dz.g;
        scale.x.g = to, scale.n_images = n_images_;
        elementwise_backward(scale, n_points, stream);
        if (!dz.dz.corrected) return;
        rest.g = to;
    }
    pass_gradient({rest, {to, false}, n_images_}, n_points, stream);
}

void DensePath::backward_weights(int op, const ConvBackwardWeights &conv, int n_points) {
    const Tensor x = input_of(op);
    clear_padding(x, n_points);
    materialise({conv.src, conv.params, x, n_images_}, n_points, device_.stream());
    write_output_gradient(conv.dz, output_of(op), conv.params, n_points);
    each_point(op, n_points, [&](DenseConvolution &dense, char *in, char *out, char *w) {
        dense.backward_weights(in, out, w, workspace_.data());
    });
    take_filter_gradients(filters(op, conv.weight), conv.gradient, conv.unscale, n_points, device_.stream());
}

void DensePath::backward_data(int op, const ConvBackwardData &conv, int64_t weight, int n_points) {
    const Stream stream = device_.stream();
    write_output_gradient(conv.dz, output_of(op), conv.params, n_points);
    lay_out_filters(filters(op, weight), conv.params, n_points, stream);
    each_point(op, n_points, [&](DenseConvolution &dense, char *in, char *out, char *w) {
        dense.backward_data(out, w, in, workspace_.data());
    });
    const InputGradient &input = conv.input;
    Gradient dx, added;
    dx.g = input_of(op), added.g = input.added;
    if (input.added.data && input.added_step == 1 && input.added_first == 0)
        pass_gradient({added, {dx.g, true}, n_images_}, n_points, stream);
    else if (input.added.data)
        pad_shortcut_backward({added, {dx.g, true}, input.added_step, input.added_first, n_images_}, n_points, stream);
    if (!input.norm.applied) return pass_gradient({dx, input.dst, n_images_}, n_points, stream);
    ElementwiseBackwardParams norm;
    norm.from.x = input.x, norm.from.norm = input.norm;
    if (input.mask.data || input.mask_is_x) norm.from.activation = Activation::kRelu;
    norm.params = conv.params, norm.y = input.mask;
    norm.dst = dx, norm.x = input.dst;
    norm.x_unscaled = !input.scaled, norm.sums = input.sums.data;
    norm.n_images = n_images_;
    elementwise_backward(norm, n_points, stream);
}

} // namespace ist::cuda
