// network_plan.cpp - see network_plan.h.
#include "network_plan.h"

#include <algorithm>

#include "../error.h"

namespace ist::cpu {
namespace {

constexpr int64_t kSliceBytes = 512 * 1024; // largest value of a slice, in float32
constexpr int kSliceImagesMin = 1, kSliceImagesMax = 32;

// The value that holds the statistics: its storage's channels from `channel` on.
bool ready(const NetworkPlan &plan, int value, const std::vector<char> &incomplete) {
    const ValuePlan &v = plan.values[value];
    for (int w = 0; w < int(plan.values.size()); w++) {
        if (!incomplete[w] || plan.values[w].storage != v.storage) continue;
        const int begin = plan.values[w].channel, end = begin + plan.value(w).channels;
        if (begin < v.channel + plan.value(value).channels && v.channel < end) return false;
    }
    return true;
}

void cut_forward(NetworkPlan &plan) {
    std::vector<char> incomplete(plan.values.size(), 0);
    std::vector<int> segment;
    auto cut = [&] {
        if (!segment.empty()) plan.forward.push_back(segment);
        segment.clear();
        std::fill(incomplete.begin(), incomplete.end(), 0);
    };
    for (int k = 0; k < int(plan.network.ops.size()); k++) {
        const Op &op = plan.op(k);
        if (plan.ops[k].aliased) continue;
        if (op.kind == OpKind::kBatchNorm && !ready(plan, op.src, incomplete)) cut();
        segment.push_back(k);
        if (op.dst >= 0) incomplete[op.dst] = 1;
    }
    cut();
}

void cut_backward(NetworkPlan &plan) {
    std::vector<char> incomplete(plan.values.size(), 0); // sources of batch norms of this segment
    std::vector<int> segment;
    for (int k = int(plan.network.ops.size()) - 1; k >= 0; k--) {
        const Op &op = plan.op(k);
        if (plan.ops[k].aliased) continue;
        if (op.dst >= 0 && plan.values[op.dst].normalised && !ready(plan, op.dst, incomplete)) {
            plan.backward.push_back(segment);
            segment.clear();
            std::fill(incomplete.begin(), incomplete.end(), 0);
        }
        segment.push_back(k);
        if (op.kind == OpKind::kBatchNorm) incomplete[op.src] = 1;
    }
    plan.backward.push_back(segment);
}

void plan_gradients(NetworkPlan &plan) {
    GradientRanges ranges(plan);
    for (const std::vector<int> &segment : plan.backward)
        for (int k : segment) {
            plan.ops[k].src = ranges.touch(plan.op(k).src);
            plan.ops[k].residual = ranges.touch(plan.op(k).residual);
        }
}

} // namespace

NetworkPlan::NetworkPlan(const Network &network) : StoragePlan(network) {
    ops.resize(network.ops.size());
    for (size_t k = 0; k < ops.size(); k++) ops[k].aliased = aliased[k], ops[k].statistics = norm_channel[k];

    int64_t largest = 1;
    for (const Value &v : network.values) largest = std::max<int64_t>(largest, v.elements());
    slice_images = kSliceImagesMin;
    while (slice_images < kSliceImagesMax && 2 * slice_images * largest * 4 <= kSliceBytes) slice_images *= 2;

    // Transient: a batch norm's output that one convolution or pooling reads.
    for (int k = 0; k < int(network.ops.size()); k++) {
        const Op &op = network.ops[k];
        if (op.kind != OpKind::kBatchNorm || values[op.dst].consumers.size() != 1 || values[op.dst].channel != 0 ||
            storages[values[op.dst].storage].channels != network.values[op.dst].channels || values[op.dst].normalised)
            continue;
        const Op &consumer = network.ops[values[op.dst].consumers[0]];
        if (consumer.residual == op.dst || consumer.kind == OpKind::kBatchNorm) continue;
        storages[values[op.dst].storage].transient = true;
    }

    cut_forward(*this);
    cut_backward(*this);
    plan_gradients(*this);

    // A transient value must live within one segment, forward and backward.
    for (int v = 0; v < int(values.size()); v++) {
        if (!storages[values[v].storage].transient) continue;
        auto together = [&](const std::vector<std::vector<int>> &segments) {
            for (const std::vector<int> &s : segments)
                if (std::count(s.begin(), s.end(), values[v].producer))
                    return std::count(s.begin(), s.end(), values[v].consumers[0]) > 0;
            return false;
        };
        if (!together(forward) || !together(backward)) storages[values[v].storage].transient = false;
    }
}

int NetworkPlan::absorbable_norm(int k) const {
    if (op(k).kind != OpKind::kConv || !storage_of(op(k).src).transient) return -1;
    const int norm = values[size_t(op(k).src)].producer;
    const Op &producer = op(norm);
    const bool plain =
        producer.residual < 0 && (producer.activation == Activation::kNone || producer.activation == Activation::kRelu);
    return producer.kind == OpKind::kBatchNorm && plain ? norm : -1;
}

} // namespace ist::cpu
