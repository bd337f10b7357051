// test_conv_kernels.cpp - the engine's own convolutions, forward and data gradient, against plain loops in double:
// panel, direct and Winograd kernels.
//
// Every supported shape of bench/shapes/conv.txt and those of the DenseNets, as channel ranges of wider values whose
// other channels are NaN and must neither be read nor written. Inputs are exact in their element type, so all that may
// differ is the float32 accumulation (1e-5 of the root mean square, element by element) and, in bf16, the one rounding
// of the result (half a unit in the last place).
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../bench/shapes/shapes.h"
#include "cpu/conv_kernels.h"
#include "judge.h"

namespace {

using namespace ist;
using namespace ist::cpu;

constexpr int kImages = 8;
constexpr double kTolerance = 1e-5;         // of the root mean square
constexpr double kWinogradTolerance = 4e-5; // its transforms add and subtract larger numbers

// --- numbers ---------------------------------------------------------------------------------------------------------

float from_bits(uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}
uint32_t to_bits(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}
// The nearest number of the element type, ties to even.
float round_to(bool bf16, float x) {
    if (!bf16 || std::isnan(x)) return x;
    const uint32_t bits = to_bits(x);
    return from_bits((bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u);
}
// Largest distance of a number from its nearest neighbour in the element type.
double half_unit(bool bf16, double x) {
    int exponent;
    std::frexp(x, &exponent);
    return std::ldexp(1.0, exponent - (bf16 ? 9 : 25));
}

// --- memory ----------------------------------------------------------------------------------------------------------

struct Free {
    void operator()(void *p) const { std::free(p); }
};
struct Aligned { // on cache lines, as the engine's buffers are; full of rubbish
    explicit Aligned(size_t bytes) : data(std::aligned_alloc(64, (bytes + 64) / 64 * 64)) {
        std::memset(data.get(), 0xff, (bytes + 64) / 64 * 64);
    }
    void *get() const { return data.get(); }
    std::unique_ptr<void, Free> data;
};

// Channels [kBefore, kBefore + channels) of `pixels` pixels that are wider; the others, and some elements before and
// after, hold a NaN of our own.
class Range {
  public:
    static constexpr int kBefore = 5, kAfter = 6, kGuard = 70;
    Range(bool bf16, int64_t pixels, int channels)
        : bf16_(bf16), pixels_(pixels), channels_(channels), pitch_(channels + kBefore + kAfter),
          bytes_(size_t(pixels * pitch_ + 2 * kGuard) * size()) {
        for (size_t i = 0; i < bytes_.size() / size(); i++) write(i, kRubbish);
    }
    int64_t pixels() const { return pixels_; }
    int channels() const { return channels_; }
    float get(int64_t pixel, int channel) const {
        const size_t i = index(pixel, channel);
        if (!bf16_) {
            float x;
            std::memcpy(&x, &bytes_[4 * i], 4);
            return x;
        }
        uint16_t high;
        std::memcpy(&high, &bytes_[2 * i], 2);
        return from_bits(uint32_t(high) << 16);
    }
    void set(int64_t pixel, int channel, float x) { write(index(pixel, channel), to_bits(x)); }
    void fill(std::mt19937 &random) {
        std::normal_distribution<float> normal;
        for (int64_t p = 0; p < pixels_; p++)
            for (int c = 0; c < channels_; c++) set(p, c, round_to(bf16_, normal(random)));
    }
    Slice from(int64_t pixel) { return {&bytes_[index(pixel, 0) * size()], pitch_}; }
    // Nothing outside the range has been written, nor pixels of it outside [begin, end).
    bool rubbish_but(int64_t begin, int64_t end) const {
        Range fresh(bf16_, pixels_, channels_);
        for (int64_t p = begin; p < end; p++)
            std::memcpy(&fresh.bytes_[index(p, 0) * size()], &bytes_[index(p, 0) * size()], size_t(channels_) * size());
        return fresh.bytes_ == bytes_;
    }
    bool operator==(const Range &other) const { return bytes_ == other.bytes_; }

  private:
    static constexpr uint32_t kRubbish = 0x7fd5dead;
    size_t size() const { return bf16_ ? 2 : 4; }
    size_t index(int64_t pixel, int channel) const { return size_t(kGuard + pixel * pitch_ + kBefore + channel); }
    void write(size_t i, uint32_t bits) {
        const uint16_t high = uint16_t(bits >> 16);
        std::memcpy(&bytes_[i * size()], bf16_ ? static_cast<const void *>(&high) : &bits, size());
    }
    bool bf16_;
    int64_t pixels_;
    int channels_;
    int64_t pitch_;
    std::vector<unsigned char> bytes_;
};

// --- the judge -------------------------------------------------------------------------------------------------------

// Calls body(dst pixel, src pixel, tap) for everything of n images that meets.
template <class Body> void each_tap(const ConvShape &s, int n, Body body) {
    for (int image = 0; image < n; image++)
        for (int y = 0; y < s.dst_height(); y++)
            for (int x = 0; x < s.dst_width(); x++)
                for (int ky = 0; ky < s.kernel; ky++)
                    for (int kx = 0; kx < s.kernel; kx++) {
                        const int sy = y * s.stride + ky - s.padding, sx = x * s.stride + kx - s.padding;
                        if (sy >= 0 && sy < s.height && sx >= 0 && sx < s.width)
                            body((int64_t(image) * s.dst_height() + y) * s.dst_width() + x,
                                 (int64_t(image) * s.height + sy) * s.width + sx, ky * s.kernel + kx);
                    }
}

struct Matrix {
    Matrix(int64_t rows, int columns) : columns(columns), values(size_t(rows * columns)) {}
    double *row(int64_t r) { return &values[size_t(r * columns)]; }
    int columns;
    std::vector<double> values;
};

Matrix plain_forward(const ConvShape &s, int n, const std::vector<float> &weights, Matrix &src) {
    Matrix dst(int64_t(n) * s.dst_height() * s.dst_width(), s.dst_channels);
    const int taps = s.kernel * s.kernel;
    each_tap(s, n, [&](int64_t to, int64_t from, int tap) {
        const double *x = src.row(from);
        for (int o = 0; o < s.dst_channels; o++) {
            double sum = 0;
            for (int i = 0; i < s.src_channels; i++)
                sum += double(weights[size_t((o * s.src_channels + i) * taps + tap)]) * x[i];
            dst.row(to)[o] += sum;
        }
    });
    return dst;
}

Matrix plain_data(const ConvShape &s, int n, const std::vector<float> &weights, Matrix &ddst) {
    Matrix dsrc(int64_t(n) * s.height * s.width, s.src_channels);
    const int taps = s.kernel * s.kernel;
    each_tap(s, n, [&](int64_t to, int64_t from, int tap) {
        double *sum = dsrc.row(from);
        for (int o = 0; o < s.dst_channels; o++) {
            const double dy = ddst.row(to)[o];
            for (int i = 0; i < s.src_channels; i++)
                sum[i] += double(weights[size_t((o * s.src_channels + i) * taps + tap)]) * dy;
        }
    });
    return dsrc;
}

void expect_equal(bool bf16, const Range &got, Matrix &expected, int64_t begin, int64_t end, double distance) {
    for (int64_t p = begin; p < end; p++)
        for (int c = 0; c < got.channels(); c++) {
            const double x = expected.row(p)[c], allowed = half_unit(bf16, x) + distance;
            ASSERT_LE(std::abs(got.get(p, c) - x), allowed) << "pixel " << p << ", channel " << c << ": " << x;
        }
}

double rms_of(const Matrix &m) {
    double sum = 0;
    for (double x : m.values) sum += x * x;
    return std::sqrt(sum / double(m.values.size()));
}

// --- shapes ----------------------------------------------------------------------------------------------------------

struct Method {
    const char *name;
    const ConvForwardKernels &(*forward[2])(); // float, bf16 (null: none)
    const ConvDataKernels &(*data[2])();
    bool exact() const { return std::string(name) != "winograd"; }
};
const Method kMethods[] = {
    {"panel",
     {conv_panel_f32_avx512, conv_panel_bf16_avx512},
     {conv_panel_data_f32_avx512, conv_panel_data_bf16_avx512}},
    {"direct",
     {conv_direct_f32_avx512, conv_direct_bf16_avx512},
     {conv_direct_data_f32_avx512, conv_direct_data_bf16_avx512}},
    {"winograd", {conv_winograd_f32_avx512, nullptr}, {conv_winograd_data_f32_avx512, nullptr}},
};

struct Subject {
    std::string name;
    ConvShape shape;
    const Method *method;
};
void PrintTo(const Subject &s, std::ostream *out) { *out << s.name; }

std::vector<Subject> all_shapes() {
    struct Plain {
        int channels, height, width, filters, kernel, stride;
    };
    std::vector<Plain> plain;
    std::vector<Subject> all;
    const auto add = [&](const std::string &name, ConvShape shape) {
        for (const Method &method : kMethods)
            for (bool bf16 : {false, true}) {
                if (!method.forward[bf16]) continue;
                shape.bf16 = bf16;
                all.push_back(
                    {test::words(method.name + std::string(bf16 ? "_bf16_" : "_fp32_") + name), shape, &method});
            }
    };
    for (const shapes::Shape &s : shapes::read(IST_TEST_FOLDER "/../../bench/shapes", "conv"))
        add(s.name, {kImages, s["height"], s["width"], s["channels"], s["filters"], s["kernel"], s["stride"],
                     s["padding"], false});
    for (int channels : {24, 36, 60, 240, 444}) plain.push_back({channels, 8, 8, 12, 3, 1});
    for (int channels : {24, 36, 114, 216, 450}) plain.push_back({channels, 8, 8, 48, 1, 1});
    plain.push_back({168, 8, 8, 168, 1, 1});
    plain.push_back({216, 8, 8, 108, 1, 1});
    plain.push_back({48, 16, 16, 12, 3, 1});
    for (int size : {4, 5, 6, 7})
        plain.push_back({32, size, 9 - size / 2, 48, 3, 1}); // Winograd's patches cut by the border
    plain.push_back({28, 5, 7, 13, 3, 1}), plain.push_back({13, 6, 5, 29, 3, 1}); // and part of the lanes
    for (int filters = 1; filters < 16; filters++) plain.push_back({33 - filters, 4, 9, filters, 3, 1}); // every width
    for (int filters = 1; filters < 130; filters += 9) plain.push_back({19, 3, 5, filters, 1, 1});
    for (int width : {1, 2, 17}) plain.push_back({10, 3, width, 12, 3, 1});
    for (int size : {1, 2, 9}) plain.push_back({21, size, size + 1, 20, 1, 2});
    for (const Plain &s : plain)
        add("k" + std::to_string(s.kernel) + "s" + std::to_string(s.stride) + "_" + std::to_string(s.channels) +
                "_to_" + std::to_string(s.filters) + "_at_" + std::to_string(s.height) + "x" + std::to_string(s.width),
            {kImages, s.height, s.width, s.channels, s.filters, s.kernel, s.stride, s.kernel / 2, false});
    return all;
}

class ConvKernels : public testing::TestWithParam<Subject> {
  protected:
    void SetUp() override {
        if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
            !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq"))
            GTEST_SKIP() << "this processor has no AVX-512";
        if (shape().bf16 && !__builtin_cpu_supports("avx512bf16"))
            GTEST_SKIP() << "this processor has no AVX-512 for bf16";
        std::normal_distribution<float> normal;
        weights_.resize(size_t(shape().dst_channels) * shape().src_channels * shape().kernel * shape().kernel);
        rounded_weights_.resize(weights_.size());
        for (size_t i = 0; i < weights_.size(); i++) {
            weights_[i] = normal(random_);
            rounded_weights_[i] = round_to(shape().bf16, weights_[i]);
        }
    }
    const ConvShape &shape() const { return GetParam().shape; }
    const Method &method() const { return *GetParam().method; }
    double tolerance() const { return method().exact() ? kTolerance : kWinogradTolerance; }
    int64_t src_pixels() const { return int64_t(shape().height) * shape().width; }
    int64_t dst_pixels() const { return int64_t(shape().dst_height()) * shape().dst_width(); }
    // Fewer images of large shapes: the plain loops are slow.
    int images() const {
        const double work = double(dst_pixels()) * double(weights_.size());
        return work > 3e7 ? 1 : work > 3e6 ? 3 : kImages;
    }
    Range random_range(int64_t pixels, int channels) {
        Range range(shape().bf16, pixels, channels);
        range.fill(random_);
        return range;
    }
    std::vector<float> random_channels(int channels) {
        std::normal_distribution<float> normal;
        std::vector<float> values(static_cast<size_t>(channels));
        for (float &x : values) x = normal(random_);
        return values;
    }
    // Runs all images at once, then some of them in calls of 1 and 3; the bits must be the same.
    void expect_same_images(const Range &all, int64_t pixels_of_image,
                            const std::function<void(int, int, Range &)> &run, const Range &before) {
        for (int count : {1, 3}) {
            if (count > images()) continue;
            Range some = before;
            for (int image = 0; image < images(); image += count) run(image, std::min(count, images() - image), some);
            EXPECT_TRUE(some == all) << "in calls of " << count << " of " << pixels_of_image << " pixels";
        }
    }

    // Winograd's patches share what they meet: there a NaN comes out where it must, and beside.
    void expect_nan(float value, bool must) const {
        if (must || method().exact()) {
            EXPECT_EQ(std::isnan(value), must);
        }
    }

    std::mt19937 random_{7};
    std::vector<float> weights_, rounded_weights_;
};

class ConvForward : public ConvKernels {
  protected:
    void run(int image, int n, Range &src, const ConvPrologue &prologue, ConvEpilogue epilogue, Range *residual,
             Range &dst) {
        const ConvForwardKernels &kernels = method().forward[shape().bf16]();
        const Aligned packed(kernels.packed_bytes(shape())), scratch(kernels.scratch_bytes(shape()));
        kernels.pack(shape(), weights_.data(), packed.get());
        if (residual) epilogue.residual = residual->from(image * dst_pixels());
        kernels.run(shape(), n, src.from(image * src_pixels()), prologue, packed.get(), epilogue,
                    dst.from(image * dst_pixels()), scratch.get());
    }
    Matrix after(const ConvPrologue &prologue, const Range &src) const {
        Matrix x(src.pixels(), src.channels());
        for (int64_t p = 0; p < src.pixels(); p++)
            for (int c = 0; c < src.channels(); c++) {
                float v = src.get(p, c);
                if (prologue.scale) v = std::fma(prologue.scale[c], v, prologue.shift[c]);
                if (prologue.relu && v < 0) v = 0;
                x.row(p)[c] = round_to(shape().bf16, v);
            }
        return x;
    }
};

class ConvData : public ConvKernels {
  protected:
    void run(int image, int n, Range &ddst, bool add, Range &dsrc) {
        ConvDataEpilogue epilogue;
        epilogue.add = add;
        run(image, n, ddst, epilogue, dsrc);
    }
    void run(int image, int n, Range &ddst, const ConvDataEpilogue &epilogue, Range &dsrc) {
        const ConvDataKernels &kernels = method().data[shape().bf16]();
        const Aligned packed(kernels.packed_bytes(shape())), scratch(kernels.scratch_bytes(shape()));
        kernels.pack(shape(), weights_.data(), packed.get());
        kernels.run(shape(), n, ddst.from(image * dst_pixels()), packed.get(), epilogue,
                    dsrc.from(image * src_pixels()), scratch.get());
    }
};

// --- forward ---------------------------------------------------------------------------------------------------------

TEST_P(ConvForward, EqualsThePlainLoops) {
    const std::vector<float> scale = random_channels(shape().src_channels),
                             shift = random_channels(shape().src_channels);
    const std::vector<float> bias = random_channels(shape().dst_channels);
    Range src = random_range(images() * src_pixels(), shape().src_channels);
    Range residual = random_range(images() * dst_pixels(), shape().dst_channels);
    for (const ConvPrologue &prologue : {ConvPrologue{}, ConvPrologue{scale.data(), shift.data(), false},
                                         ConvPrologue{scale.data(), shift.data(), true}}) {
        if (prologue.scale && !method().forward[shape().bf16]().prologue) continue;
        SCOPED_TRACE(std::string(prologue.scale ? "scaled" : "raw") + (prologue.relu ? ", ReLU" : ""));
        Matrix x = after(prologue, src);
        const Matrix conv = plain_forward(shape(), images(), rounded_weights_, x);
        const double distance = tolerance() * rms_of(conv);
        for (int pieces = 0; pieces < 8; pieces++) {
            SCOPED_TRACE("epilogue " + std::to_string(pieces));
            ConvEpilogue epilogue;
            if (pieces & 1) epilogue.bias = bias.data();
            Range *added = pieces & 2 ? &residual : nullptr;
            epilogue.relu = pieces & 4;

            Matrix expected = conv;
            for (int64_t p = 0; p < residual.pixels(); p++)
                for (int c = 0; c < shape().dst_channels; c++) {
                    double &y = expected.row(p)[c];
                    if (epilogue.bias) y += bias[size_t(c)];
                    if (added) y += residual.get(p, c);
                    if (epilogue.relu && y < 0) y = 0;
                }
            const Range before(shape().bf16, residual.pixels(), shape().dst_channels);
            Range dst = before;
            run(0, images(), src, prologue, epilogue, added, dst);
            EXPECT_TRUE(dst.rubbish_but(0, dst.pixels()));
            expect_equal(shape().bf16, dst, expected, 0, dst.pixels(), distance);
            if (HasFatalFailure()) return;
            if (pieces == 0 || pieces == 7)
                expect_same_images(
                    dst, dst_pixels(),
                    [&](int image, int n, Range &some) { run(image, n, src, prologue, epilogue, added, some); },
                    before);
        }
    }
}

TEST_P(ConvForward, WritesOnlyItsImages) {
    if (images() < 3) return;
    Range src = random_range(images() * src_pixels(), shape().src_channels);
    Range dst(shape().bf16, images() * dst_pixels(), shape().dst_channels);
    run(1, 1, src, {}, {}, nullptr, dst);
    EXPECT_TRUE(dst.rubbish_but(dst_pixels(), 2 * dst_pixels()));
}

TEST_P(ConvForward, ShowsNaN) {
    const ConvShape &s = shape();
    const std::vector<float> scale(size_t(s.src_channels), 1.f), shift(size_t(s.src_channels), 0.f);
    ConvPrologue prologue;
    if (method().forward[s.bf16]().prologue) prologue = {scale.data(), shift.data(), true};
    ConvEpilogue epilogue;
    epilogue.relu = true;
    Range src = random_range(src_pixels(), s.src_channels);
    // A pixel that is read, whatever the stride.
    const int64_t pixel = (s.dst_height() / 2 * s.width + s.dst_width() / 2) * s.stride;
    src.set(pixel, s.src_channels - 1, NAN);
    Range dst(s.bf16, dst_pixels(), s.dst_channels);
    run(0, 1, src, prologue, epilogue, nullptr, dst);
    Matrix meets(dst_pixels(), 1);
    each_tap(s, 1, [&](int64_t to, int64_t from, int) { meets.row(to)[0] += from == pixel; });
    for (int64_t p = 0; p < dst_pixels(); p++)
        for (int c = 0; c < s.dst_channels; c++) expect_nan(dst.get(p, c), meets.row(p)[0] > 0);

    // One that arrives behind the sums.
    src.set(pixel, s.src_channels - 1, 0);
    Range residual = random_range(dst_pixels(), s.dst_channels);
    residual.set(0, 0, NAN);
    run(0, 1, src, prologue, epilogue, &residual, dst);
    for (int64_t p = 0; p < dst_pixels(); p++)
        for (int c = 0; c < s.dst_channels; c++) ASSERT_EQ(std::isnan(dst.get(p, c)), p == 0 && c == 0);
}

// --- data gradient ---------------------------------------------------------------------------------------------------

TEST_P(ConvData, EqualsThePlainLoops) {
    Range ddst = random_range(images() * dst_pixels(), shape().dst_channels);
    Matrix dy(ddst.pixels(), ddst.channels());
    for (int64_t p = 0; p < ddst.pixels(); p++)
        for (int c = 0; c < ddst.channels(); c++) dy.row(p)[c] = ddst.get(p, c);
    const Matrix conv = plain_data(shape(), images(), rounded_weights_, dy);
    for (bool add : {false, true}) {
        SCOPED_TRACE(add ? "added" : "written");
        const int64_t pixels = images() * src_pixels();
        const Range before =
            add ? random_range(pixels, shape().src_channels) : Range(shape().bf16, pixels, shape().src_channels);
        Matrix expected = conv;
        if (add)
            for (int64_t p = 0; p < pixels; p++)
                for (int c = 0; c < shape().src_channels; c++) expected.row(p)[c] += before.get(p, c);
        Range dsrc = before;
        run(0, images(), ddst, add, dsrc);
        EXPECT_TRUE(dsrc.rubbish_but(0, pixels));
        expect_equal(shape().bf16, dsrc, expected, 0, pixels, tolerance() * rms_of(conv));
        if (HasFatalFailure()) return;
        expect_same_images(
            dsrc, src_pixels(), [&](int image, int n, Range &some) { run(image, n, ddst, add, some); }, before);
    }
}

// t = dy where the ReLU was open, dsrc (+)= scale * t, dbeta += sum t, dgamma += sum t * (x - mean).
TEST_P(ConvData, GoesOnThroughTheBatchNorm) {
    const int channels = shape().src_channels;
    const int64_t pixels = images() * src_pixels();
    const std::vector<float> scale = random_channels(channels), shift = random_channels(channels);
    const std::vector<float> mean = random_channels(channels);
    Range ddst = random_range(images() * dst_pixels(), shape().dst_channels), x = random_range(pixels, channels);
    Matrix dy(ddst.pixels(), ddst.channels());
    for (int64_t p = 0; p < ddst.pixels(); p++)
        for (int c = 0; c < ddst.channels(); c++) dy.row(p)[c] = ddst.get(p, c);
    const Matrix conv = plain_data(shape(), images(), rounded_weights_, dy);
    const double rms = rms_of(conv);
    for (bool relu : {false, true})
        for (bool add : {false, true}) {
            SCOPED_TRACE(std::string(relu ? "ReLU, " : "") + (add ? "added" : "written"));
            const Range before = add ? random_range(pixels, channels) : Range(shape().bf16, pixels, channels);
            std::vector<double> dbeta(static_cast<size_t>(channels), 1.0), dgamma(static_cast<size_t>(channels), -2.0);
            std::vector<double> want_dbeta = dbeta, want_dgamma = dgamma;
            Matrix expected = conv;
            for (int64_t p = 0; p < pixels; p++)
                for (int c = 0; c < channels; c++) {
                    const size_t k = size_t(c);
                    double &value = expected.row(p)[c];
                    if (relu && !(std::fma(scale[k], x.get(p, c), shift[k]) > 0)) value = 0;
                    want_dbeta[k] += value;
                    want_dgamma[k] += value * (double(x.get(p, c)) - double(mean[k]));
                    value = value * scale[k] + (add ? before.get(p, c) : 0.f);
                }
            ConvDataEpilogue epilogue;
            epilogue.add = add;
            epilogue.x = x.from(0);
            epilogue.scale = scale.data(), epilogue.shift = shift.data(), epilogue.mean = mean.data();
            epilogue.relu = relu;
            epilogue.dbeta = dbeta.data(), epilogue.dgamma = dgamma.data();
            Range dsrc = before;
            run(0, images(), ddst, epilogue, dsrc);
            EXPECT_TRUE(dsrc.rubbish_but(0, pixels));
            expect_equal(shape().bf16, dsrc, expected, 0, pixels, 4 * tolerance() * rms); // |scale| reaches 4
            for (int c = 0; c < channels; c++) {
                const double distance = 4 * tolerance() * rms * std::sqrt(double(pixels) * 32);
                ASSERT_NEAR(dbeta[size_t(c)], want_dbeta[size_t(c)], distance) << "channel " << c;
                ASSERT_NEAR(dgamma[size_t(c)], want_dgamma[size_t(c)], 4 * distance) << "channel " << c;
            }
            if (HasFatalFailure()) return;
        }
}

TEST_P(ConvData, ShowsNaN) {
    const ConvShape &s = shape();
    Range ddst = random_range(dst_pixels(), s.dst_channels);
    const int64_t pixel = dst_pixels() / 2;
    ddst.set(pixel, s.dst_channels - 1, NAN);
    Range dsrc(s.bf16, src_pixels(), s.src_channels);
    run(0, 1, ddst, false, dsrc);
    Matrix meets(src_pixels(), 1);
    each_tap(s, 1, [&](int64_t to, int64_t from, int) { meets.row(from)[0] += to == pixel; });
    for (int64_t p = 0; p < src_pixels(); p++)
        for (int c = 0; c < s.src_channels; c++) expect_nan(dsrc.get(p, c), meets.row(p)[0] > 0);
}

// --- which shapes ----------------------------------------------------------------------------------------------------

template <class Supports> std::vector<Subject> supported(Supports supports) {
    std::vector<Subject> some;
    for (const Subject &s : all_shapes())
        if (supports(*s.method, s.shape)) some.push_back(s);
    return some;
}
std::string test_name(const testing::TestParamInfo<Subject> &info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Every, ConvForward, testing::ValuesIn(supported([](const Method &m, const ConvShape &s) {
                             return m.forward[s.bf16]().supports(s);
                         })),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Every, ConvData, testing::ValuesIn(supported([](const Method &m, const ConvShape &s) {
                             return m.data[s.bf16]().supports(s);
                         })),
                         test_name);

TEST(ConvPanelKernels, SupportTheConvolutionsOfDenseNetAndShortcutB) {
    const auto shape = [](int from, int to, int kernel, int stride, int padding) {
        return ConvShape{kImages, 16, 16, from, to, kernel, stride, padding, false};
    };
    const ConvForwardKernels &forward = conv_panel_f32_avx512();
    const ConvDataKernels &data = conv_panel_data_f32_avx512();
    for (const ConvShape &s : {shape(168, 12, 3, 1, 1), shape(450, 48, 1, 1, 0), shape(168, 168, 1, 1, 0)}) {
        EXPECT_TRUE(forward.supports(s));
        EXPECT_TRUE(data.supports(s));
    }
    EXPECT_TRUE(forward.supports(shape(16, 32, 1, 2, 0)));
    EXPECT_FALSE(data.supports(shape(16, 32, 1, 2, 0)));
    for (const ConvShape &s : {shape(24, 12, 3, 2, 1), shape(24, 12, 3, 1, 0), shape(24, 16, 3, 1, 1),
                               shape(24, 12, 5, 1, 2), shape(24, 12, 1, 1, 1), shape(24, 12, 1, 3, 0)}) {
        EXPECT_FALSE(forward.supports(s));
        EXPECT_FALSE(data.supports(s));
    }
}

} // namespace
