// network_plan.h - how the CPU runs a network: where values live, which ops run together, what is written or added.
//
// A batch is cut into slices of a few images. A *segment* is a run of ops that a slice passes through without waiting
// for other slices; segments end where batch statistics (forward) or their gradients (backward) must be complete.
// Within a segment a slice stays in the core's cache. A *transient* value (a batch norm's output with one consumer)
// exists for one slice at a time: it is recomputed in the backward pass instead of stored.
//
// Nothing here depends on the batch size or the number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "../network.h"

namespace ist::cpu {

// A tensor that is allocated; several values may be channel ranges of one storage (concatenation).
struct Storage {
    int height = 0, width = 0, channels = 0;
    bool transient = false;
    bool wide = false; // float in every precision: vectors behind the global pooling, logits
    int64_t rows() const { return int64_t(height) * width; }
    int64_t elements() const { return rows() * channels; }
};

struct ValuePlan {
    int storage = -1, channel = 0; // first channel within the storage
    int producer = -1;             // op, -1 for the input
    std::vector<int> consumers;    // ops, ascending, aliasing concatenations left out
    bool normalised = false;       // its gradient needs the batch-norm correction before the producer's backward
    bool needs_gradient = false;
};

struct Gradient { // how a backward op leaves the gradient of one of its sources
    bool wanted = false;
    bool add = false;           // to what is there; otherwise written
    bool zero_before = false;   // part of the range was never written: clear the unwritten channels first
    std::vector<int> unwritten; // storage channels to clear when zero_before
};

struct OpPlan {
    bool aliased = false;   // a concatenation that is no work at all
    Gradient src, residual; // backward
    int statistics = -1;    // offset of the op's channels in per-slice sum arrays (batch norms)
};

struct NetworkPlan {
    explicit NetworkPlan(const Network &network);

    const Network &network;
    std::vector<Storage> storages;
    std::vector<ValuePlan> values;
    std::vector<OpPlan> ops;
    std::vector<std::vector<int>> forward;  // segments of ops, in order; the last op is the loss
    std::vector<std::vector<int>> backward; // segments of ops, in reverse order
    std::vector<int> produced;              // normalised values in forward order
    std::vector<int64_t> statistics_offset; // per storage: offset of its channels in the statistics arrays, -1: none
    int64_t n_statistics = 0;               // channels of all normalised storages
    int64_t n_norm_channels = 0;            // channels of all batch-norm ops
    int slice_images = 8;                   // images per slice

    // The batch norm that convolution k may do itself, or -1: without residual, none or ReLU behind it, and only k
    // reads its output.
    int absorbable_norm(int k) const;

    const Op &op(int index) const { return network.ops[index]; }
    const Value &value(int index) const { return network.values[index]; }
    const Storage &storage_of(int value) const { return storages[values[value].storage]; }
};

} // namespace ist::cpu
