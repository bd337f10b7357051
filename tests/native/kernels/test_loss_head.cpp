// test_loss_head.cpp - the loss head against plain loops in double: odd shapes, ranges of wider storages, every element
// type, with and without norm, residual, shortcut A and gradient, several points, any schedule.
#include <cmath>

#include "device_data.h"

#include "loss_head.h"

namespace ist::cuda::test {
namespace {

constexpr int kPoints = 3;
constexpr double kError = 3e-6;

struct HeadCase {
    Shape x;
    int classes;
    bool norm, relu;
    enum { kNoResidual, kResidual, kShortcutA } residual;
    bool scaled;
};
const HeadCase kCases[] = {
    {{9, 8, 8, 64, 64, 0}, 10, true, true, HeadCase::kResidual, false}, // ResNet
    {{5, 2, 2, 24, 24, 0}, 10, true, true, HeadCase::kShortcutA, false},
    {{3, 4, 3, 171, 176, 0}, 37, true, true, HeadCase::kNoResidual, true}, // DenseNet
    {{6, 3, 5, 12, 40, 12}, 3, true, true, HeadCase::kNoResidual, true},
    {{4, 3, 3, 5, 24, 7}, 130, true, false, HeadCase::kResidual, false},
    {{2, 1, 3, 600, 600, 0}, 10, false, true, HeadCase::kNoResidual, false},
    {{7, 1, 1, 9, 16, 0}, 4, false, false, HeadCase::kNoResidual, false},
};

class LossHead : public testing::TestWithParam<std::tuple<Element, int>> {};
INSTANTIATE_TEST_SUITE_P(Every, LossHead,
                         testing::Combine(testing::Values(Element::kFp32, Element::kBf16, Element::kFp16),
                                          testing::Range(0, int(std::size(kCases)))),
                         [](const auto &info) {
                             const Shape &s = kCases[std::get<1>(info.param)].x;
                             return std::string(name_of(std::get<0>(info.param))) + "_" + std::to_string(s.channels) +
                                    "_of_" + std::to_string(s.pitch);
                         });

TEST_P(LossHead, EqualsThePlainLoops) {
    const Element element = std::get<0>(GetParam());
    const HeadCase &s = kCases[std::get<1>(GetParam())];
    const int images = s.x.images, channels = s.x.channels, classes = s.classes, pixels = s.x.height * s.x.width;
    std::mt19937 random(1);
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> positive(0.5, 2);

    Shape r_shape = s.x;
    int step = 1, first = 0;
    if (s.residual == HeadCase::kShortcutA) {
        step = 2, first = 5;
        r_shape = {images, 2 * s.x.height, 2 * s.x.width, 12, 16, 0};
    }
    Activations x(element, kPoints, s.x), r(element, kPoints, r_shape), dx(element, kPoints, s.x);
    x.fill(random, 1, 0.3), r.fill(random);
    std::vector<double> want_dx;
    const int64_t gamma = 3, beta = gamma + channels, weight = beta + channels;
    const int64_t bias = weight + int64_t(channels) * classes;
    PointRows params(kPoints, bias + classes), gradient(kPoints, bias + classes);
    params.vectors.fill([&] { return normal(random); });
    PointVectors mean(kPoints, channels), invstd(kPoints, channels);
    mean.fill([&] { return normal(random); });
    invstd.fill([&] { return positive(random); });

    const Shape features{images, 1, 1, channels, (channels + 3) / 4 * 4, 0};
    const Shape vector{images, 1, 1, classes, (classes + 3) / 4 * 4, 0};
    Activations pooled(Element::kFp32, kPoints, features), dlogits(Element::kFp32, kPoints, vector);
    Device<DrawnSample> samples(size_t(kPoints * images));
    for (DrawnSample &sample : samples.host) sample.label = int(random() % unsigned(classes));
    samples.host[1].label = -1;
    samples.upload();
    const int parts = loss_parts(images);
    Device<LossPart> memory(size_t(kPoints * parts), LossPart{0, 0});
    Device<float> log_p(size_t(kPoints * images * classes)), sums(size_t(kPoints * parts * 2 * channels));
    Device<double> loss(kPoints), error(kPoints), loss_alone(kPoints), error_alone(kPoints);
    const float factor = 0.125f, unscale = 0.5f;
    ASSERT_TRUE(loss_head_fits(pixels, channels, classes));

    run_all_ways(
        kPoints,
        [&](int point, int n) {
            LossHeadParams p;
            p.loss.logits = dlogits.tensor(point), p.loss.logits.data = nullptr;
            p.loss.samples = {samples.device() + point * images, images};
            p.loss.n_images = images, p.loss.gradient_factor = factor;
            p.loss.parts = memory.device() + point * parts, p.loss.parts_stride = parts;
            p.loss.log_probabilities = log_p.device() + int64_t(point) * images * classes;
            p.loss.log_probabilities_stride = int64_t(images) * classes;
            p.from.x = x.tensor(point), p.params = params.rows(point);
            if (s.residual != HeadCase::kNoResidual) p.from.residual = r.tensor(point);
            p.from.residual_step = step, p.from.residual_first = first;
            p.from.activation = s.relu ? Activation::kRelu : Activation::kNone;
            if (s.norm) p.from.norm = {true, gamma, beta, mean.vectors(point), invstd.vectors(point)};
            p.weight = weight, p.bias = bias;
            loss_head(p, n, nullptr);
            const auto finish = [&](Device<double> &losses, Device<double> &errors) {
                finish_loss({p.loss.parts, parts, parts, images, losses.device() + point, errors.device() + point}, n,
                            nullptr);
            };
            finish(loss_alone, error_alone);
            p.loss.dlogits = dlogits.tensor(point), p.pooled = pooled.tensor(point);
            p.dx = dx.tensor(point), p.scaled = s.scaled;
            if (s.norm) p.sums = sums.device() + int64_t(point) * parts * 2 * channels;
            loss_head(p, n, nullptr);
            finish(loss, error);
            loss_head_weights(
                {pooled.tensor(point), dlogits.tensor(point), gradient.rows(point), weight, bias, unscale, images}, n,
                nullptr);
        },
        dx.bytes(), pooled.bytes(), dlogits.bytes(), gradient.vectors.data, log_p, sums, loss, error, loss_alone,
        error_alone);

    const auto scale = [&](int p, int c) { return double(params.at(p, gamma + c)) * double(invstd.at(p, c)); };
    const auto activation = [&](int p, int image, int y, int xx, int c) {
        double v = x.get(p, x.row(image, y, xx), c);
        if (s.norm) v = (v - double(mean.at(p, c))) * scale(p, c) + double(params.at(p, beta + c));
        const int from = c - first;
        if (s.residual != HeadCase::kNoResidual && from >= 0 && from < r_shape.channels)
            v += r.get(p, r.row(image, y * step, xx * step), from);
        return s.relu && !(v > 0) ? 0.0 : v;
    };
    const auto w = [&](int p, int k, int c) { return double(params.at(p, weight + int64_t(k) * channels + c)); };
    // Gradients are rounded to the element's type before they are added up.
    const double rough = kError + 2 * rounding(element);
    for (int p = 0; p < kPoints; ++p) {
        double want_loss = 0, want_error = 0, size = 0;
        std::vector<double> dw(size_t(classes * channels), 0.0), db(size_t(classes), 0.0);
        std::vector<double> sum(size_t(channels), 0.0), product(size_t(channels), 0.0);
        for (int image = 0; image < images; ++image) {
            std::vector<double> mean_of(size_t(channels), 0.0), logits(size_t(classes), 0.0), d(size_t(classes), 0.0);
            for (int c = 0; c < channels; ++c) {
                for (int y = 0; y < s.x.height; ++y)
                    for (int xx = 0; xx < s.x.width; ++xx) mean_of[size_t(c)] += activation(p, image, y, xx, c);
                mean_of[size_t(c)] /= pixels;
                ASSERT_NEAR(pooled.get(p, image, c), mean_of[size_t(c)], 1e-5);
            }
            for (int k = 0; k < classes; ++k) {
                logits[size_t(k)] = double(params.at(p, bias + k));
                for (int c = 0; c < channels; ++c) logits[size_t(k)] += w(p, k, c) * mean_of[size_t(c)];
            }
            const int label = samples.host[size_t(p * images + image)].label;
            const auto best = std::max_element(logits.begin(), logits.end());
            double exps = 0;
            for (double l : logits) exps += std::exp(l - *best);
            const double log_sum = std::log(exps) + *best;
            if (label >= 0) {
                want_loss += log_sum - logits[size_t(label)];
                want_error += best - logits.begin() != label;
            }
            for (int k = 0; k < classes; ++k) {
                const double have = double(log_p.host[size_t((p * images + image) * classes + k)]);
                ASSERT_NEAR(have, logits[size_t(k)] - log_sum, 1e-4);
                d[size_t(k)] = label < 0 ? 0 : factor * (std::exp(logits[size_t(k)] - log_sum) - (k == label));
                ASSERT_NEAR(dlogits.get(p, image, k), d[size_t(k)], 1e-5);
                d[size_t(k)] = dlogits.get(p, image, k);
                db[size_t(k)] += d[size_t(k)];
                for (int c = 0; c < channels; ++c)
                    dw[size_t(k * channels + c)] += d[size_t(k)] * pooled.get(p, image, c);
            }
            std::vector<double> g(size_t(channels), 0.0);
            for (int c = 0; c < channels; ++c) {
                for (int k = 0; k < classes; ++k) g[size_t(c)] += w(p, k, c) * d[size_t(k)] / pixels;
                size = std::max(size, std::abs(g[size_t(c)]));
            }
            for (int y = 0; y < s.x.height; ++y)
                for (int xx = 0; xx < s.x.width; ++xx)
                    for (int c = 0; c < channels; ++c) {
                        const int64_t row = x.row(image, y, xx);
                        const double open = !s.relu || activation(p, image, y, xx, c) > 0 ? g[size_t(c)] : 0;
                        sum[size_t(c)] += open;
                        product[size_t(c)] += open * (x.get(p, row, c) - (s.norm ? double(mean.at(p, c)) : 0));
                        want_dx.push_back(s.scaled ? scale(p, c) * open : open);
                    }
        }
        ASSERT_NEAR(loss.host[size_t(p)], want_loss / images, 1e-5 * (1 + want_loss));
        ASSERT_EQ(loss.host[size_t(p)], loss_alone.host[size_t(p)]);
        ASSERT_DOUBLE_EQ(error.host[size_t(p)], want_error / images);
        ASSERT_EQ(error.host[size_t(p)], error_alone.host[size_t(p)]);
        for (int k = 0; k < classes; ++k) {
            ASSERT_NEAR(gradient.at(p, bias + k), unscale * db[size_t(k)], 1e-6);
            for (int c = 0; c < channels; ++c)
                ASSERT_NEAR(gradient.at(p, weight + int64_t(k) * channels + c), unscale * dw[size_t(k * channels + c)],
                            1e-6);
        }
        for (int c = 0; s.norm && c < channels; ++c) {
            double have = 0, have_product = 0;
            for (int part = 0; part < parts; ++part) {
                const float *of = sums.host.data() + (p * parts + part) * 2 * channels;
                have += double(of[c]), have_product += double(of[channels + c]);
            }
            const double allowed = rough * size * images * pixels;
            ASSERT_NEAR(have, sum[size_t(c)], allowed);
            ASSERT_NEAR(have_product, product[size_t(c)], 4 * allowed);
        }
    }
    size_t i = 0;
    dx.expect([&](int, int64_t, int) { return want_dx[i++]; }, element == Element::kFp16 ? 1e-5 : kError);
    pooled.expect_neighbours_untouched(), dlogits.expect_neighbours_untouched();
}

TEST(LossHeadShape, RefusesWhatNoBlockHolds) {
    EXPECT_TRUE(loss_head_fits(64, 456, 100));
    EXPECT_TRUE(loss_head_fits(64, 342, 10));
    EXPECT_FALSE(loss_head_fits(56 * 56, 64, 10));
    EXPECT_FALSE(loss_head_fits(1, 1 << 20, 10));
}

} // namespace
} // namespace ist::cuda::test
