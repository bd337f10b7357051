// test_conv_shapes.cpp - convolutions of bench/shapes with what stands before and behind them, one kernel at a time,
// each array an allocation of its own: forward, data gradient, weight gradient, and both gradients at once. Numbers are
// judged by plain loops in double, memory by checked mode; whole networks do the rest (../test_ops.cpp).
#include <algorithm>

#include "../../../bench/shapes/shapes.h"
#include "../cuda_emulation/device_array.h"
#include "convolution.h"
#include "device_data.h"

namespace ist::cuda::test {
namespace {

constexpr int kPoints = 2;

enum class Around {
    kNothing,
    kNorms,    // norm and ReLU in front, correction behind; the data gradient is added to what is there
    kResidual, // norm, residual and ReLU in front, norm and correction behind; another gradient joins
};

struct Subject {
    shapes::Shape shape;
    Element element;
    Around around;
    int first; // channel of the values in their storages
};
void PrintTo(const Subject &s, std::ostream *out) { *out << s.shape.name << " " << name_of(s.element); }

ConvShape conv_shape(const shapes::Shape &s) {
    ConvShape shape;
    shape.kernel = s["kernel"], shape.stride = s["stride"], shape.padding = s["padding"];
    shape.in_channels = s["channels"], shape.filters = s["filters"];
    shape.in_height = s["height"], shape.in_width = s["width"];
    shape.height = (shape.in_height + 2 * shape.padding - shape.kernel) / shape.stride + 1;
    shape.width = (shape.in_width + 2 * shape.padding - shape.kernel) / shape.stride + 1;
    return shape;
}

// Whether it reads every input pixel at the place of one of its outputs.
bool can_keep_input(const ConvShape &s) {
    return s.kernel - s.padding >= s.stride && s.height * s.stride >= s.in_height && s.width * s.stride >= s.in_width;
}

// Smaller, to the same tails: channels and filters of a few groups, the full width, at least two groups of rows, as
// many images as share a tile.
std::vector<Subject> subjects() {
    std::vector<Subject> all;
    int index = 0;
    for (shapes::Shape shape : shapes::read(IST_SHAPES_FOLDER, "conv")) {
        for (const char *name : {"channels", "filters"})
            if (shape[name] > 128) shape.columns[name] = 64 + shape[name] % 64;
        const ConvShape whole = conv_shape(shape);
        const int products = whole.width * whole.in_channels * whole.filters * whole.taps(); // of a row
        int &height = shape.columns["height"], &images = shape.columns["images"];
        height = std::min(height, std::max(5, 400000 / products));
        images = std::min(images, shape["width"] >= 16 || products * height > 600000 ? 1 : 3);
        for (const Element element : {Element::kFp32, Element::kBf16}) {
            const int number = index + int(element);
            Around around = Around(number % 3);
            if (around == Around::kResidual && !can_keep_input(conv_shape(shape))) around = Around::kNorms;
            all.push_back({shape, element, around, number / 3 % 2 ? 3 : 0});
        }
        ++index;
    }
    return all;
}

class ConvShapes : public testing::TestWithParam<Subject> {};
INSTANTIATE_TEST_SUITE_P(Every, ConvShapes, testing::ValuesIn(subjects()), [](const auto &info) {
    std::string name = info.param.shape.name + "_" + name_of(info.param.element);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

// Sums over the products of a convolution, and over their sizes.
struct Sums {
    explicit Sums(int64_t n) : value(size_t(n), 0.0), size(size_t(n), 0.0) {}
    void add(int64_t at, double product) { value[size_t(at)] += product, size[size_t(at)] += std::abs(product); }
    std::vector<double> value, size;
};

TEST_P(ConvShapes, AreRight) {
    const Subject &s = GetParam();
    const Element element = s.element;
    const bool residual = s.around == Around::kResidual, norms = s.around != Around::kNothing;
    const ConvShape shape = conv_shape(s.shape);
    const int n_images = s.shape["images"], channels = shape.in_channels, filters = shape.filters, taps = shape.taps();
    const auto storage = [&](int height, int width, int n) {
        return Shape{n_images, height, width, n, (s.first + n + 7) / 8 * 8, s.first};
    };
    const Shape in = storage(shape.in_height, shape.in_width, channels);
    const Shape out = storage(shape.height, shape.width, filters);

    std::mt19937 random(1);
    const auto normal = [&](double mean, double scale) {
        return [&random, mean, scale] { return std::normal_distribution<double>(mean, scale)(random); };
    };
    Activations x(element, kPoints, in), r(element, kPoints, in), added(element, kPoints, in);
    Activations g(element, kPoints, out), z(element, kPoints, out), value(element, kPoints, out);
    Activations kept(element, kPoints, {in.images, in.height, in.width, channels, (channels + 7) / 8 * 8, 0});
    Activations dx(element, kPoints, in), dx_at_once(element, kPoints, in);
    for (Activations *a : {&x, &r, &added, &g, &value, &dx}) a->fill(random);
    dx_at_once.bytes().host = dx.bytes().host;
    std::vector<double> there;
    dx.each([&](int p, int64_t row, int c) { there.push_back(dx.get(p, row, c)); });

    // A parameter row: weights, bias, gamma and beta of the input, gamma and beta of the output.
    const int64_t n_weights = int64_t(filters) * channels * taps, bias_at = n_weights, in_norm = bias_at + filters;
    const int64_t out_norm = in_norm + 2 * channels;
    PointRows params(kPoints, out_norm + 2 * filters), dw(kPoints, n_weights), dw_at_once(kPoints, n_weights);
    params.vectors.fill(normal(0, 0.3));
    PointVectors mean(kPoints, channels), invstd(kPoints, channels), out_mean(kPoints, filters);
    PointVectors out_invstd(kPoints, filters), slope(kPoints, filters), offset(kPoints, filters);
    for (PointVectors *v : {&mean, &out_mean, &slope, &offset}) v->fill(normal(0, 0.2));
    for (PointVectors *v : {&invstd, &out_invstd}) v->fill(normal(1, 0.1));

    const int64_t forward_bytes = int64_t(packed_bytes(shape, element, false));
    const int64_t all_packed = forward_bytes + int64_t(packed_bytes(shape, element, true));
    const DeviceArray<char> packed(size_t(kPoints * all_packed));
    Device<PackJob> job(1, PackJob{0, filters, channels, taps, 0, forward_bytes});
    const bool at_once = conv_backward_fits(shape);
    const int parts = conv_forward_parts(shape, element, n_images);
    const int data_parts = conv_backward_data_parts(shape, element, n_images);
    const int parts_at_once = at_once ? conv_backward_parts(shape, element, n_images) : 0;
    const int64_t partial_floats = conv_weights_partial_floats(shape, element, n_images);
    const int64_t partial_at_once = at_once ? conv_backward_partial_floats(shape, element, n_images) : 0;
    const DeviceArray<float> partial(size_t(kPoints * partial_floats)), both(size_t(kPoints * partial_at_once));
    PointVectors statistics(kPoints, int64_t(parts) * 3 * filters), sums(kPoints, int64_t(data_parts) * 2 * channels);
    PointVectors sums_at_once(kPoints, int64_t(parts_at_once) * 2 * channels);

    const auto run = [&](int point, int n) {
        const PackedWeights w{packed.data() + point * all_packed, all_packed};
        pack_weights(job.device(), 1, element, params.rows(point), w, n, nullptr);
        ConvForward forward;
        forward.shape = shape, forward.src.x = x.tensor(point);
        const Norm norm{true, in_norm, in_norm + channels, mean.vectors(point), invstd.vectors(point)};
        if (norms) forward.src.norm = norm, forward.src.activation = Activation::kRelu;
        if (residual) forward.src.residual = r.tensor(point), forward.kept = kept.tensor(point);
        forward.weights = w, forward.bias = s.shape["bias"] ? bias_at : -1;
        forward.dst = z.tensor(point), forward.statistics = statistics.vectors(point);
        forward.params = params.rows(point), forward.n_images = n_images;
        conv_forward(forward, n, nullptr);

        ConvBackwardWeights weights;
        weights.shape = shape, weights.src = forward.src, weights.dz.dz.g = g.tensor(point);
        if (norms) {
            Gradient &dz = weights.dz.dz;
            dz.corrected = true, dz.value = value.tensor(point);
            dz.slope = slope.vectors(point), dz.offset = offset.vectors(point);
        }
        if (residual)
            weights.dz.scaled_by = {true, out_norm, out_norm + filters, out_mean.vectors(point),
                                    out_invstd.vectors(point)};
        weights.partial = partial.data() + point * partial_floats;
        weights.gradient = dw.rows(point), weights.unscale = 0.5f;
        weights.params = forward.params, weights.n_images = n_images;
        conv_backward_weights(weights, n, nullptr);

        ConvBackwardData data;
        data.shape = shape, data.dz = weights.dz, data.params = forward.params, data.n_images = n_images;
        data.weights = {packed.data() + point * all_packed + forward_bytes, all_packed};
        InputGradient &input = data.input;
        if (norms) {
            input.x = x.tensor(point), input.norm = norm, input.sums = sums.vectors(point);
            input.mask_is_x = !residual, input.scaled = residual;
        }
        if (residual) input.mask = kept.tensor(point), input.added = added.tensor(point);
        input.dst = {dx.tensor(point), s.around == Around::kNorms};
        conv_backward_data(data, n, nullptr);
        if (!at_once) return;
        weights.partial = both.data() + point * partial_at_once, weights.gradient = dw_at_once.rows(point);
        input.dst.g = dx_at_once.tensor(point);
        if (norms) input.sums = sums_at_once.vectors(point);
        conv_backward(weights, data, n, nullptr);
    };
    if (emulation::kChecked) { // enough for its own findings; the plain loops are slow there
        run(0, kPoints);
        return succeed(cudaDeviceSynchronize());
    }
    run_all_ways(kPoints, run, kept.bytes(), z.bytes(), statistics.data, dw.vectors.data, dx.bytes(), sums.data,
                 dw_at_once.vectors.data, dx_at_once.bytes(), sums_at_once.data);

    for (int p = 0; p < kPoints; ++p) {
        // The operands as the products have them.
        std::vector<double> a(size_t(in.rows()) * size_t(channels)), dz(size_t(out.rows()) * size_t(filters));
        std::vector<double> w(params.vectors.data.host.size(), 0.0);
        for (int64_t row = 0; row < in.rows(); ++row)
            for (int c = 0; c < channels; ++c) {
                double v = x.get(p, row, c);
                if (norms)
                    v = (v - mean.at(p, c)) * invstd.at(p, c) * params.at(p, in_norm + c) +
                        params.at(p, in_norm + channels + c);
                if (residual) v += r.get(p, row, c);
                a[size_t(row * channels + c)] = rounded(norms ? std::max(v, 0.0) : v, element);
            }
        for (int64_t row = 0; row < out.rows(); ++row)
            for (int f = 0; f < filters; ++f) {
                double v = g.get(p, row, f);
                if (residual) v *= double(out_invstd.at(p, f)) * params.at(p, out_norm + f);
                if (norms) v += double(slope.at(p, f)) * value.get(p, row, f) + offset.at(p, f);
                dz[size_t(row * filters + f)] = rounded(v, element);
            }
        for (int64_t i = 0; i < n_weights; ++i) w[size_t(i)] = rounded(params.at(p, i), element);

        Sums forward(out.rows() * filters), data(in.rows() * channels), weight(n_weights);
        for (int64_t row = 0; row < out.rows(); ++row)
            for (int ky = 0; ky < shape.kernel; ++ky)
                for (int kx = 0; kx < shape.kernel; ++kx) {
                    const int y = int(row / shape.width % shape.height) * shape.stride + ky - shape.padding;
                    const int column = int(row % shape.width) * shape.stride + kx - shape.padding;
                    if (y < 0 || y >= shape.in_height || column < 0 || column >= shape.in_width) continue;
                    const int64_t from = x.row(int(row / (shape.width * shape.height)), y, column);
                    for (int f = 0; f < filters; ++f)
                        for (int c = 0; c < channels; ++c) {
                            const int64_t at_w = (int64_t(f) * channels + c) * taps + ky * shape.kernel + kx;
                            const int64_t at_a = from * channels + c, at_z = row * filters + f;
                            forward.add(at_z, a[size_t(at_a)] * w[size_t(at_w)]);
                            data.add(at_a, dz[size_t(at_z)] * w[size_t(at_w)]);
                            weight.add(at_w, a[size_t(at_a)] * dz[size_t(at_z)] / 2);
                        }
                }
        // An operand on the border of two roundings may fall to either.
        const double operands = element == Element::kFp32 ? 2e-6 : 1e-3;
        const auto near = [&](double got, double want, double size, Element rounded_to, const char *what, int64_t at) {
            ASSERT_NEAR(got, want, operands * size + 1.01 * rounding(rounded_to) * std::abs(want) + 1e-7)
                << what << " " << at << " of point " << p;
        };
        for (int64_t row = 0; row < out.rows(); ++row)
            for (int f = 0; f < filters; ++f) {
                const double bias = s.shape["bias"] ? params.at(p, bias_at + f) : 0;
                const size_t at = size_t(row * filters + f);
                near(z.get(p, row, f), forward.value[at] + bias, forward.size[at] + std::abs(bias), element, "output",
                     int64_t(at));
            }
        for (int64_t i = 0; i < n_weights; ++i) {
            const size_t at = size_t(i);
            near(dw.at(p, i), weight.value[at], weight.size[at], Element::kFp32, "weight gradient", i);
            if (at_once)
                near(dw_at_once.at(p, i), weight.value[at], weight.size[at], Element::kFp32, "weight gradient", i);
        }
        for (int c = 0; c < channels; ++c) {
            const double scale = residual ? double(invstd.at(p, c)) * params.at(p, in_norm + c) : 1;
            double sum = 0, product = 0, size = 0;
            for (int64_t row = 0; row < in.rows(); ++row) {
                const size_t at = size_t(row * channels + c);
                double v = data.value[at], sizes = data.size[at];
                if (residual) v += added.get(p, row, c), sizes += std::abs(added.get(p, row, c));
                if (norms && a[at] <= 0) v = sizes = 0;
                const double centred = x.get(p, row, c) - mean.at(p, c);
                sum += v, product += v * centred, size += sizes * (1 + std::abs(centred));
                v *= scale, sizes *= std::abs(scale);
                // Without norms' scale v is rounded before anything is added.
                if (s.around == Around::kNorms)
                    sizes += 1.01 * rounding(element) * std::abs(v) / operands,
                        v += there[size_t(p * in.rows() * channels) + at],
                        sizes += std::abs(there[size_t(p * in.rows() * channels) + at]);
                near(dx.get(p, row, c), v, sizes, element, "data gradient", int64_t(at));
                if (at_once) near(dx_at_once.get(p, row, c), v, sizes, element, "data gradient", int64_t(at));
            }
            if (!norms) continue;
            for (auto [got, n] : {std::pair(&sums, data_parts), std::pair(&sums_at_once, parts_at_once)}) {
                double both_sums[2] = {0, 0};
                for (int part = 0; part < n; ++part)
                    for (int i : {0, 1}) both_sums[i] += got->at(p, (int64_t(part) * 2 + i) * channels + c);
                if (n == 0) continue;
                near(both_sums[0], sum, size, element, "sum", c);
                near(both_sums[1], product, size, element, "sum of products", c);
            }
        }
        for (int f = 0; f < filters; ++f) {
            double n = 0, total = 0, squares = 0, want = 0, want_squares = 0;
            for (int part = 0; part < parts; ++part) {
                const double count = statistics.at(p, int64_t(part) * 3 * filters + f);
                const double average = statistics.at(p, (int64_t(part) * 3 + 1) * filters + f);
                n += count, total += count * average;
                squares += statistics.at(p, (int64_t(part) * 3 + 2) * filters + f) + count * average * average;
            }
            for (int64_t row = 0; row < out.rows(); ++row)
                want += z.get(p, row, f), want_squares += std::pow(z.get(p, row, f), 2);
            ASSERT_EQ(n, double(out.rows())) << "filter " << f;
            ASSERT_NEAR(total, want, 1e-5 * (std::abs(want) + want_squares)) << "filter " << f;
            ASSERT_NEAR(squares, want_squares, 1e-5 * want_squares) << "filter " << f;
        }
    }
    for (const Activations *a : {&kept, &z, &dx, &dx_at_once}) a->expect_neighbours_untouched();
}

} // namespace
} // namespace ist::cuda::test
