// test_conv_weights.cpp - the engine's own weight gradients against plain loops in double, on the shapes of
// bench/shapes.
//
// Every operand lies in a longer pixel than it has channels, and ends where unreadable memory begins; between the
// channels of one pixel and the next, and in the scratch beforehand, there is NaN. So whatever a kernel reads too much
// either shows in the gradient or ends the test, and what it writes too much meets a canary or unwritable memory.
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "../../bench/shapes/shapes.h"
#include "cpu/conv_kernels.h"
#include "judge.h"

namespace {

using namespace ist::cpu;
using ist::shapes::Shape;
using ist::test::words;

constexpr int kImages = 8;

// Sums of up to 8 x 32 x 32 products, at most 1024 of them in one float32 before they are added up: the rounding is a
// walk of some hundred steps of 2^-24, less than 2e-6 of the gradient. Products of bf16 are exact in float32, so the
// same holds there.
constexpr double kTolerance = 2e-6;

// `bytes` that end at an unreadable page; before them a page of canaries.
class FencedMemory {
  public:
    explicit FencedMemory(size_t bytes) : bytes_(bytes), size_((bytes + 2 * kPage - 1) / kPage * kPage) {
        void *at = mmap(nullptr, size_ + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED || mprotect(static_cast<char *>(at) + size_, kPage, PROT_NONE) != 0)
            throw std::runtime_error("cannot map fenced memory");
        begin_ = static_cast<unsigned char *>(at);
        std::memset(begin_, kCanary, size_ - bytes_);
    }
    FencedMemory(const FencedMemory &) = delete;
    FencedMemory &operator=(const FencedMemory &) = delete;
    ~FencedMemory() { munmap(begin_, size_ + kPage); }
    void *data() const { return begin_ + size_ - bytes_; }
    float *floats() const { return static_cast<float *>(data()); }
    void fill(int byte) { std::memset(data(), byte, bytes_); }
    bool intact() const {
        for (const unsigned char *p = begin_; p != begin_ + size_ - bytes_; ++p)
            if (*p != kCanary) return false;
        return true;
    }

  private:
    static constexpr size_t kPage = 4096;
    static constexpr unsigned char kCanary = 0xa5;
    size_t bytes_, size_;
    unsigned char *begin_;
};

uint32_t bits_of(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

// A value as the kernel reads it, and as the judge does: random elements, which bf16 holds exactly where it is asked
// for, and `gap` NaN between the channels of one pixel and the next.
struct Value {
    const int64_t pitch;
    FencedMemory memory;
    std::vector<double> dense; // [image][row][column][channel]

    Value(int64_t pixels, int channels, int gap, bool bf16, bool relu, uint64_t seed)
        : pitch(channels + gap), memory(size_t((pixels - 1) * pitch + channels) * (bf16 ? 2 : 4)) {
        std::mt19937_64 engine(seed);
        std::normal_distribution<float> normal;
        for (int64_t p = 0; p < pixels; p++)
            for (int64_t c = 0; c < (p + 1 == pixels ? channels : pitch); c++) {
                float x = relu ? std::max(normal(engine), 0.f) : normal(engine);
                if (c >= channels) x = std::numeric_limits<float>::quiet_NaN();
                const uint32_t bits = bf16 ? bits_of(x) & 0xffff0000u : bits_of(x);
                std::memcpy(&x, &bits, sizeof x);
                if (bf16) static_cast<uint16_t *>(memory.data())[p * pitch + c] = uint16_t(bits >> 16);
                else memory.floats()[p * pitch + c] = x;
                if (c < channels) dense.push_back(double(x));
            }
    }
};

// Adds one image's gradient to `gradient`, OIHW.
void add_image(const ConvShape &s, const std::vector<double> &src, const std::vector<double> &ddst, int image,
               std::vector<double> &gradient) {
    const int height = s.dst_height(), width = s.dst_width(), taps = s.kernel * s.kernel;
    std::vector<double> sums(gradient.size()); // [tap][src channel][dst channel]
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int ky = 0; ky < s.kernel; ky++)
                for (int kx = 0; kx < s.kernel; kx++) {
                    const int sy = y * s.stride + ky - s.padding, sx = x * s.stride + kx - s.padding;
                    if (sy < 0 || sy >= s.height || sx < 0 || sx >= s.width) continue;
                    const double *in = &src[((size_t(image) * s.height + sy) * s.width + sx) * s.src_channels];
                    const double *out = &ddst[((size_t(image) * height + y) * width + x) * s.dst_channels];
                    double *sum = &sums[size_t(ky * s.kernel + kx) * s.src_channels * s.dst_channels];
                    for (int i = 0; i < s.src_channels; i++)
                        for (int o = 0; o < s.dst_channels; o++) *sum++ += in[i] * out[o];
                }
    for (int o = 0; o < s.dst_channels; o++)
        for (int i = 0; i < s.src_channels; i++)
            for (int tap = 0; tap < taps; tap++)
                gradient[(size_t(o) * s.src_channels + i) * taps + tap] +=
                    sums[(size_t(tap) * s.src_channels + i) * s.dst_channels + o];
}

bool machine_has(bool bf16) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           (!bf16 || __builtin_cpu_supports("avx512bf16"));
}

