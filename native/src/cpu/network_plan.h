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

#include "../storage_plan.h"

namespace ist::cpu {

struct OpPlan {
    bool aliased = false;      // a concatenation that is no work at all
    GradientUse src, residual; // backward
    int statistics = -1;       // offset of the op's channels in per-slice sum arrays (batch norms)
};

struct NetworkPlan : StoragePlan {
    explicit NetworkPlan(const Network &network);

    std::vector<OpPlan> ops;
    std::vector<std::vector<int>> forward;  // segments of ops, in order; the last op is the loss
    std::vector<std::vector<int>> backward; // segments of ops, in reverse order
    int slice_images = 8;                   // images per slice

    // The batch norm that convolution k may do itself, or -1: without residual, none or ReLU behind it, and only k
    // reads its output.
    int absorbable_norm(int k) const;
};

} // namespace ist::cpu
