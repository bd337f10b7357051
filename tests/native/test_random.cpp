// test_random.cpp - Philox against its published values; permutations and samples against what they promise.
#include "random.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace ist {
namespace {

std::vector<int64_t> permutation(uint64_t seed, uint64_t stream, uint64_t epoch, int64_t n) {
    const Permutation p(seed, stream, epoch, n);
    std::vector<int64_t> order;
    for (int64_t i = 0; i < n; ++i) order.push_back(p(i));
    return order;
}

// kat_vectors of Random123, the authors' library.
TEST(Philox, GivesThePublishedKnownAnswers) {
    const auto check = [](Words counter, uint32_t k0, uint32_t k1, Words expected) {
        const Words got = philox4x32_10(counter, k0, k1);
        for (int i = 0; i < 4; ++i) EXPECT_EQ(got.w[i], expected.w[i]) << "word " << i;
    };
    check({{0, 0, 0, 0}}, 0, 0, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}});
    check({{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}}, 0xffffffff, 0xffffffff,
          {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}});
    check({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0,
          {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}});
}

TEST(Permutation, VisitsEveryIndexOnceForAnySize) {
    for (int64_t n : {1, 2, 3, 4, 5, 7, 8, 16, 17, 64, 65, 100, 255, 1024, 1025, 1797, 50000}) {
        std::vector<int64_t> order = permutation(7, 3, 11, n);
        std::sort(order.begin(), order.end());
        for (int64_t i = 0; i < n; ++i) ASSERT_EQ(order[i], i) << "n = " << n;
    }
}

TEST(Permutation, StaysInRangeForSizesBeyond32Bits) {
    const int64_t n = (int64_t(1) << 40) + 12345;
    const Permutation p(1, 2, 3, n);
    std::set<int64_t> seen;
    for (int64_t i = n - 1000; i < n; ++i) {
        const int64_t image = p(i);
        ASSERT_GE(image, 0);
        ASSERT_LT(image, n);
        seen.insert(image);
    }
    EXPECT_EQ(seen.size(), 1000u);
}

TEST(Permutation, DependsOnSeedStreamAndEpoch) {
    const auto base = permutation(1, 2, 3, 1000);
    for (const auto &other : {permutation(2, 2, 3, 1000), permutation(1, 3, 3, 1000), permutation(1, 2, 4, 1000)}) {
        int same = 0;
        for (int i = 0; i < 1000; ++i) same += base[i] == other[i];
        EXPECT_LT(same, 10); // one on average for independent permutations
    }
}

// All 24 orders of four images, over 24,000 epochs: chi squared with 23 degrees of freedom, 1e-4 quantile 56.
TEST(Permutation, MakesEveryOrderOfFewImagesEquallyOften) {
    std::map<std::vector<int64_t>, int> count;
    for (uint64_t epoch = 0; epoch < 24000; ++epoch) ++count[permutation(5, 9, epoch, 4)];
    ASSERT_EQ(count.size(), 24u);
    double chi2 = 0;
    for (const auto &entry : count) chi2 += (entry.second - 1000.0) * (entry.second - 1000.0) / 1000.0;
    EXPECT_LT(chi2, 56);
}

TEST(Samples, TakeEveryImageOncePerEpochAcrossBatchesThatStraddleEpochs) {
    const ist_sampling sampling{42, 7, 0, 0};
    const int64_t n = 20; // lcm with 7 is 140: steps 0 .. 19 are seven epochs
    std::vector<int> count(n, 0);
    std::vector<int64_t> sequence;
    for (int64_t step = 0; step < 20; ++step)
        for (int slot = 0; slot < 7; ++slot) sequence.push_back(draw_sample(sampling, n, 6, step, slot).image);
    for (int epoch = 0; epoch < 7; ++epoch) {
        std::vector<int64_t> images(sequence.begin() + epoch * n, sequence.begin() + (epoch + 1) * n);
        std::sort(images.begin(), images.end());
        for (int64_t i = 0; i < n; ++i) EXPECT_EQ(images[i], i) << "epoch " << epoch;
    }
}

// 25 shifts x 2, 50,000 draws: chi squared with 49 degrees of freedom, 1e-4 quantile 96.
TEST(Samples, ShiftAndFlipEvenly) {
    const ist_sampling sampling{42, 100, 2, 1};
    std::map<std::vector<int>, int> count;
    for (int64_t step = 0; step < 500; ++step)
        for (int slot = 0; slot < 100; ++slot) {
            const Sample s = draw_sample(sampling, 1000, 1, step, slot);
            ++count[{s.dy, s.dx, int(s.flip)}];
        }
    ASSERT_EQ(count.size(), 50u);
    EXPECT_EQ(count.begin()->first, (std::vector<int>{-2, -2, 0}));
    EXPECT_EQ(count.rbegin()->first, (std::vector<int>{2, 2, 1}));
    double chi2 = 0;
    for (const auto &entry : count) chi2 += (entry.second - 1000.0) * (entry.second - 1000.0) / 1000.0;
    EXPECT_LT(chi2, 96);
}

TEST(Samples, WithoutAugmentationAreNeverMoved) {
    const ist_sampling sampling{3, 10, 0, 0};
    for (int slot = 0; slot < 10; ++slot) {
        const Sample s = draw_sample(sampling, 50, 1, 123456789, slot);
        EXPECT_EQ(s.dy, 0);
        EXPECT_EQ(s.dx, 0);
        EXPECT_FALSE(s.flip);
    }
}

} // namespace
} // namespace ist