struct Subject {
    std::string name;
    ConvShape shape;
    const ConvWeightKernels *kernels;
};
void PrintTo(const Subject &s, std::ostream *out) { *out << s.name; }

std::vector<Subject> subjects() {
    std::vector<Subject> all;
    const auto add = [&](const std::string &name, int channels, int height, int width, int filters, int kernel,
                         int stride, int padding) {
        ConvShape shape{kImages, height, width, channels, filters, kernel, stride, padding, false};
        const std::string plain = words(name);
        all.push_back({"fp32_" + plain, shape, &conv_weights_f32_avx512()});
        if (conv_winograd_weights_f32_avx512().supports(shape))
            all.push_back({"winograd_" + plain, shape, &conv_winograd_weights_f32_avx512()});
        shape.bf16 = true;
        all.push_back({"bf16_" + plain, shape, &conv_weights_bf16_avx512()});
    };
    for (const Shape &s : ist::shapes::read(IST_TEST_FOLDER "/../../bench/shapes", "conv"))
        add(s.name, s["channels"], s["height"], s["width"], s["filters"], s["kernel"], s["stride"], s["padding"]);
    // What the tables cannot hold while oneDNN refuses it: taps that meet nothing but padding.
    add("strided-column", 16, 9, 1, 32, 3, 2, 1);
    add("strided-pixel", 5, 1, 1, 12, 3, 2, 1);
    add("mostly-padding", 3, 2, 1, 6, 9, 1, 4);
    add("column", 16, 9, 1, 12, 3, 1, 1);
    // Patches cut by the border, part of the lanes, every number of channels that is summed together.
    add("patches-cut", 28, 5, 7, 13, 3, 1, 1);
    add("patches-cut-too", 13, 6, 5, 29, 3, 1, 1);
    for (int channels : {36, 40, 60}) add("from-" + std::to_string(channels), channels, 4, 4, 16, 3, 1, 1);
    return all;
}

class ConvWeights : public testing::TestWithParam<Subject> {
  protected:
    void SetUp() override {
        if (!machine_has(shape.bf16))
            GTEST_SKIP() << "this processor lacks AVX-512" << (shape.bf16 ? " with bf16" : "");
        if (!kernels.supports(shape)) GTEST_SKIP() << "the engine leaves this shape to oneDNN";
    }
    // The gradient of images first .. first + n - 1, from a scratch filled with `stale` bytes.
    void run(int first, int n, float *sum, bool add, int stale, const ConvPrologue &prologue = {}) {
        const size_t element = shape.bf16 ? 2 : 4;
        const auto skip = [&](const Value &value, int64_t pixels) {
            return ConstSlice(static_cast<const char *>(value.memory.data()) +
                                  size_t(first) * pixels * value.pitch * element,
                              value.pitch);
        };
        FencedMemory scratch(kernels.scratch_bytes(shape));
        scratch.fill(stale);
        kernels.run(shape, n, skip(src, int64_t(shape.height) * shape.width), prologue,
                    skip(ddst, int64_t(shape.dst_height()) * shape.dst_width()), sum, add, scratch.data());
        EXPECT_TRUE(scratch.intact()) << "written before the scratch";
    }
    std::vector<float> unpacked(const float *sum) {
        FencedMemory oihw(sizeof(float) * n_weights());
        kernels.unpack(shape, sum, oihw.floats());
        EXPECT_TRUE(oihw.intact()) << "written before the weights";
        return {oihw.floats(), oihw.floats() + n_weights()};
    }
    size_t n_weights() const { return size_t(shape.dst_channels) * shape.src_channels * shape.kernel * shape.kernel; }
    void expect_close(const std::vector<float> &got, const std::vector<double> &want) {
        double error = 0, norm = 0;
        for (size_t j = 0; j < want.size(); ++j) {
            error += (double(got[j]) - want[j]) * (double(got[j]) - want[j]);
            norm += want[j] * want[j];
        }
        EXPECT_LE(std::sqrt(error), kTolerance * std::sqrt(norm)); // NaN is not less
    }

