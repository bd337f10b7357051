// test_vectors.cpp - vectors on the CUDA backend: memory, combinations, distances and SGD steps have the CPU backend's
// bits or are near plain loops, for odd sizes, unaligned rows and any order of threads.
#include <algorithm>
#include <string>

#include "cuda/device.h"
#include "device_vectors.h"
#include "error.h"

namespace {

using namespace ist;
using namespace ist::test;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
const int64_t kSizes[] = {1, 3, 511, 512, 513, 4095, 100003};

class DeviceVectors : public DeviceTest {};

TEST_F(DeviceVectors, MemoryIsZeroedCopiedAndCleared) {
    float *a = gpu->allocate(1000), *b = gpu->allocate(0);
    Floats read(1000, 1.0f);
    gpu->download(read.data(), a, 1000);
    EXPECT_TRUE(same_bits(read, Floats(1000, 0.0f)));
    const Floats values = Noise(1).floats(1000);
    gpu->upload(a, values.data(), 1000);
    gpu->copy(a + 500, a, 500);
    gpu->clear(a, 3);
    gpu->download(read.data(), a, 1000);
    EXPECT_EQ(read[2], 0.0f);
    EXPECT_EQ(read[3], values[3]);
    EXPECT_EQ(read[999], values[499]);
    gpu->release(a);
    gpu->release(b);
    gpu->release(nullptr);
}

TEST_F(DeviceVectors, TooLargeARequestSaysWhatIsThere) {
    try {
        gpu->allocate(int64_t(1) << 46);
        FAIL() << "that much memory?";
    } catch (const Error &e) {
        EXPECT_EQ(e.status, IST_OUT_OF_MEMORY);
        EXPECT_NE(std::string(e.what()).find("asked for 268435456 MiB, "), std::string::npos) << e.what();
        EXPECT_NE(std::string(e.what()).find("are available; use fewer points"), std::string::npos) << e.what();
    }
    gpu->release(gpu->allocate(10)); // and the device goes on
}

TEST_F(DeviceVectors, DescriptionNamesTheDevice) {
    EXPECT_NE(gpu->description().find("compute capability"), std::string::npos) << gpu->description();
    EXPECT_TRUE(gpu->supports(IST_FP32) && gpu->supports(IST_BF16));
}

TEST_F(DeviceVectors, CombineHasTheBitsOfTheCpu) {
    for (int64_t count : kSizes)
        for (int n_terms : {1, 2, 5})
            for (int seed = 1; seed <= kSeeds; ++seed) {
                emulation::set_seed(seed);
                Noise noise(count);
                std::vector<Floats> rows;
                std::vector<double> weights;
                for (int i = 0; i < n_terms; ++i) {
                    rows.push_back(noise.floats(count));
                    weights.push_back(3 * noise());
                }
                rows[0][0] = kNaN;
                Floats results[2];
                for (int k = 0; k < 2; ++k) {
                    Backend &backend = k ? *gpu : *cpu;
                    std::vector<std::unique_ptr<OnDevice>> vectors;
                    std::vector<const float *> src;
                    for (int i = 0; i < n_terms; ++i) {
                        vectors.push_back(std::make_unique<OnDevice>(backend, rows[i], i % 2));
                        src.push_back(vectors.back()->data());
                    }
                    OnDevice &dst = *vectors[n_terms / 2]; // one of the terms
                    backend.combine(dst.data(), n_terms, src.data(), weights.data(), count);
                    results[k] = dst.read();
                }
                EXPECT_TRUE(std::isnan(results[1][0]));
                results[0][0] = results[1][0] = 0;
                EXPECT_TRUE(same_bits(results[0], results[1])) << count << " coordinates, " << n_terms << " terms";
            }
}

TEST_F(DeviceVectors, CombineOfOneTermIsACopy) {
    const Floats values = {kNaN, -0.0f, 1.0f};
    OnDevice a(*gpu, values), b(*gpu, {0, 0, 0});
    const float *src = a.data();
    const double one = 1;
    gpu->combine(b.data(), 1, &src, &one, 3);
    EXPECT_TRUE(same_bits(b.read(), values));
    gpu->combine(a.data(), 1, &src, &one, 3);
    EXPECT_TRUE(same_bits(a.read(), values));
}

TEST_F(DeviceVectors, SquaredDistanceIsThatOfPlainLoops) {
    for (int64_t count : kSizes)
        for (int shift : {0, 1}) {
            Noise noise(count);
            const Floats a = noise.floats(count), b = noise.floats(count);
            double expected = 0;
            for (int64_t j = 0; j < count; ++j) expected += std::pow(double(b[j]) - double(a[j]), 2);
            double first = 0;
            for (int seed = 1; seed <= kSeeds; ++seed) {
                emulation::set_seed(seed);
                const OnDevice at_a(*gpu, a, shift), at_b(*gpu, b);
                const double distance = gpu->squared_distance(at_a.data(), at_b.data(), count);
                EXPECT_NEAR(distance, expected, 3e-7 * expected) << count << " coordinates, shift " << shift;
                EXPECT_EQ(gpu->squared_distance(at_a.data(), at_a.data(), count), 0);
                if (seed == 1) first = distance;
                EXPECT_EQ(distance, first) << "the order of threads shows";
            }
        }
    const OnDevice a(*gpu, {1, 2, kNaN}), b(*gpu, {0, 0, 0});
    EXPECT_EQ(gpu->squared_distance(a.data(), b.data(), 2), 5);
    EXPECT_EQ(gpu->squared_distance(a.data(), b.data(), 0), 0);
    EXPECT_TRUE(std::isnan(gpu->squared_distance(a.data(), b.data(), 3)));
}

TEST_F(DeviceVectors, SgdUpdateHasTheBitsOfTheCpu) {
    for (int64_t count : kSizes)
        for (int n : {1, 3})
            for (int nesterov : {0, 1})
                for (int seed = 1; seed <= kSeeds; ++seed) {
                    emulation::set_seed(seed);
                    ist_sgd sgd{};
                    sgd.learning_rate = 0.1f, sgd.momentum = 0.9f, sgd.weight_decay = 5e-3f, sgd.nesterov = nesterov;
                    Floats results[2];
                    for (int k = 0; k < 2; ++k) {
                        Backend &backend = k ? *gpu : *cpu;
                        Noise noise(count + n);
                        std::vector<std::unique_ptr<OnDevice>> vectors;
                        std::vector<float *> params, momentum;
                        std::vector<const float *> gradient;
                        const auto put = [&](const Floats &values, int shift) {
                            vectors.push_back(std::make_unique<OnDevice>(backend, values, shift));
                            return vectors.back()->data();
                        };
                        for (int i = 0; i < n; ++i) {
                            params.push_back(put(noise.floats(count + 7), i == 1)); // rows go on behind the vector
                            gradient.push_back(put(noise.floats(count), i == 2));
                            momentum.push_back(put(noise.floats(count + 7), 0));
                        }
                        for (int step = 0; step < 2; ++step)
                            backend.sgd_update(n, params.data(), gradient.data(), momentum.data(), sgd, count);
                        for (const auto &vector : vectors)
                            for (float v : vector->read()) results[k].push_back(v);
                    }
                    EXPECT_TRUE(same_bits(results[0], results[1])) << count << " coordinates, " << n << " points";
                }
}

TEST_F(DeviceVectors, SgdUpdateOfNotANumberIsNone) {
    OnDevice p(*gpu, {1, 1}), v(*gpu, {0, 0});
    const OnDevice g(*gpu, {kNaN, 1});
    float *params = p.data(), *momentum = v.data();
    const float *gradient = g.data();
    ist_sgd sgd{};
    sgd.learning_rate = 0.5f;
    gpu->sgd_update(1, &params, &gradient, &momentum, sgd, 2);
    EXPECT_TRUE(std::isnan(p.read()[0]) && std::isnan(v.read()[0]));
    EXPECT_EQ(p.read()[1], 0.5f);
}

} // namespace
