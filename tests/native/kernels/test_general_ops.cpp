// test_general_ops.cpp - the kernels of element-wise ops, batch norm, pooling, linear layers, loss and samples against
// plain loops in double: odd shapes, ranges of wider storages, every element type, several points, any schedule.
#include <cmath>
#include <limits>

#include "device_data.h"

#include "augment.h"
#include "channel_sums.h"
#include "elementwise.h"
#include "elementwise_backward.h"
#include "linear.h"
#include "norm_statistics.h"
#include "pool.h"
#include "random.h"
#include "softmax_loss.h"

namespace ist::cuda::test {
namespace {

constexpr int kPoints = 3;
constexpr double kError = 2e-6;
constexpr Activation kActivations[] = {Activation::kNone, Activation::kRelu, Activation::kTanh, Activation::kSigmoid};

double activated(double x, Activation a) {
    switch (a) {
    case Activation::kRelu: return x > 0 ? x : 0;
    case Activation::kTanh: return std::tanh(x);
    case Activation::kSigmoid: return 1 / (1 + std::exp(-x));
    default: return x;
    }
}
double derivative(double y, Activation a) {
    switch (a) {
    case Activation::kRelu: return y > 0 ? 1 : 0;
    case Activation::kTanh: return 1 - y * y;
    case Activation::kSigmoid: return y * (1 - y);
    default: return 1;
    }
}

struct Subject {
    Element element;
    Shape shape;
};
void PrintTo(const Subject &s, std::ostream *out) {
    *out << name_of(s.element) << " ";
    PrintTo(s.shape, out);
}
// Whole chunks; a range of a concatenation; nothing aligned; two groups of runs; several parts.
std::vector<Subject> subjects() {
    std::vector<Subject> all;
    for (Element element : {Element::kFp32, Element::kBf16, Element::kFp16})
        for (const Shape &shape : {Shape{3, 5, 7, 16, 16, 0}, Shape{2, 4, 6, 12, 40, 12}, Shape{3, 3, 5, 5, 24, 7},
                                   Shape{2, 1, 3, 600, 600, 0}, Shape{3, 26, 27, 8, 8, 0}})
            all.push_back({element, shape});
    return all;
}
class GeneralOp : public testing::TestWithParam<Subject> {
  protected:
    Element element() const { return GetParam().element; }
    const Shape &shape() const { return GetParam().shape; }
    int channels() const { return shape().channels; }
    Activations activations() const { return Activations(element(), kPoints, shape()); }
    Activations like(int channels, int pitch, int first) const {
        Shape s = shape();
        s.channels = channels, s.pitch = pitch, s.first = first;
        return Activations(element(), kPoints, s);
    }
    double normal() { return std::normal_distribution<double>()(random); }
    double positive() { return std::uniform_real_distribution<double>(0.5, 2)(random); }

