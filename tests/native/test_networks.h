// test_networks.h - what the native tests feed to networks: a builder for small ones, random points and batches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "network.h"
#include "ref_network.h"

namespace ist::test {

// Builds an ist::Network op by op. Methods return the index of the value they write.
class NetworkBuilder {
  public:
    NetworkBuilder(int channels, int height, int width, int n_classes);

    int input() const { return 0; }
    int conv(int src, int filters, int kernel, int stride = 1, int padding = 0, bool bias = false);
    int batch_norm(int src, Activation activation = Activation::kNone, int residual = -1);
    int add(int src, int residual, Activation activation = Activation::kNone);
    int activation(int src, Activation activation);
    int concat(int src, int residual);
    int pad_shortcut(int src, int channels, int stride);
    int average_pool(int src, int window);
    int max_pool(int src, int window);
    int global_average_pool(int src);
    int linear(int src, int n_out);

    // Appends linear(value) to n_classes where the value is not yet the logits, and the loss.
    Network finish(int value);

    const Value &shape(int value) const { return network_.values.at(value); }

  private:
    int add_value(int channels, int height, int width);
    int add_tensor(bool statistic, std::vector<int64_t> shape);
    int add_op(Op op, int channels, int height, int width);

    Network network_;
    std::vector<ParamTensor> parameters_, statistics_; // a statistic's index is -2 - its place in statistics_
};

// A small, fast, seeded generator (SplitMix64): the same numbers on every platform.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next();
    double uniform(double low, double high); // [low, high)
    int below(int n);                        // 0 .. n - 1

  private:
    uint64_t state_;
};

// float32 values in doubles: weights uniform with variance 1 / fan-in, gamma and running variances in [0.5, 1.5], beta,
// biases and running means in [-0.5, 0.5]. No two tensors alike, nothing at 0 or 1.
std::vector<double> random_point(const Network &network, uint64_t seed);

// Images as a data set holds them, and the same images as the reference sees them.
struct Images {
    int n = 0, channels = 0, height = 0, width = 0, n_classes = 0;
    std::vector<uint8_t> bytes; // [n][channels][height][width]
    std::vector<int32_t> labels;
    std::vector<float> mean, std;

    double pixel(int image, int channel, int row, int column) const; // normalised
    ref::Batch batch() const;                                        // all of them, in order
};
Images random_images(const Network &network, int n, uint64_t seed);

// An image set and a point whose reference pass stays clear of kinks: ReLU inputs and pooling maxima at least `margin`
// away (ref::Pass::kink_margin), so that an engine's rounding cannot take another branch. Tries seeds in order from
// `seed`; fails the test when 200 are not enough.
struct Case {
    Network network;
    std::vector<double> point;
    Images images;
    ref::Pass pass; // training mode
};
Case clear_case(Network network, int n, double margin, uint64_t seed = 1);

} // namespace ist::test
