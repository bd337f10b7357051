// test_conv_images.cpp - a convolution that reads drawn images from their bytes leaves the same bits as one that reads
// the batch that augment() writes, and so does its weight gradient.
#include <cstring>

#include "device_data.h"

#include "convolution.h"
#include "error.h"

namespace ist::cuda::test {
namespace {

constexpr int kPoints = 2;

struct ImageCase {
    Element element;
    int images, height, width, channels, filters, padding;
};
class ConvImages : public testing::TestWithParam<ImageCase> {};
INSTANTIATE_TEST_SUITE_P(
    Every, ConvImages,
    testing::Values(ImageCase{Element::kBf16, 5, 8, 8, 3, 16, 1}, ImageCase{Element::kFp16, 3, 11, 7, 1, 20, 0},
                    ImageCase{Element::kFp32, 4, 6, 9, 3, 16, 1}, ImageCase{Element::kBf16, 2, 5, 34, 19, 5, 1}),
    [](const auto &info) {
        return std::string(name_of(info.param.element)) + "_" + std::to_string(info.param.channels) + "_channels";
    });

TEST_P(ConvImages, LeaveTheBitsOfTheStoredBatch) {
    const ImageCase &s = GetParam();
    const int n_images = 6, pixels = s.height * s.width;
    std::mt19937 random(1);
    Device<uint8_t> bytes(size_t(n_images * pixels * s.channels));
    for (uint8_t &v : bytes.host) v = uint8_t(random());
    bytes.upload();
    Device<float> table(size_t(s.channels * 256));
    for (float &v : table.host) v = float(random() % 1000) / 500 - 1;
    table.upload();
    Device<DrawnSample> samples(size_t(kPoints * s.images));
    for (DrawnSample &sample : samples.host) {
        sample.image = int(random() % (n_images + 1)) - 1;
        sample.dy = int16_t(random() % 5) - 2, sample.dx = int16_t(random() % 5) - 2, sample.flip = random() % 2;
    }
    samples.upload();

    ConvShape shape;
    shape.kernel = 3, shape.padding = s.padding;
    shape.in_channels = s.channels, shape.in_height = s.height, shape.in_width = s.width;
    shape.filters = s.filters, shape.height = s.height + 2 * s.padding - 2, shape.width = s.width + 2 * s.padding - 2;
    const int pitch = (s.channels + 7) / 8 * 8, out_pitch = (s.filters + 7) / 8 * 8;
    const Shape in{s.images, s.height, s.width, s.channels, pitch, 0};
    const Shape out{s.images, shape.height, shape.width, s.filters, out_pitch, 0};
    Activations batch(s.element, kPoints, in), dz(s.element, kPoints, out);
    Activations z[2] = {{s.element, kPoints, out}, {s.element, kPoints, out}};
    dz.fill(random, 0.1);
    const int64_t weights = int64_t(9) * s.filters * s.channels;
    PointRows params(kPoints, weights), gradient(kPoints, weights), from_bytes(kPoints, weights);
    params.vectors.fill([&] { return std::normal_distribution<float>(0, 0.3f)(random); });
    const int64_t packed = int64_t(packed_bytes(shape, s.element, false));
    Device<char> packed_weights(size_t(kPoints * packed));
    Device<PackJob> job(1, PackJob{0, s.filters, s.channels, 9, 0, -1});
    const int64_t partial_floats = conv_weights_partial_floats(shape, s.element, s.images);
    Device<float> partial(size_t(kPoints * partial_floats));

    run_all_ways(
        kPoints,
        [&](int point, int n) {
            const DrawnImages images{{bytes.device(), table.device(), s.height, s.width, s.channels},
                                     {samples.device() + point * s.images, s.images}};
            augment({images.bytes, images.samples, batch.tensor(point), s.images}, n, nullptr);
            const PackedWeights w{packed_weights.device() + point * packed, packed};
            pack_weights(job.device(), 1, s.element, params.rows(point), w, n, nullptr);
            for (bool stored : {true, false}) {
                ConvForward forward;
                forward.shape = shape, forward.src.x = batch.tensor(point), forward.weights = w;
                forward.dst = z[stored].tensor(point), forward.params = params.rows(point);
                ConvBackwardWeights backward;
                backward.shape = shape, backward.dz.dz.g = dz.tensor(point), backward.src = forward.src;
                backward.partial = partial.device() + point * partial_floats;
                backward.gradient = (stored ? gradient : from_bytes).rows(point), backward.params = forward.params;
                forward.n_images = backward.n_images = s.images;
                if (!stored) {
                    forward.images = backward.images = images;
                    forward.src.x.data = backward.src.x.data = nullptr; // shape alone
                }
                conv_forward(forward, n, nullptr);
                conv_backward_weights(backward, n, nullptr);
            }
        },
        z[0].bytes(), z[1].bytes(), gradient.vectors.data, from_bytes.vectors.data);
    EXPECT_EQ(z[0].bytes().host, z[1].bytes().host);
    EXPECT_EQ(std::memcmp(gradient.vectors.data.host.data(), from_bytes.vectors.data.host.data(),
                          gradient.vectors.data.host.size() * sizeof(float)),
              0);
    z[0].expect_neighbours_untouched();
    double largest = 0;
    z[0].each([&](int p, int64_t row, int c) { largest = std::max(largest, std::abs(z[0].get(p, row, c))); });
    EXPECT_GT(largest, 0.5);
}

TEST(ConvImagesOfOtherShapes, AreRefused) {
    const uint8_t pixels[1] = {0};
    ConvForward forward;
    forward.shape.kernel = 5;
    forward.images.bytes.pixels = pixels;
    EXPECT_THROW(conv_forward(forward, 1, nullptr), ist::Error);
}

} // namespace
} // namespace ist::cuda::test