    std::mt19937 random{1};
};
INSTANTIATE_TEST_SUITE_P(Every, GeneralOp, testing::ValuesIn(subjects()), [](const auto &info) {
    const Shape &s = info.param.shape;
    return std::string(name_of(info.param.element)) + "_" + std::to_string(s.channels) + "_of_" +
           std::to_string(s.pitch) + "_at_" + std::to_string(s.first);
});

// gamma, beta, mean and invstd of a norm.
struct NormData {
    NormData(int channels, std::mt19937 &random, PointRows &params, int64_t gamma, int64_t beta)
        : params(params), gamma(gamma), beta(beta), mean(kPoints, channels), invstd(kPoints, channels) {
        std::uniform_real_distribution<double> positive(0.5, 2), any(-1, 1);
        mean.fill([&] { return any(random); });
        invstd.fill([&] { return positive(random); });
    }
    Norm norm(int point) const {
        Norm n;
        n.applied = true, n.gamma = gamma, n.beta = beta;
        n.mean = mean.vectors(point), n.invstd = invstd.vectors(point);
        return n;
    }
    double scale(int p, int c) { return double(params.at(p, gamma + c)) * double(invstd.at(p, c)); }
    double apply(int p, int c, double x) {
        return (x - double(mean.at(p, c))) * scale(p, c) + double(params.at(p, beta + c));
    }
    PointRows &params;
    int64_t gamma, beta;
    PointVectors mean, invstd;
};

// What a batch norm's backward leaves in parts: sums of dy(point, row, channel) and of dy * (x - mean).
template <class Gradient>
void expect_sums(const Device<float> &parts, int n_parts, const Activations &x, NormData &norm, Gradient dy) {
    const int c = x.shape.channels;
    for (int p = 0; p < kPoints; ++p)
        for (int ch = 0; ch < c; ++ch) {
            double sum = 0, product = 0, size = 1;
            for (int64_t r = 0; r < x.shape.rows(); ++r) {
                const double d = dy(p, r, ch);
                sum += d, product += d * (x.get(p, r, ch) - double(norm.mean.at(p, ch)));
                size += 4 * std::abs(d);
            }
            double have_sum = 0, have_product = 0;
            for (int part = 0; part < n_parts; ++part) {
                have_sum += double(parts.host[size_t(((p * n_parts + part) * 2) * c + ch)]);
                have_product += double(parts.host[size_t(((p * n_parts + part) * 2 + 1) * c + ch)]);
            }
            ASSERT_NEAR(have_sum, sum, kError * size) << p << " " << ch;
            ASSERT_NEAR(have_product, product, kError * size) << p << " " << ch;
        }
}

// --- element-wise, forward -------------------------------------------------------------------------------------------

TEST_P(GeneralOp, Materialises) {
    const int c = channels();
    PointRows params(kPoints, 4 * c + 3);
    params.vectors.fill([&] { return normal(); });
    NormData norm(c, random, params, 1, c + 1), residual_norm(c, random, params, 2 * c + 2, 3 * c + 3);
    Activations x = activations(), residual = like(c, (c + 15) / 8 * 8, 0), dst = like(c, (c + 23) / 8 * 8, 8);
    x.fill(random), residual.fill(random);
    for (Activation activation : kActivations)
        for (int kind = 0; kind < 4; ++kind) { // nothing, norm, norm + residual, both normalised
            SCOPED_TRACE("activation " + std::to_string(int(activation)) + " kind " + std::to_string(kind));
            run_all_ways(
                kPoints,
                [&](int first, int n) {
                    MaterialiseParams p;
                    p.from.x = x.tensor(first);
                    p.from.activation = activation;
                    if (kind > 0) p.from.norm = norm.norm(first);
                    if (kind > 1) p.from.residual = residual.tensor(first);
                    if (kind > 2) p.from.residual_norm = residual_norm.norm(first);
                    p.params = params.rows(first);
                    p.dst = dst.tensor(first);
                    p.n_images = shape().images;
                    materialise(p, n, nullptr);
                },
                dst.bytes());
            dst.expect(
                [&](int p, int64_t r, int ch) {
                    double v = x.get(p, r, ch);
                    if (kind > 0) v = norm.apply(p, ch, v);
                    if (kind > 1)
                        v += kind > 2 ? residual_norm.apply(p, ch, residual.get(p, r, ch)) : residual.get(p, r, ch);
                    return activated(v, activation);
                },
                kError, 3);
        }
}

TEST_P(GeneralOp, CastsBetweenElementTypes) {
    Activations x = activations(), wide(Element::kFp32, kPoints, shape());
    x.fill(random), wide.fill(random);
    const auto cast = [&](Activations &from, Activations &to) {
        run_all_ways(
            kPoints,
            [&](int first, int n) {
                MaterialiseParams p;
                p.from.x = from.tensor(first), p.dst = to.tensor(first), p.n_images = shape().images;
                materialise(p, n, nullptr);
            },
            to.bytes());
        to.expect([&](int p, int64_t r, int c) { return double(rounded(from.get(p, r, c), to.element)); }, 0);
    };
    cast(wide, x);
    cast(x, wide);
}

TEST_P(GeneralOp, NanSurvivesEveryActivation) {
    for (Activation activation : kActivations) {
        Activations x = activations(), dst = activations();
        x.fill(random);
        for (int p = 0; p < kPoints; ++p) x.set(p, 1, 2, std::nan(""));
        x.upload();
        MaterialiseParams p;
        p.from.x = x.tensor(), p.from.activation = activation, p.dst = dst.tensor(), p.n_images = shape().images;
        materialise(p, kPoints, nullptr);
        dst.download();
        EXPECT_TRUE(std::isnan(dst.get(1, 1, 2)));
        EXPECT_FALSE(std::isnan(dst.get(1, 1, 1)));
    }
}

// Shortcut A: x's norm and a coarser residual with fewer channels, forward and backward.
class Shortcut : public GeneralOp {
  protected:
    Shortcut() : small(GetParam().shape) {
        small.height = (shape().height + 1) / 2, small.width = (shape().width + 1) / 2;
        small.channels = channels() + 2 * before, small.pitch = small.channels + 8, small.first = 8;
    }
    static constexpr int before = 4;
    Shape small;
    double under(const Activations &x, int p, int64_t r, int c) const { // 0 outside
        const int image = int(r / (small.height * small.width)), y = int(r / small.width % small.height);
        const int ch = c - before;
        return ch < 0 || ch >= channels() ? 0.0 : x.get(p, x.row(image, 2 * y, 2 * int(r % small.width)), ch);
    }
};
INSTANTIATE_TEST_SUITE_P(Every, Shortcut, testing::ValuesIn(subjects()));

TEST_P(Shortcut, PadsForwardAndBackward) {
    Activations src = activations(), dst(element(), kPoints, small), g_src = activations();
    src.fill(random);
    run_all_ways(
        kPoints,
        [&](int first, int n) {
            PadShortcutParams p;
            p.src = src.tensor(first), p.dst = dst.tensor(first), p.step = 2, p.first = before;
            p.n_images = shape().images;
            pad_shortcut(p, n, nullptr);
        },
        dst.bytes());
    dst.expect([&](int p, int64_t r, int c) { return under(src, p, r, c); }, 0);

    for (bool add : {false, true}) {
        g_src.fill(random);
        const Activations &g_dst = dst;
        std::vector<double> before_run;
        g_src.each([&](int p, int64_t r, int c) { before_run.push_back(add ? g_src.get(p, r, c) : 0); });
        run_all_ways(
            kPoints,
            [&](int first, int n) {
                PadShortcutBackwardParams p;
                p.dst.g = g_dst.tensor(first), p.src = {g_src.tensor(first), add}, p.step = 2, p.first = before;
                p.n_images = shape().images;
                pad_shortcut_backward(p, n, nullptr);
            },
            g_src.bytes());
        size_t i = 0;
        g_src.expect(
            [&](int p, int64_t r, int c) {
                const int width = shape().width, height = shape().height;
                const int x = int(r % width), y = int(r / width % height), image = int(r / width / height);
                const double g = x % 2 || y % 2 ? 0 : g_dst.get(p, g_dst.row(image, y / 2, x / 2), c + before);
                return before_run[i++] + g;
            },
            kError);
    }
}

TEST_P(Shortcut, IsAResidualOfANorm) {
    const int c = small.channels;
    PointRows params(kPoints, 2 * c);
    params.vectors.fill([&] { return normal(); });
    NormData norm(c, random, params, 0, c);
    Activations x(element(), kPoints, small), residual = activations(), dst(element(), kPoints, small);
    x.fill(random), residual.fill(random);
    run_all_ways(
        kPoints,
        [&](int first, int n) {
            MaterialiseParams p;
            p.from.x = x.tensor(first), p.from.norm = norm.norm(first);
            p.from.residual = residual.tensor(first), p.from.residual_step = 2, p.from.residual_first = before;
            p.from.activation = Activation::kRelu;
            p.params = params.rows(first), p.dst = dst.tensor(first), p.n_images = shape().images;
            materialise(p, n, nullptr);
        },
        dst.bytes());
    dst.expect(
        [&](int p, int64_t r, int ch) {
            return activated(norm.apply(p, ch, x.get(p, r, ch)) + under(residual, p, r, ch), Activation::kRelu);
        },
        kError, 3);
}

// --- element-wise, backward ------------------------------------------------------------------------------------------

TEST_P(GeneralOp, GoesBackwardThroughElementwiseOps) {
    const int c = channels(), parts = elementwise_backward_parts(activations().tensor(), shape().images);
    PointRows params(kPoints, 4 * c + 3);
    params.vectors.fill([&] { return normal(); });
    NormData norm(c, random, params, 1, c + 1), residual_norm(c, random, params, 2 * c + 2, 3 * c + 3);
    Activations x = activations(), residual = like(c, (c + 15) / 8 * 8, 0), y = activations();
    Activations g = like(c, (c + 23) / 8 * 8, 8), dx = activations(), dresidual = like(c, (c + 23) / 8 * 8, 16);
    x.fill(random), residual.fill(random), g.fill(random);
    PointVectors slope(kPoints, c), offset(kPoints, c);
    slope.fill([&] { return 0.1 * normal(); }), offset.fill([&] { return 0.1 * normal(); });
    Device<float> sums(size_t(kPoints * parts * 2 * c)), residual_sums(size_t(kPoints * parts * 2 * c));

    for (Activation activation : kActivations)
        for (int kind = 0; kind < 8; ++kind) {
            SCOPED_TRACE("activation " + std::to_string(int(activation)) + " kind " + std::to_string(kind));
            const bool normalised = kind % 4 > 0, with_residual = kind % 4 > 1, both = kind % 4 > 2;
            const bool stored = kind < 4, corrected = kind == 2 || kind == 5, add = kind == 1 || kind == 6;
            const bool unscaled = kind == 5;
            const auto operand = [&](int first) {
                Operand from;
                from.x = x.tensor(first);
                from.activation = activation;
                if (normalised) from.norm = norm.norm(first);
                if (with_residual) from.residual = residual.tensor(first);
                if (both) from.residual_norm = residual_norm.norm(first);
                return from;
            };
            MaterialiseParams forward;
            forward.from = operand(0), forward.params = params.rows(), forward.dst = y.tensor();
            forward.n_images = shape().images;
            materialise(forward, kPoints, nullptr);
            y.download();
            dx.fill(random), dresidual.fill(random);
            std::vector<double> dx_before, dresidual_before;
            dx.each([&](int p, int64_t r, int ch) {
                dx_before.push_back(add ? dx.get(p, r, ch) : 0);
                dresidual_before.push_back(add ? dresidual.get(p, r, ch) : 0);
            });
            std::fill(sums.host.begin(), sums.host.end(), -7.f);
            std::fill(residual_sums.host.begin(), residual_sums.host.end(), -7.f);
            run_all_ways(
                kPoints,
                [&](int first, int n) {
                    ElementwiseBackwardParams p;
                    p.from = operand(first), p.params = params.rows(first);
                    if (stored) p.y = y.tensor(first);
                    p.dst.g = g.tensor(first);
                    if (corrected) {
                        p.dst.corrected = true, p.dst.value = y.tensor(first);
                        p.dst.slope = slope.vectors(first), p.dst.offset = offset.vectors(first);
                    }
                    p.x = {dx.tensor(first), add}, p.x_unscaled = unscaled;
                    if (with_residual) p.residual = {dresidual.tensor(first), add};
                    if (normalised) p.sums = sums.device() + first * parts * 2 * c;
                    if (both) p.residual_sums = residual_sums.device() + first * parts * 2 * c;
                    p.n_images = shape().images;
                    elementwise_backward(p, n, nullptr);
                },
                dx.bytes(), dresidual.bytes(), sums, residual_sums);

            const auto dy = [&](int p, int64_t r, int ch) {
                double v = g.get(p, r, ch);
                if (corrected) v += double(slope.at(p, ch)) * y.get(p, r, ch) + double(offset.at(p, ch));
                return v * derivative(y.get(p, r, ch), activation);
            };
            size_t i = 0, j = 0;
            dx.expect(
                [&](int p, int64_t r, int ch) {
                    return dx_before[i++] + (normalised && !unscaled ? norm.scale(p, ch) : 1.0) * dy(p, r, ch);
                },
                kError);
            if (with_residual)
                dresidual.expect(
                    [&](int p, int64_t r, int ch) {
                        return dresidual_before[j++] + (both ? residual_norm.scale(p, ch) : 1.0) * dy(p, r, ch);
                    },
                    kError);
            if (normalised) expect_sums(sums, parts, x, norm, dy);
            if (both) expect_sums(residual_sums, parts, residual, residual_norm, dy);
        }
}

// x + x: both gradients go to one tensor.
TEST_P(GeneralOp, AddsBothGradientsOfOneTensor) {
    Activations g = activations(), dx = activations();
    g.fill(random);
    run_all_ways(
        kPoints,
        [&](int first, int n) {
            ElementwiseBackwardParams p;
            p.dst.g = g.tensor(first), p.x = {dx.tensor(first), false}, p.residual = {dx.tensor(first), true};
            p.n_images = shape().images;
            elementwise_backward(p, n, nullptr);
        },
        dx.bytes());
    dx.expect([&](int p, int64_t r, int c) { return 2 * g.get(p, r, c); }, 0);
}

TEST_P(GeneralOp, PassesGradients) {
    const int c = channels();
    Activations g = like(c, (c + 23) / 8 * 8, 8), value = activations(), to = activations();
    g.fill(random), value.fill(random);
    PointVectors slope(kPoints, c), offset(kPoints, c);
    slope.fill([&] { return normal(); }), offset.fill([&] { return normal(); });
    for (bool corrected : {false, true})
        for (bool add : {false, true}) {
            to.fill(random);
            std::vector<double> before;
            to.each([&](int p, int64_t r, int ch) { before.push_back(add ? to.get(p, r, ch) : 0); });
            run_all_ways(
                kPoints,
                [&](int first, int n) {
                    PassGradientParams p;
                    p.from = {g.tensor(first), corrected, value.tensor(first), slope.vectors(first),
                              offset.vectors(first)};
                    p.to = {to.tensor(first), add}, p.n_images = shape().images;
                    pass_gradient(p, n, nullptr);
                },
                to.bytes());
            size_t i = 0;
            to.expect(
                [&](int p, int64_t r, int ch) {
                    double v = before[i++] + g.get(p, r, ch);
                    if (corrected) v += double(slope.at(p, ch)) * value.get(p, r, ch) + double(offset.at(p, ch));
                    return v;
                },
                kError, 3);
        }
}

TEST_P(GeneralOp, ClearsChannels) {
    Activations x = activations();
    x.fill(random);
    clear_channels(x.tensor(), shape().images, kPoints, nullptr);
    x.download();
    x.expect([](int, int64_t, int) { return 0.0; }, 0);
}

TEST_P(GeneralOp, SumsChannels) {
    const int c = channels();
    Activations g = activations(), value = activations();
    g.fill(random), value.fill(random);
    PointVectors slope(kPoints, c), offset(kPoints, c);
    slope.fill([&] { return normal(); }), offset.fill([&] { return normal(); });
    const int parts = channel_sums_parts(g.tensor(), shape().images);
    Device<float> workspace(size_t(kPoints * parts * c));
    PointRows gradient(kPoints, c + 2);
    for (bool corrected : {false, true}) {
        run_all_ways(
            kPoints,
            [&](int first, int n) {
                ChannelSumsParams p;
                p.from = {g.tensor(first), corrected, value.tensor(first), slope.vectors(first), offset.vectors(first)};
                p.n_images = shape().images, p.parts = workspace.device() + first * parts * c;
                p.gradient = gradient.rows(first), p.bias = 2, p.unscale = 0.25f;
                channel_sums(p, n, nullptr);
            },
            gradient.vectors.data);
        for (int p = 0; p < kPoints; ++p)
            for (int ch = 0; ch < c; ++ch) {
                double sum = 0, size = 0;
                for (int64_t r = 0; r < shape().rows(); ++r) {
                    double v = g.get(p, r, ch);
                    if (corrected) v += double(slope.at(p, ch)) * value.get(p, r, ch) + double(offset.at(p, ch));
                    sum += v, size += std::abs(v);
                }
                ASSERT_NEAR(gradient.at(p, 2 + ch), 0.25 * sum, kError * size);
            }
    }
}

// --- batch norm ------------------------------------------------------------------------------------------------------

TEST_P(GeneralOp, FindsStatisticsOfAValue) {
    const int c = channels();
    Activations x = activations();
    const int parts = tensor_statistics_parts(x.tensor(), shape().images);
    Device<float> workspace(size_t(kPoints * parts * 3 * c));
    PointVectors mean(kPoints, c), invstd(kPoints, c), variance(kPoints, c);
    Device<double> sum(size_t(kPoints * c), 5.0), xhat(size_t(kPoints * c), 5.0);
    for (double far : {0.0, 1000.0}) {
        x.fill(random, 1, far);
        for (int p = 0; p < kPoints; ++p)
            for (int64_t r = 0; r < shape().rows(); ++r) x.set(p, r, c / 2, 3.25); // does not vary
        x.upload();
        run_all_ways(
            kPoints,
            [&](int first, int n) {
                TensorStatisticsParams p;
                p.x = x.tensor(first), p.n_images = shape().images;
                p.parts = workspace.device() + first * parts * 3 * c;
                tensor_statistics(p, n, nullptr);
                FinishStatisticsParams f;
                f.parts = p.parts, f.n_parts = parts, f.channels = c;
                f.mean = mean.vectors(first), f.invstd = invstd.vectors(first), f.variance = variance.vectors(first);
                f.sums = {sum.device() + first * c, xhat.device() + first * c, c};
                finish_statistics(f, n, nullptr);
            },
            workspace, mean.data, invstd.data, variance.data, sum, xhat);
        for (int p = 0; p < kPoints; ++p)
            for (int ch = 0; ch < c; ++ch) {
                double m = 0, v = 0;
                for (int64_t r = 0; r < shape().rows(); ++r) m += x.get(p, r, ch) / double(shape().rows());
                for (int64_t r = 0; r < shape().rows(); ++r)
                    v += std::pow(x.get(p, r, ch) - m, 2) / double(shape().rows());
                ASSERT_NEAR(mean.at(p, ch), m, 1e-6 + 1e-7 * std::abs(m));
                ASSERT_NEAR(variance.at(p, ch), v, 2e-6 * v + 1e-9 * far + 1e-12);
                ASSERT_NEAR(invstd.at(p, ch), 1 / std::sqrt(v + 1e-5), (2e-6 + 1e-9 * far) / std::sqrt(v + 1e-5));
            }
        for (double v : sum.host) ASSERT_EQ(v, 0.0);
        for (double v : xhat.host) ASSERT_EQ(v, 0.0);
    }
}

// Two batch norms read one value; the corrected gradient is that of the value through both.
TEST_P(GeneralOp, GoesBackwardThroughTwoBatchNormsOfAValue) {
    const int c = channels(), images = shape().images;
    const int64_t rows = shape().rows();
    Activations x(Element::kFp32, kPoints, shape()), g(Element::kFp32, kPoints, shape());
    Activations dy[2] = {Activations(Element::kFp32, kPoints, shape()), Activations(Element::kFp32, kPoints, shape())};
    x.fill(random, 2, 1), dy[0].fill(random), dy[1].fill(random, 3, 0.5);
    PointRows params(kPoints, 4 * c), gradient(kPoints, 4 * c);
    params.vectors.fill([&] { return normal(); });
    PointVectors mean(kPoints, c), invstd(kPoints, c), variance(kPoints, c), slope(kPoints, c), offset(kPoints, c);
    Device<double> sum(size_t(kPoints * c)), xhat(size_t(kPoints * c));
    const int parts = tensor_statistics_parts(x.tensor(), images);
    Device<float> workspace(size_t(kPoints * parts * 3 * c));
    run_all_ways(
        kPoints,
        [&](int first, int n) {
            const NormSums sums{sum.device() + first * c, xhat.device() + first * c, c};
            float *parts_at = workspace.device() + first * parts * 3 * c;
            tensor_statistics({x.tensor(first), images, parts_at}, n, nullptr);
            FinishStatisticsParams f;
            f.parts = parts_at, f.n_parts = parts, f.channels = c;
            f.mean = mean.vectors(first), f.invstd = invstd.vectors(first), f.variance = variance.vectors(first);
            f.sums = sums;
            finish_statistics(f, n, nullptr);
            for (int k = 0; k < 2; ++k) {
                ElementwiseBackwardParams b;
                b.from.x = x.tensor(first), b.from.norm = {true, 2 * k * c, (2 * k + 1) * c, f.mean, f.invstd};
                b.params = params.rows(first), b.dst.g = dy[k].tensor(first), b.x = {g.tensor(first), k == 1};
                b.sums = parts_at, b.n_images = images;
                elementwise_backward(b, n, nullptr);
                FinishNormBackwardParams e;
                e.parts = parts_at, e.n_parts = parts, e.channels = c, e.count = rows;
                e.params = params.rows(first), e.gradient = gradient.rows(first);
                e.gamma = 2 * k * c, e.beta = (2 * k + 1) * c, e.unscale = 0.5f;
                e.mean = f.mean, e.invstd = f.invstd, e.sums = sums;
                e.slope = slope.vectors(first), e.offset = offset.vectors(first);
                finish_norm_backward(e, n, nullptr);
            }
            PassGradientParams pass;
            pass.from = {g.tensor(first), true, x.tensor(first), slope.vectors(first), offset.vectors(first)};
            pass.to = {g.tensor(first), false}, pass.n_images = images;
            pass_gradient(pass, n, nullptr);
        },
        g.bytes(), gradient.vectors.data);
    std::vector<double> want(size_t(kPoints * rows * c));
    for (int p = 0; p < kPoints; ++p)
        for (int ch = 0; ch < c; ++ch) {
            double m = 0, v = 0;
            for (int64_t r = 0; r < rows; ++r) m += x.get(p, r, ch) / double(rows);
            for (int64_t r = 0; r < rows; ++r) v += std::pow(x.get(p, r, ch) - m, 2) / double(rows);
            const double s = 1 / std::sqrt(v + 1e-5);
            for (int k = 0; k < 2; ++k) {
                const double gamma = double(params.at(p, 2 * k * c + ch));
                double dbeta = 0, dgamma = 0;
                for (int64_t r = 0; r < rows; ++r)
                    dbeta += dy[k].get(p, r, ch), dgamma += dy[k].get(p, r, ch) * (x.get(p, r, ch) - m) * s;
                ASSERT_NEAR(gradient.at(p, 2 * k * c + ch), 0.5 * dgamma, 1e-5 * double(rows));
                ASSERT_NEAR(gradient.at(p, (2 * k + 1) * c + ch), 0.5 * dbeta, 1e-5 * double(rows));
                for (int64_t r = 0; r < rows; ++r)
                    want[size_t((p * rows + r) * c + ch)] += gamma * s *
                                                             (dy[k].get(p, r, ch) - dbeta / double(rows) -
                                                              (x.get(p, r, ch) - m) * s * dgamma / double(rows));
            }
        }
    g.expect([&](int p, int64_t r, int ch) { return want[size_t((p * rows + r) * c + ch)]; }, 1e-5, 10);
}

TEST(RunningStatistics, FollowTheBatchesAndServeInference) {
    // Two values of 300 and 5 channels; three batch norms, two of them of the first value.
    const std::vector<RunningNorm> norms = {
        {300, 0, 300, 0, 0, 50}, {5, 1200, 1205, 300, 300, 1}, {300, 600, 900, 0, 305, 50}};
    const int64_t n_statistics = 1210;
    Device<RunningNorm> table(norms.size());
    table.host = norms, table.upload();
    const NormTable in_memory{table.device(), int(norms.size()), 300};
    std::mt19937 random(1);
    std::uniform_real_distribution<double> positive(0.5, 2);
    const auto some = [&] { return positive(random); };
    PointVectors mean(kPoints, 305), variance(kPoints, 305), norm_mean(kPoints, 605), norm_invstd(kPoints, 605);
    mean.fill(some), variance.fill(some);
    PointRows statistics(kPoints, n_statistics), average(kPoints, n_statistics);
    statistics.vectors.fill(some);
    const std::vector<float> before = statistics.vectors.data.host;
    Device<uint8_t> wanted(kPoints, 1);
    wanted.host[1] = 0, wanted.upload();
    Device<double> sums(size_t(kPoints * n_statistics));
    run_all_ways(
        kPoints,
        [&](int first, int n) {
            update_running_statistics({in_memory, mean.vectors(first), variance.vectors(first), statistics.rows(first),
                                       wanted.device() + first},
                                      n, nullptr);
            for (int batch = 0; batch < 2; ++batch)
                sum_statistics({in_memory, mean.vectors(first), variance.vectors(first),
                                sums.device() + first * n_statistics, n_statistics},
                               n, nullptr);
            average_statistics({sums.device() + first * n_statistics, n_statistics, 2, average.rows(first)}, n,
                               nullptr);
            running_norms({in_memory, statistics.rows(first), norm_mean.vectors(first), norm_invstd.vectors(first)}, n,
                          nullptr);
        },
        statistics.vectors.data, average.vectors.data, sums, norm_mean.data, norm_invstd.data);
    for (int p = 0; p < kPoints; ++p)
        for (const RunningNorm &n : norms)
            for (int c = 0; c < n.channels; ++c) {
                const auto old = [&](int64_t i) {
                    return double(before[size_t((kPoints - 1 - p) * statistics.vectors.stride + i)]);
                };
                const double m = double(mean.at(p, n.value + c));
                const double v =
                    double(variance.at(p, n.value + c)) * (n.count > 1 ? double(n.count) / double(n.count - 1) : 1);
                const bool stays = p == 1;
                ASSERT_NEAR(statistics.at(p, n.mean + c), stays ? old(n.mean + c) : 0.9 * old(n.mean + c) + 0.1 * m,
                            1e-6);
                ASSERT_NEAR(statistics.at(p, n.variance + c),
                            stays ? old(n.variance + c) : 0.9 * old(n.variance + c) + 0.1 * v, 1e-6);
                ASSERT_NEAR(average.at(p, n.mean + c), m, 1e-6);
                ASSERT_NEAR(average.at(p, n.variance + c), v, 1e-6);
                ASSERT_EQ(norm_mean.at(p, n.norm + c), statistics.at(p, n.mean + c));
                ASSERT_NEAR(norm_invstd.at(p, n.norm + c),
                            1 / std::sqrt(double(statistics.at(p, n.variance + c)) + 1e-5), 1e-6);
            }
}

// --- pooling ---------------------------------------------------------------------------------------------------------

TEST_P(GeneralOp, Pools) {
    const int c = channels();
    for (OpKind kind : {OpKind::kAvgPool, OpKind::kMaxPool, OpKind::kGlobalAvgPool})
        for (bool add : {false, true}) {
            const bool global = kind == OpKind::kGlobalAvgPool, maximum = kind == OpKind::kMaxPool;
            const int window = shape().height > 1 ? 2 : 1;
            SCOPED_TRACE("kind " + std::to_string(int(kind)) + " add " + std::to_string(add));
            Shape small = shape();
            small.height = global ? 1 : shape().height / window, small.width = global ? 1 : shape().width / window;
            if (global) small.pitch = (c + 7) / 8 * 8, small.first = 0;
            const Element element_y = global ? Element::kFp32 : element();
            Activations x = activations(), y(element_y, kPoints, small), dy(element_y, kPoints, small);
            Activations dx = activations();
            // Few different numbers: many ties.
            x.each([&](int p, int64_t r, int ch) { x.set(p, r, ch, double(random() % 5) - 2); });
            x.upload();
            dy.fill(random), dx.fill(random);
            const int h = global ? shape().height : window, w = global ? shape().width : window;
            std::vector<double> want_y(size_t(kPoints * small.rows() * c)), want_dx;
            dx.each([&](int p, int64_t r, int ch) { want_dx.push_back(add ? dx.get(p, r, ch) : 0); });
            y.each([&](int p, int64_t r, int ch) {
                const int ox = int(r % small.width), oy = int(r / small.width % small.height);
                const int image = int(r / small.width / small.height);
                double &out = want_y[size_t((p * small.rows() + r) * c + ch)];
                int64_t best = -1;
                double sum = 0;
                const auto gradient = [&](int64_t row) -> double & {
                    return want_dx[size_t((p * shape().rows() + row) * c + ch)];
                };
                for (int i = 0; i < h * w; ++i) {
                    const int64_t row = x.row(image, oy * h + i / w, ox * w + i % w);
                    sum += x.get(p, row, ch);
                    if (best < 0 || x.get(p, row, ch) > x.get(p, best, ch)) best = row;
                    if (!maximum) gradient(row) += dy.get(p, r, ch) / (h * w);
                }
                if (maximum) gradient(best) += dy.get(p, r, ch);
                out = maximum ? x.get(p, best, ch) : sum / (h * w);
            });
            run_all_ways(
                kPoints,
                [&](int first, int n) {
                    PoolParams f;
                    f.kind = kind, f.window = window, f.from.x = x.tensor(first), f.y = y.tensor(first);
                    f.n_images = shape().images;
                    pool(f, n, nullptr);
                    PoolBackwardParams b;
                    b.kind = kind, b.window = window, b.x = x.tensor(first), b.y.g = dy.tensor(first);
                    b.dx = {dx.tensor(first), add}, b.n_images = shape().images;
                    pool_backward(b, n, nullptr);
                },
                y.bytes(), dx.bytes());
            y.expect([&](int p, int64_t r, int ch) { return want_y[size_t((p * small.rows() + r) * c + ch)]; }, kError);
            dx.expect([&](int p, int64_t r, int ch) { return want_dx[size_t((p * shape().rows() + r) * c + ch)]; },
                      kError);
        }
}

// Batch norm, activation and average pooling in one, and back: pixels under no window count, with gradient 0.
TEST_P(GeneralOp, PoolsWhatANormLeaves) {
    const int c = channels(), window = shape().height > 1 ? 2 + (shape().height > 5) : 1, area = window * window;
    Shape small = shape();
    small.height /= window, small.width /= window, small.pitch = (c + 23) / 8 * 8, small.first = 8;
    PointRows params(kPoints, 2 * c + 1);
    params.vectors.fill([&] { return normal(); });
    NormData norm(c, random, params, 1, c + 1);
    Activations x = activations(), normed = activations(), dx = activations();
    Activations y(element(), kPoints, small), g(element(), kPoints, small);
    x.fill(random), g.fill(random);
    PointVectors slope(kPoints, c), offset(kPoints, c);
    slope.fill([&] { return 0.1 * normal(); }), offset.fill([&] { return 0.1 * normal(); });
    const int parts = elementwise_backward_parts(x.tensor(), shape().images);
    Device<float> sums(size_t(kPoints * parts * 2 * c));
    for (Activation activation : kActivations)
        for (bool corrected : {false, true}) {
            SCOPED_TRACE("activation " + std::to_string(int(activation)) + " corrected " + std::to_string(corrected));
            const bool add = corrected, unscaled = corrected;
            dx.fill(random);
            std::vector<double> before;
            dx.each([&](int p, int64_t r, int ch) { before.push_back(add ? dx.get(p, r, ch) : 0); });
            run_all_ways(
                kPoints,
                [&](int first, int n) {
                    PoolParams f;
                    f.window = window, f.from.x = x.tensor(first), f.from.norm = norm.norm(first);
                    f.from.activation = activation, f.y = y.tensor(first);
                    f.n_images = shape().images, f.params = params.rows(first);
                    pool(f, n, nullptr);
                    ElementwiseBackwardParams b;
                    b.from = f.from, b.params = f.params, b.dst.g = g.tensor(first), b.window = window;
                    if (corrected) {
                        b.dst.corrected = true, b.dst.value = f.y;
                        b.dst.slope = slope.vectors(first), b.dst.offset = offset.vectors(first);
                    }
                    b.x = {dx.tensor(first), add}, b.x_unscaled = unscaled;
                    b.sums = sums.device() + first * parts * 2 * c, b.n_images = shape().images;
                    elementwise_backward(b, n, nullptr);
                },
                y.bytes(), dx.bytes(), sums);

            MaterialiseParams stored;
            stored.from.x = x.tensor(), stored.from.norm = norm.norm(0), stored.from.activation = activation;
            stored.params = params.rows(), stored.dst = normed.tensor(), stored.n_images = shape().images;
            materialise(stored, kPoints, nullptr);
            normed.download();
            y.expect(
                [&](int p, int64_t r, int ch) {
                    const int ox = int(r % small.width), oy = int(r / small.width % small.height);
                    const int image = int(r / small.width / small.height);
                    const auto row = [&](int i) {
                        return x.row(image, oy * window + i / window, ox * window + i % window);
                    };
                    double sum = 0;
                    for (int i = 0; i < area; ++i)
                        sum += activated(norm.apply(p, ch, x.get(p, row(i), ch)), activation);
                    return sum / area;
                },
                kError, 3);
            const auto dy = [&](int p, int64_t r, int ch) {
                const int oy = int(r / shape().width % shape().height) / window, ox = int(r % shape().width) / window;
                if (oy >= small.height || ox >= small.width) return 0.0;
                const int64_t under = g.row(int(r / shape().width / shape().height), oy, ox);
                double v = g.get(p, under, ch);
                if (corrected) v += double(slope.at(p, ch)) * y.get(p, under, ch) + double(offset.at(p, ch));
                return v / area * derivative(normed.get(p, r, ch), activation);
            };
            size_t i = 0;
            dx.expect([&](int p, int64_t r,
                          int ch) { return before[i++] + (unscaled ? 1.0 : norm.scale(p, ch)) * dy(p, r, ch); },
                      kError);
            expect_sums(sums, parts, x, norm, dy);
        }
}

// --- linear ----------------------------------------------------------------------------------------------------------

struct LinearCase {
    Element element;
    Shape x;
    int outputs;
};
class Linear : public testing::TestWithParam<LinearCase> {};
INSTANTIATE_TEST_SUITE_P(Every, Linear,
                         testing::Values(LinearCase{Element::kFp32, {5, 1, 1, 7, 8, 0}, 3},
                                         LinearCase{Element::kBf16, {9, 3, 2, 5, 16, 3}, 70},
                                         LinearCase{Element::kFp16, {3, 2, 2, 33, 40, 0}, 66},
                                         LinearCase{Element::kFp32, {70, 1, 1, 130, 136, 4}, 10},
                                         LinearCase{Element::kFp32, {200, 1, 1, 20, 20, 0}, 12}));

TEST_P(Linear, EqualsThePlainLoops) {
    const LinearCase &s = GetParam();
    const int images = s.x.images, pixels = s.x.height * s.x.width, inputs = pixels * s.x.channels;
    const int outputs = s.outputs;
    std::mt19937 random(1);
    std::normal_distribution<double> normal;
    Activations x(s.element, kPoints, s.x), dx(s.element, kPoints, s.x);
    const Shape vector{images, 1, 1, outputs, (outputs + 7) / 4 * 4, 1};
    Activations y(Element::kFp32, kPoints, vector), dy(Element::kFp32, kPoints, vector);
    x.fill(random), dx.fill(random), dy.fill(random);
    const int64_t weight = 5, bias = weight + int64_t(inputs) * outputs;
    PointRows params(kPoints, bias + outputs), gradient(kPoints, bias + outputs);
    params.vectors.fill([&] { return normal(random); });
    const int64_t workspace_floats = linear_workspace(x.tensor(), outputs, images);
    Device<float> workspace(size_t(kPoints * workspace_floats));
    PointVectors slope(kPoints, outputs), offset(kPoints, outputs);
    slope.fill([&] { return normal(random); }), offset.fill([&] { return normal(random); });

    std::vector<double> dx_before;
    dx.each([&](int p, int64_t r, int c) { dx_before.push_back(dx.get(p, r, c)); });
    const auto input = [&](int p, int image, int j) {
        return x.get(p, int64_t(image) * pixels + j % pixels, j / pixels);
    };
    const auto w = [&](int p, int o, int j) { return double(params.at(p, weight + int64_t(o) * inputs + j)); };
    std::vector<double> want_y;
    y.each([&](int p, int64_t image, int o) {
        double sum = double(params.at(p, bias + o));
        for (int j = 0; j < inputs; ++j) sum += input(p, int(image), j) * w(p, o, j);
        want_y.push_back(sum);
    });

    run_all_ways(
        kPoints,
        [&](int first, int n) {
            linear({x.tensor(first), y.tensor(first), params.rows(first), weight, bias, images}, n, nullptr);
            LinearBackwardParams b;
            b.x = x.tensor(first), b.dx = {dx.tensor(first), true}, b.params = params.rows(first);
            b.y = {dy.tensor(first), true, y.tensor(first), slope.vectors(first), offset.vectors(first)};
            b.gradient = gradient.rows(first), b.weight = weight, b.bias = bias, b.unscale = 0.5f;
            b.workspace = workspace.device() + first * workspace_floats, b.n_images = images;
            linear_backward(b, n, nullptr);
        },
        y.bytes(), dx.bytes(), gradient.vectors.data);

    size_t i = 0;
    const double size = std::sqrt(double(inputs));
    y.expect([&](int, int64_t, int) { return want_y[i++]; }, kError, size);
    const auto g = [&](int p, int image, int o) {
        return dy.get(p, image, o) + double(slope.at(p, o)) * y.get(p, image, o) + double(offset.at(p, o));
    };
    size_t j = 0;
    dx.expect(
        [&](int p, int64_t r, int c) {
            const int image = int(r / pixels), feature = int(c * pixels + r % pixels);
            double sum = dx_before[j++];
            for (int o = 0; o < outputs; ++o) sum += g(p, image, o) * w(p, o, feature);
            return sum;
        },
        kError, 30 * size);
    for (int p = 0; p < kPoints; ++p)
        for (int o = 0; o < outputs; ++o) {
            double db = 0;
            for (int image = 0; image < images; ++image) db += g(p, image, o);
            ASSERT_NEAR(gradient.at(p, bias + o), 0.5 * db, kError * images * 10 * size);
            for (int k = 0; k < inputs; k += 3) {
                double sum = 0;
                for (int image = 0; image < images; ++image) sum += g(p, image, o) * input(p, image, k);
                ASSERT_NEAR(gradient.at(p, weight + int64_t(o) * inputs + k), 0.5 * sum, kError * images * 10 * size);
            }
        }
}

// --- loss ------------------------------------------------------------------------------------------------------------

TEST(SoftmaxLoss, EqualsThePlainLoopsInOneChunkAndInMore) {
    for (int classes : {3, 10, 37, 130}) {
        const int images = 77, chunk = 64;
        const Shape s{images, 1, 1, classes, (classes + 3) / 4 * 4, 0};
        std::mt19937 random(1);
        Activations logits(Element::kFp32, kPoints, s), d(Element::kFp32, kPoints, s);
        logits.fill(random, 4);
        for (int p = 0; p < kPoints; ++p) logits.set(p, 5, 0, 2e4), logits.set(p, 6, 1, -2e4);
        for (int c = 0; c < classes; ++c) logits.set(0, 8, c, 1); // the first of equal logits is the guess
        logits.set(2, 9, 1, std::nan(""));
        logits.upload();
        Device<DrawnSample> samples(size_t(kPoints * images));
        for (DrawnSample &sample : samples.host) sample.label = int(random() % unsigned(classes));
        samples.host[8].label = 0;
        for (int p = 0; p < kPoints; ++p) samples.host[size_t(p * images + 11)].label = -1;
        samples.upload();
        const int parts = loss_parts(images);
        Device<LossPart> memory(size_t(kPoints * parts));
        Device<double> loss(kPoints), error(kPoints);
        Device<float> log_p(size_t(kPoints * images * classes));
        Device<int64_t> first_image(1, chunk);
        for (bool chunked : {false, true}) {
            run_all_ways(
                kPoints,
                [&](int first, int n) {
                    for (int begin = 0; begin < images; begin += chunked ? chunk : images) {
                        SoftmaxLossParams p;
                        p.logits = logits.tensor(first), p.dlogits = d.tensor(first);
                        for (Tensor *t : {&p.logits, &p.dlogits})
                            t->data = static_cast<float *>(t->data) + begin * s.pitch;
                        p.samples = {samples.device() + first * images + begin, images};
                        p.n_images = chunked ? std::min(chunk, images - begin) : images;
                        p.parts = memory.device() + first * parts, p.parts_stride = parts;
                        if (begin > 0) p.first_image_on_device = first_image.device();
                        p.gradient_factor = 0.125f;
                        p.log_probabilities = log_p.device() + (int64_t(first) * images + begin) * classes;
                        p.log_probabilities_stride = int64_t(images) * classes;
                        softmax_loss(p, n, nullptr);
                    }
                    finish_loss({memory.device() + first * parts, parts, parts, images - 1, loss.device() + first,
                                 error.device() + first},
                                n, nullptr);
                },
                d.bytes(), log_p, loss, error);
            for (int p = 0; p < kPoints; ++p) {
                double want_loss = 0, want_error = 0;
                for (int i = 0; i < images; ++i) {
                    const int label = samples.host[size_t(p * images + i)].label;
                    int best = 0;
                    for (int c = 1; c < classes; ++c)
                        if (logits.get(p, i, c) > logits.get(p, i, best)) best = c;
                    double sum = 0;
                    for (int c = 0; c < classes; ++c) sum += std::exp(logits.get(p, i, c) - logits.get(p, i, best));
                    const double log_sum = std::log(sum) + logits.get(p, i, best);
                    if (label >= 0) {
                        want_loss += log_sum - logits.get(p, i, label);
                        want_error += best != label || std::isnan(log_sum);
                    }
                    for (int c = 0; c < classes; ++c) {
                        const float have = log_p.host[size_t((p * images + i) * classes + c)];
                        if (std::isnan(log_sum)) {
                            ASSERT_TRUE(std::isnan(have));
                            continue;
                        }
                        ASSERT_FLOAT_EQ(have, float(logits.get(p, i, c) - log_sum));
                        const double g = std::exp(logits.get(p, i, c) - log_sum) - (c == label);
                        ASSERT_NEAR(d.get(p, i, c), label < 0 ? 0 : 0.125 * g, 1e-7);
                    }
                }
                if (p == 2) ASSERT_TRUE(std::isnan(loss.host[2]));
                else ASSERT_NEAR(loss.host[size_t(p)], want_loss / (images - 1), 1e-12 * want_loss);
                ASSERT_DOUBLE_EQ(error.host[size_t(p)], want_error / (images - 1));
            }
            d.expect_neighbours_untouched();
        }
    }
}

// --- samples ---------------------------------------------------------------------------------------------------------

TEST(Samples, AreThoseOfTheGeneratorAndBecomeImages) {
    const int n_images = 23, channels = 3, height = 5, width = 6, batch = 40;
    std::mt19937 random(1);
    Device<uint8_t> pixels(size_t(n_images * height * width * channels));
    for (uint8_t &v : pixels.host) v = uint8_t(random());
    pixels.upload();
    Device<float> table(size_t(channels * 256));
    for (float &v : table.host) v = float(random() % 1000) / 500 - 1;
    table.upload();
    Device<int32_t> labels(n_images);
    for (int i = 0; i < n_images; ++i) labels.host[size_t(i)] = i % 7;
    labels.upload();
    Device<uint64_t> streams(kPoints);
    streams.host = {3, 0x123456789abcull, 3}, streams.upload();
    Device<int64_t> step(1, 5), first_image(1, 16);
    Device<DrawnSample> drawn(size_t(kPoints * batch), DrawnSample{}), listed(32, DrawnSample{});
    const ist_sampling sampling{42, batch, 2, 1};
    run_all_ways(
        kPoints,
        [&](int first, int n) {
            draw_samples({sampling,
                          n_images,
                          labels.device(),
                          streams.device() + first,
                          step.device(),
                          {drawn.device() + first * batch, batch}},
                         n, nullptr);
            list_samples({n_images, labels.device(), 0, first_image.device(), 32, {listed.device(), 0}}, n, nullptr);
        },
        drawn, listed);
    for (int p = 0; p < kPoints; ++p)
        for (int slot = 0; slot < batch; ++slot) {
            const Sample want = draw_sample(sampling, n_images, streams.host[size_t(p)], 5, slot);
            const DrawnSample &have = drawn.host[size_t(p * batch + slot)];
            ASSERT_EQ(have.image, want.image);
            ASSERT_EQ(have.label, want.image % 7);
            ASSERT_EQ(have.dy, want.dy);
            ASSERT_EQ(have.dx, want.dx);
            ASSERT_EQ(have.flip, int(want.flip));
        }
    for (int slot = 0; slot < 32; ++slot) {
        const DrawnSample &have = listed.host[size_t(slot)];
        ASSERT_EQ(have.image, 16 + slot < n_images ? 16 + slot : -1);
        ASSERT_EQ(have.label, 16 + slot < n_images ? (16 + slot) % 7 : -1);
        ASSERT_TRUE(have.dy == 0 && have.dx == 0 && have.flip == 0);
    }

    const ImageBytes bytes{pixels.device(), table.device(), height, width, channels};
    for (Element element : {Element::kFp32, Element::kBf16, Element::kFp16})
        for (bool inference : {false, true}) {
            const int slots = inference ? 32 : batch;
            Activations dst(element, kPoints, {slots, height, width, 8, 8, 0});
            run_all_ways(
                kPoints,
                [&](int first, int n) {
                    AugmentParams a;
                    a.images = bytes, a.dst = dst.tensor(first), a.dst.channels = channels, a.n_images = slots;
                    a.samples =
                        inference ? Samples{listed.device(), 0} : Samples{drawn.device() + first * batch, batch};
                    augment(a, n, nullptr);
                },
                dst.bytes());
            dst.expect(
                [&](int p, int64_t r, int c) {
                    const int x = int(r % width), y = int(r / width % height), slot = int(r / width / height);
                    const DrawnSample &s = inference ? listed.host[size_t(slot)] : drawn.host[size_t(p * batch + slot)];
                    const int from_y = y + s.dy, from_x = (s.flip ? width - 1 - x : x) + s.dx;
                    if (c >= channels || s.image < 0 || from_y < 0 || from_y >= height || from_x < 0 || from_x >= width)
                        return 0.0;
                    const size_t at = size_t(((s.image * height + from_y) * width + from_x) * channels + c);
                    return double(table.host[size_t(c * 256 + pixels.host[at])]);
                },
                0);
        }
}

} // namespace
} // namespace ist::cuda::test
