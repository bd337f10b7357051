// test_conv_folded.cpp - convolutions with a batch norm folded into their weights, its residual and ReLU behind,
// against plain loops in double on the rounded weights: every kernel, shortcuts, odd channels, ranges of wider
// storages.
#include <cmath>

#include "device_data.h"

#include "convolution.h"
#include "error.h"

namespace ist::cuda::test {
namespace {

constexpr int kPoints = 2;

struct FoldedCase {
    Element element;
    int kernel, stride, images, size, channels, filters;
    int residual_channels, step; // 0: no residual
    bool relu, range;            // range: the output is a part of a concatenation
};
class ConvFolded : public testing::TestWithParam<FoldedCase> {};
INSTANTIATE_TEST_SUITE_P(Every, ConvFolded,
                         testing::Values(FoldedCase{Element::kBf16, 3, 1, 3, 9, 16, 16, 16, 1, true, false},
                                         FoldedCase{Element::kFp16, 3, 2, 2, 9, 16, 32, 16, 2, true, false},
                                         FoldedCase{Element::kFp32, 3, 2, 3, 7, 6, 12, 6, 2, true, false},
                                         FoldedCase{Element::kBf16, 1, 1, 2, 6, 21, 48, 0, 1, true, false},
                                         FoldedCase{Element::kFp32, 1, 2, 2, 8, 8, 20, 20, 1, false, true},
                                         FoldedCase{Element::kBf16, 5, 1, 1, 6, 3, 7, 7, 1, true, true},
                                         FoldedCase{Element::kBf16, 3, 1, 1, 5, 32, 80, 80, 1, true, false}),
                         [](const auto &info) {
                             const FoldedCase &c = info.param;
                             return std::string(name_of(c.element)) + "_" + std::to_string(c.kernel) + "x" +
                                    std::to_string(c.kernel) + "_to_" + std::to_string(c.filters);
                         });

TEST_P(ConvFolded, EqualThePlainLoops) {
    const FoldedCase &c = GetParam();
    ConvShape shape;
    shape.kernel = c.kernel, shape.stride = c.stride, shape.padding = c.kernel / 2;
    shape.in_channels = c.channels, shape.in_height = c.size, shape.in_width = c.size + 1;
    shape.filters = c.filters;
    const auto places = [&](int size) { return (size + 2 * shape.padding - c.kernel) / c.stride + 1; };
    shape.height = places(shape.in_height), shape.width = places(shape.in_width);
    const auto padded = [](int channels) { return (channels + 7) / 8 * 8; };

    std::mt19937 random(1);
    const auto normal = [&] { return std::normal_distribution<float>()(random); };
    const Shape in{c.images, shape.in_height, shape.in_width, c.channels, padded(c.channels), 0};
    const int first = c.range ? 5 : 0;
    const Shape out{c.images, shape.height, shape.width, c.filters, padded(c.filters) + 2 * first, first};
    const int residual_first = (c.filters - c.residual_channels) / 2;
    const Shape added{c.images,
                      (shape.height - 1) * c.step + 1,
                      (shape.width - 1) * c.step + 1,
                      c.residual_channels ? c.residual_channels : 1,
                      padded(c.residual_channels + 1),
                      0};
    Activations x(c.element, kPoints, in), y(c.element, kPoints, out), residual(c.element, kPoints, added);
    x.fill(random), residual.fill(random);

    const int64_t n_weights = int64_t(shape.taps()) * c.filters * c.channels, gamma = n_weights,
                  beta = gamma + c.filters;
    PointRows params(kPoints, beta + c.filters);
    params.vectors.fill([&] { return 0.3f * normal(); });
    PointVectors mean(kPoints, c.filters), invstd(kPoints, c.filters);
    mean.fill(normal), invstd.fill([&] { return 0.5f + std::abs(normal()); });

    const int64_t bytes = int64_t(packed_bytes(shape, c.element, false));
    Device<char> packed(size_t(kPoints * bytes));
    run_all_ways(
        kPoints,
        [&](int point, int n) {
            Norm norm;
            norm.applied = true, norm.gamma = gamma, norm.beta = beta;
            norm.mean = mean.vectors(point), norm.invstd = invstd.vectors(point);
            const Device<PackJob> job(1, PackJob{0, c.filters, c.channels, shape.taps(), 0, -1, norm});
            ConvForward forward;
            forward.shape = shape, forward.src.x = x.tensor(point), forward.dst = y.tensor(point);
            forward.weights = {packed.device() + point * bytes, bytes};
            pack_weights(job.device(), 1, c.element, params.rows(point), forward.weights, n, nullptr);
            forward.folded.norm = norm;
            if (c.residual_channels) forward.folded.residual = residual.tensor(point);
            forward.folded.residual_step = c.step, forward.folded.residual_first = residual_first;
            forward.folded.activation = c.relu ? Activation::kRelu : Activation::kNone;
            forward.params = params.rows(point), forward.n_images = c.images;
            conv_forward(forward, n, nullptr);
            succeed(cudaDeviceSynchronize());
        },
        y.bytes());

    y.expect(
        [&](int p, int64_t row, int f) {
            const float scale = params.at(p, gamma + f) * invstd.at(p, f);
            double sum = double(params.at(p, beta + f)) - double(mean.at(p, f)) * double(scale);
            const int image = int(row / (shape.height * shape.width)), oy = int(row / shape.width % shape.height);
            const int ox = int(row % shape.width), under = f - residual_first;
            for (int ky = 0; ky < c.kernel; ++ky)
                for (int kx = 0; kx < c.kernel; ++kx) {
                    const int iy = oy * c.stride + ky - shape.padding, ix = ox * c.stride + kx - shape.padding;
                    if (iy < 0 || ix < 0 || iy >= in.height || ix >= in.width) continue;
                    for (int ch = 0; ch < c.channels; ++ch) {
                        const float w =
                            params.at(p, (int64_t(f) * c.channels + ch) * shape.taps() + ky * c.kernel + kx);
                        sum += double(rounded(double(scale * w), c.element)) * x.get(p, x.row(image, iy, ix), ch);
                    }
                }
            if (under >= 0 && under < c.residual_channels)
                sum += residual.get(p, residual.row(image, oy * c.step, ox * c.step), under);
            return c.relu && sum < 0 ? 0 : sum;
        },
        4e-6, 10);
}

TEST(ConvFoldedIntoOthers, AreRefused) {
    ConvForward forward;
    forward.folded.activation = Activation::kRelu;
    EXPECT_THROW(conv_forward(forward, 1, nullptr), ist::Error) << "a ReLU without a norm";
    forward.folded.norm.applied = true, forward.bias = 0;
    EXPECT_THROW(conv_forward(forward, 1, nullptr), ist::Error) << "a bias";
    forward.bias = -1, forward.folded.residual_norm.applied = true;
    EXPECT_THROW(conv_forward(forward, 1, nullptr), ist::Error) << "two norms";
}

} // namespace
} // namespace ist::cuda::test