    // Rounded to nearest even, as the kernel rounds what it stores.
    float as_element(float x) const {
        if (!shape.bf16) return x;
        uint32_t bits;
        std::memcpy(&bits, &x, sizeof bits);
        bits = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
        std::memcpy(&x, &bits, sizeof x);
        return x;
    }

    const ConvShape shape = GetParam().shape;
    const ConvWeightKernels &kernels = *GetParam().kernels;
    const Value src{int64_t(kImages) * shape.height * shape.width, shape.src_channels, 5, shape.bf16, true, 1};
    const Value ddst{
        int64_t(kImages) * shape.dst_height() * shape.dst_width(), shape.dst_channels, 3, shape.bf16, false, 2};
    static constexpr int kNan = 0xff, kZero = 0; // bytes of a float
};

TEST_P(ConvWeights, EqualThePlainLoopsForAnyNumberOfImages) {
    std::vector<double> want(n_weights());
    FencedMemory sum(sizeof(float) * kernels.sum_floats(shape));
    for (int n = 1; n <= kImages; n++) {
        add_image(shape, src.dense, ddst.dense, n - 1, want);
        if (n != 1 && n != 3 && n != kImages) continue;
        SCOPED_TRACE(std::to_string(n) + " images");
        sum.fill(kNan);
        run(0, n, sum.floats(), false, kNan);
        EXPECT_TRUE(sum.intact()) << "written before the sums";
        expect_close(unpacked(sum.floats()), want);
    }
}

TEST_P(ConvWeights, AddUpOverCallsAndRepeatBitForBit) {
    std::vector<double> want(n_weights());
    for (int i = 0; i < kImages; i++) add_image(shape, src.dense, ddst.dense, i, want);
    std::vector<float> first;
    for (int stale : {kNan, kZero}) {
        FencedMemory sum(sizeof(float) * kernels.sum_floats(shape));
        sum.fill(stale);
        run(0, 3, sum.floats(), false, stale);
        run(3, 4, sum.floats(), true, stale);
        run(7, 1, sum.floats(), true, stale);
        EXPECT_TRUE(sum.intact()) << "written before the sums";
        const std::vector<float> got = unpacked(sum.floats());
        expect_close(got, want);
        if (first.empty()) first = got;
        else EXPECT_EQ(std::memcmp(got.data(), first.data(), sizeof(float) * got.size()), 0) << "other bits";
    }
}

// As if the batch norm and ReLU in front had been stored; padding stays 0.
TEST_P(ConvWeights, SeeTheInputBehindThePrologue) {
    std::vector<float> scale, shift;
    for (int c = 0; c < shape.src_channels; c++) {
        scale.push_back(0.5f + 0.25f * float(c % 5));
        shift.push_back(0.125f * float(c % 7) - 0.25f);
    }
    constexpr int kSome = 3;
    std::vector<double> behind = src.dense, want(n_weights());
    for (size_t i = 0; i < behind.size(); i++) {
        const size_t c = i % size_t(shape.src_channels);
        const float x = std::fma(scale[c], float(behind[i]), shift[c]);
        behind[i] = double(as_element(x > 0 ? x : 0.f));
    }
    for (int i = 0; i < kSome; i++) add_image(shape, behind, ddst.dense, i, want);
    FencedMemory sum(sizeof(float) * kernels.sum_floats(shape));
    sum.fill(kNan);
    run(0, kSome, sum.floats(), false, kNan, {scale.data(), shift.data(), true});
    EXPECT_TRUE(sum.intact()) << "written before the sums";
    expect_close(unpacked(sum.floats()), want);
}

INSTANTIATE_TEST_SUITE_P(Every, ConvWeights, testing::ValuesIn(subjects()),
                         [](const auto &info) { return info.param.name; });

} // namespace
