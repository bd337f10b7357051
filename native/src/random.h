// random.h - every random number of the engine: counter-based, so a draw is a function of what it is for.
//
// Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) is keyed by the
// seed; its counter is (stream, position, purpose). Nothing is stored and nothing is consumed: batches, crops and flips
// are the same on every backend, for every division of the work. Usable from CUDA.
#pragma once

#include <cmath>
#include <cstdint>

#include "isthmus/isthmus.h"

#if defined(__CUDACC__)
#define IST_HD __host__ __device__
#else
#define IST_HD
#endif

namespace ist {

struct Words {
    uint32_t w[4];
};

// The bijection of 128-bit counters chosen by a 64-bit key.
IST_HD inline Words philox4x32_10(Words c, uint32_t key0, uint32_t key1) {
    for (int round = 0; round < 10; ++round) {
        const uint64_t p0 = uint64_t(0xD2511F53u) * c.w[0];
        const uint64_t p1 = uint64_t(0xCD9E8D57u) * c.w[2];
        c = Words{{uint32_t(p1 >> 32) ^ c.w[1] ^ key0, uint32_t(p1), uint32_t(p0 >> 32) ^ c.w[3] ^ key1, uint32_t(p0)}};
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return c;
}

// What a draw is for; draws for different purposes never share a counter.
enum class Purpose : uint32_t { kCropFlip = 0, kPermutationLow = 1, kPermutationHigh = 2, kInitialise = 3 };

// position < 2^60.
IST_HD inline Words draw(uint64_t seed, uint64_t stream, uint64_t position, Purpose purpose) {
    const Words counter{{uint32_t(stream), uint32_t(stream >> 32), uint32_t(position),
                         uint32_t(position >> 32) | uint32_t(purpose) << 28}};
    return philox4x32_10(counter, uint32_t(seed), uint32_t(seed >> 32));
}

// 0 .. n - 1; the bias is below n / 2^32.
IST_HD inline uint32_t below(uint32_t word, uint32_t n) { return uint32_t((uint64_t(word) * n) >> 32); }

// [0, 1) on a grid of 2^-53.
IST_HD inline double unit(uint32_t high, uint32_t low) {
    return double((uint64_t(high) << 32 | low) >> 11) * (1.0 / 9007199254740992.0);
}

// Two independent draws for initialisation; `stream` names the tensor, `position` counts pairs.
struct Pair {
    double first, second;
};

// Uniform in [-1, 1).
inline Pair draw_uniform(uint64_t seed, uint64_t stream, uint64_t position) {
    const Words r = draw(seed, stream, position, Purpose::kInitialise);
    return Pair{2 * unit(r.w[0], r.w[1]) - 1, 2 * unit(r.w[2], r.w[3]) - 1};
}

// Normal with mean 0 and variance 1 (Box & Muller 1958).
inline Pair draw_normal(uint64_t seed, uint64_t stream, uint64_t position) {
    const Words r = draw(seed, stream, position, Purpose::kInitialise);
    const double radius = std::sqrt(-2 * std::log(1 - unit(r.w[0], r.w[1])));
    const double angle = 6.283185307179586477 * unit(r.w[2], r.w[3]);
    return Pair{radius * std::cos(angle), radius * std::sin(angle)};
}

// A pseudo-random permutation of 0 .. n - 1 without a table: an 8-round Feistel network on the smallest even number of
// bits that holds n, walked along its cycle until it lands below n (Black & Rogaway 2002; less than 4 steps on
// average).
class Permutation {
  public:
    IST_HD Permutation(uint64_t seed, uint64_t stream, uint64_t epoch, int64_t n) : n_(uint64_t(n)) {
        half_bits_ = 1;
        while (half_bits_ < 31 && (uint64_t(1) << (2 * half_bits_)) < n_) ++half_bits_;
        const Words low = draw(seed, stream, epoch, Purpose::kPermutationLow);
        const Words high = draw(seed, stream, epoch, Purpose::kPermutationHigh);
        for (int i = 0; i < 4; ++i) {
            key_[i] = low.w[i];
            key_[4 + i] = high.w[i];
        }
    }

    // Where position 0 <= i < n is sent.
    IST_HD int64_t operator()(int64_t i) const {
        const uint32_t mask = (uint32_t(1) << half_bits_) - 1;
        uint64_t x = uint64_t(i);
        do {
            uint32_t left = uint32_t(x >> half_bits_), right = uint32_t(x) & mask;
            for (int round = 0; round < 8; ++round) {
                const uint32_t next = left ^ (mix(right ^ key_[round]) & mask);
                left = right;
                right = next;
            }
            x = uint64_t(left) << half_bits_ | right;
        } while (x >= n_);
        return int64_t(x);
    }

  private:
    // Wellons' "triple32": every output bit depends on every input bit.
    IST_HD static uint32_t mix(uint32_t x) {
        x ^= x >> 17;
        x *= 0xED5AD4BBu;
        x ^= x >> 11;
        x *= 0xAC4C1B51u;
        x ^= x >> 15;
        x *= 0x31848BABu;
        x ^= x >> 14;
        return x;
    }

    uint64_t n_;
    int half_bits_;
    uint32_t key_[8];
};

// One image of a mini-batch and how it is augmented. Pixel (y, x) of the network's input is pixel (y + dy, x' + dx) of
// the image, zero outside it, with x' = width - 1 - x where it is flipped and x otherwise.
struct Sample {
    int64_t image;
    int dy, dx; // -crop_padding .. crop_padding
    bool flip;
};

// Slot `slot` of the batch of `step`: position step * batch_size + slot of the stream's endless sequence of epochs.
IST_HD inline Sample draw_sample(const ist_sampling &sampling, int64_t n_images, uint64_t stream, int64_t step,
                                 int slot) {
    const int64_t position = step * sampling.batch_size + slot;
    const Permutation permutation(sampling.seed, stream, uint64_t(position / n_images), n_images);
    const Words words = draw(sampling.seed, stream, uint64_t(position), Purpose::kCropFlip);
    const uint32_t places = 2 * uint32_t(sampling.crop_padding) + 1;
    Sample sample;
    sample.image = permutation(position % n_images);
    sample.dy = int(below(words.w[0], places)) - sampling.crop_padding;
    sample.dx = int(below(words.w[1], places)) - sampling.crop_padding;
    sample.flip = sampling.flip != 0 && (words.w[2] >> 31) != 0;
    return sample;
}

} // namespace ist
