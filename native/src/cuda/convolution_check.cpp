// convolution_check.cpp - see convolution_check.h.
#include "convolution_check.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "../../../kernels/elementwise.h"
#include "../random.h"
#include "conv_shape.h"
#include "dense_path.h"

namespace ist::cuda {
namespace {

constexpr int kPoints = 2;

std::vector<ConvShape> shapes_of(const Network &network) {
    std::vector<ConvShape> shapes;
    const auto key = [](const ConvShape &s) {
        return std::make_tuple(s.kernel, s.stride, s.padding, s.in_channels, s.in_height, s.in_width, s.filters);
    };
    for (const Op &op : network.ops) {
        if (op.kind != OpKind::kConv) continue;
        const ConvShape shape = conv_shape(network, op);
        const auto same = [&](const ConvShape &other) { return key(other) == key(shape); };
        if (std::none_of(shapes.begin(), shapes.end(), same)) shapes.push_back(shape);
    }
    return shapes;
}

double distance(const std::vector<float> &some, const std::vector<float> &exact) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
        const double d = double(some[i]) - exact[i];
        difference += d * d, size += double(exact[i]) * exact[i];
    }
    return std::sqrt(difference / size);
}

class Check {
  public:
    Check(Device &device, ConvolutionLibrary &library, const ConvShape &shape, Element element, int n_images)
        : device_(device), shape_(shape), element_(element), n_images_(n_images),
          dense_(device, library, {{0, shape}}, element, n_images, kPoints) {}

    ist_convolution_check run() {
        const int64_t n_weights = int64_t(shape_.filters) * shape_.in_channels * shape_.taps();
        x_ = tensor(shape_.in_height, shape_.in_width, shape_.in_channels, 1);
        dz_ = tensor(shape_.height, shape_.width, shape_.filters, 2);
        weights_ = rows(n_weights, 3);
        ist_convolution_check check{};
        check.kernel = shape_.kernel, check.stride = shape_.stride, check.padding = shape_.padding;
        check.channels = shape_.in_channels, check.filters = shape_.filters;
        check.height = shape_.in_height, check.width = shape_.in_width;

        const int64_t forward_bytes = int64_t(packed_bytes(shape_, element_, false));
        const int64_t all_bytes = forward_bytes + int64_t(packed_bytes(shape_, element_, true));
        DeviceBuffer packed(device_, size_t(kPoints * all_bytes)), job(device_, sizeof(PackJob));
        const PackJob pack{0, shape_.filters, shape_.in_channels, shape_.taps(), 0, forward_bytes};
        device_.upload(job.data(), &pack, sizeof pack);
        pack_weights(job.as<PackJob>(), 1, element_, weights_.rows(), {packed.data(), all_bytes}, kPoints,
                     device_.stream());

        ConvForward forward;
        forward.shape = shape_, forward.src.x = x_.tensor, forward.weights = {packed.data(), all_bytes};
        forward.params = weights_.rows(), forward.n_images = n_images_;
        Activations own = tensor(shape_.height, shape_.width, shape_.filters, 0);
        Activations other = tensor(shape_.height, shape_.width, shape_.filters, 0);
        forward.dst = own.tensor, conv_forward(forward, kPoints, device_.stream());
        forward.dst = other.tensor, dense_.forward(0, forward, 0, kPoints);
        check.forward = distance(read(own), read(other));

        ConvBackwardData data;
        data.shape = shape_, data.dz.dz.g = dz_.tensor;
        data.weights = {packed.as<char>() + forward_bytes, all_bytes};
        data.params = weights_.rows(), data.n_images = n_images_;
        own = tensor(shape_.in_height, shape_.in_width, shape_.in_channels, 0);
        other = tensor(shape_.in_height, shape_.in_width, shape_.in_channels, 0);
        data.input.dst.g = other.tensor, dense_.backward_data(0, data, 0, kPoints);
        const std::vector<float> expected = read(other);
        data.input.dst.g = own.tensor, conv_backward_data(data, kPoints, device_.stream());
        check.data_gradient = distance(read(own), expected);

        ConvBackwardWeights weights;
        const PointRows by_own = rows(n_weights, 0), by_other = rows(n_weights, 0);
        DeviceBuffer partial(device_, size_t(kPoints * conv_weights_partial_floats(shape_, element_, n_images_)) *
                                          sizeof(float));
        weights.shape = shape_, weights.dz = data.dz, weights.src = forward.src, weights.partial = partial.as<float>();
        weights.params = weights_.rows(), weights.n_images = n_images_;
        weights.gradient = by_other.rows(), dense_.backward_weights(0, weights, kPoints);
        const std::vector<float> expected_weights = by_other.read(device_);
        weights.gradient = by_own.rows(), conv_backward_weights(weights, kPoints, device_.stream());
        check.weight_gradient = distance(by_own.read(device_), expected_weights);

        if (!gradients_together(device_, shape_, element_, n_images_)) return check;
        partial = DeviceBuffer(device_, size_t(kPoints * conv_backward_partial_floats(shape_, element_, n_images_)) *
                                            sizeof(float));
        weights.partial = partial.as<float>();
        own = tensor(shape_.in_height, shape_.in_width, shape_.in_channels, 0);
        data.input.dst.g = own.tensor;
        conv_backward(weights, data, kPoints, device_.stream());
        check.data_gradient = std::max(check.data_gradient, distance(read(own), expected));
        check.weight_gradient = std::max(check.weight_gradient, distance(by_own.read(device_), expected_weights));
        return check;
    }

