// ref_network.h - an interpreter of ist::Network in double with plain loops: the judge of every backend.
//
// It shares nothing with the engine but network.h: activations are [image][channel][row][column], batch norm is
// differentiated op by op (no shared statistics, no fused ops), and every sum is the formula written down. It is itself
// judged by finite differences (test_ref_network.cpp) and by PyTorch (test_golden.cpp).
#pragma once

#include <cstdint>
#include <vector>

#include "network.h"

namespace ist::ref {

struct Batch {
    int n = 0;
    std::vector<double> pixels; // [n][channels][height][width], normalised
    std::vector<int> labels;    // [n]
};

// What one pass over one batch yields. A point has network.size() values: parameters, then statistics.
struct Pass {
    double loss = 0;                       // mean cross-entropy in nats
    double error = 0;                      // fraction misclassified
    std::vector<double> log_probabilities; // [n][n_classes]
    // Training mode only:
    std::vector<double> gradient;         // [n_params] of the mean loss
    std::vector<double> input_gradient;   // [n][channels][height][width]
    std::vector<double> batch_statistics; // [n_statistics] batch means and unbiased variances, laid out as in a point
    std::vector<double> statistics;       // [n_statistics] the running statistics after this batch
    // Smallest distance of any ReLU input from 0 or any pooling maximum from its runner-up, in units of that tensor's
    // root mean square; exact zeros do not count. An engine whose rounding is well below it takes the same branches as
    // we do, and only then are gradients comparable to rounding.
    double kink_margin = 0;
};

// Rounding, imitated: every parameter, pixel, output of an op and gradient of one is multiplied by 1 + amplitude * a
// random number in [-1, 1). What changes is how far an engine of that precision may be from the exact result.
struct Noise {
    double amplitude = 0;
    uint64_t seed = 0;
};

Pass train(const Network &network, const std::vector<double> &point, const Batch &batch, Noise noise = {});
Pass infer(const Network &network, const std::vector<double> &point, const Batch &batch, Noise noise = {});

} // namespace ist::ref