  private:
    struct Activations {
        DeviceBuffer memory;
        Tensor tensor;
    };
    // A row per point.
    struct PointRows {
        DeviceBuffer memory, pointers;
        Rows rows() const { return pointers.as<float *>(); }
        std::vector<float> read(Device &device) const {
            std::vector<float> values(memory.bytes() / sizeof(float));
            device.download(values.data(), memory.data(), values.size() * sizeof(float));
            return values;
        }
    };

    // Uniform in [-1, 1); zeros for stream 0.
    void fill(const DeviceBuffer &memory, uint32_t stream) {
        if (stream == 0) return;
        std::vector<float> values(memory.bytes() / sizeof(float));
        for (size_t i = 0; i < values.size(); i += 4) {
            const Words words = philox4x32_10(Words{{uint32_t(i), 0, 0, 0}}, stream, 0);
            for (size_t k = i; k < std::min(i + 4, values.size()); ++k)
                values[k] = float(words.w[k - i] >> 8) * 0x1p-23f - 1;
        }
        device_.upload(memory.data(), values.data(), values.size() * sizeof(float));
    }

    Tensor described(int height, int width, int channels, Element element) const {
        Tensor t;
        t.element = element, t.height = height, t.width = width, t.channels = channels;
        t.pitch = (channels + 7) / 8 * 8, t.point_stride = int64_t(n_images_) * height * width * t.pitch;
        return t;
    }
    Activations tensor(int height, int width, int channels, uint32_t stream) {
        Activations a{{}, described(height, width, channels, element_)};
        a.memory = DeviceBuffer(device_, size_t(kPoints * a.tensor.point_stride) * size_t(bytes_of(element_)));
        a.tensor.data = a.memory.data();
        if (stream == 0) return a;
        Operand from;
        from.x = described(height, width, channels, Element::kFp32);
        const DeviceBuffer exact(device_, size_t(kPoints * from.x.point_stride) * sizeof(float));
        fill(exact, stream);
        from.x.data = exact.data();
        materialise({from, nullptr, a.tensor, n_images_}, kPoints, device_.stream());
        device_.wait();
        return a;
    }
    std::vector<float> read(const Activations &a) {
        Operand from;
        from.x = a.tensor;
        Tensor to = described(a.tensor.height, a.tensor.width, a.tensor.channels, Element::kFp32);
        const DeviceBuffer exact(device_, size_t(kPoints * to.point_stride) * sizeof(float));
        to.data = exact.data();
        materialise({from, nullptr, to, n_images_}, kPoints, device_.stream());
        std::vector<float> values(size_t(kPoints * to.point_stride));
        device_.download(values.data(), exact.data(), values.size() * sizeof(float));
        return values;
    }
    PointRows rows(int64_t size, uint32_t stream) {
        const int64_t stride = (size + 15) / 16 * 16;
        PointRows v{DeviceBuffer(device_, size_t(kPoints * stride) * sizeof(float)),
                    DeviceBuffer(device_, kPoints * sizeof(float *))};
        fill(v.memory, stream);
        float *pointers[kPoints];
        for (int p = 0; p < kPoints; ++p) pointers[p] = v.memory.as<float>() + p * stride;
        device_.upload(v.pointers.data(), pointers, sizeof pointers);
        return v;
    }

    Device &device_;
    const ConvShape shape_;
    const Element element_;
    const int n_images_;
    DensePath dense_;
    Activations x_, dz_;
    PointRows weights_;
};

} // namespace

int check_convolutions(Device &device, ConvolutionLibrary &library, const Network &network, Element element,
                       int n_images, int capacity, ist_convolution_check *out) {
    device.use();
    const std::vector<ConvShape> shapes = shapes_of(network);
    for (size_t i = 0; i < shapes.size() && int(i) < capacity; ++i)
        out[i] = Check(device, library, shapes[i], element, n_images).run();
    return int(shapes.size());
}

} // namespace ist::cuda
