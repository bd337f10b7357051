// network_plan.cpp - see network_plan.h.
#include "network_plan.h"

#include <algorithm>

#include "../error.h"

namespace ist::cpu {
namespace {

constexpr int64_t kSliceBytes = 512 * 1024; // largest value of a slice, in float32
constexpr int kSliceImagesMin = 1, kSliceImagesMax = 32;

// Lets a concatenation's parts live in its storage, last concatenation first, so that a chain shares one.
void place_values(NetworkPlan &plan) {
    const Network &net = plan.network;
    auto fresh = [&](int v) {
        const Value &value = net.values[v];
        plan.values[v].storage = int(plan.storages.size());
        plan.storages.push_back({value.height, value.width, value.channels, false, false});
    };
    for (int k = int(net.ops.size()) - 1; k >= 0; k--) {
        const Op &op = net.ops[k];
        if (op.kind != OpKind::kConcat) continue;
        if (plan.values[op.dst].storage < 0) fresh(op.dst);
        ValuePlan &dst = plan.values[op.dst], &a = plan.values[op.src], &b = plan.values[op.residual];
        if (a.storage >= 0 || b.storage >= 0 || op.src == op.residual || op.src == 0 || op.residual == 0) continue;
        a.storage = b.storage = dst.storage;
        a.channel = dst.channel;
        b.channel = dst.channel + net.values[op.src].channels;
        plan.ops[k].aliased = true;
    }
    for (int v = 0; v < int(net.values.size()); v++)
        if (plan.values[v].storage < 0) fresh(v);
}

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
    std::vector<std::vector<char>> written(plan.storages.size());
    for (size_t s = 0; s < written.size(); s++) written[s].assign(plan.storages[s].channels, 0);
    auto touch = [&](int value, Gradient &g) {
        if (value < 0 || !plan.values[value].needs_gradient) return;
        const ValuePlan &v = plan.values[value];
        std::vector<char> &channels = written[v.storage];
        const int begin = v.channel, end = v.channel + plan.value(value).channels;
        const int n = int(std::count(channels.begin() + begin, channels.begin() + end, 1));
        g.wanted = true;
        g.add = n > 0;
        g.zero_before = n > 0 && n < end - begin;
        if (g.zero_before)
            for (int c = begin; c < end; c++)
                if (!channels[c]) g.unwritten.push_back(c);
        std::fill(channels.begin() + begin, channels.begin() + end, 1);
    };
    for (const std::vector<int> &segment : plan.backward)
        for (int k : segment) {
            touch(plan.op(k).src, plan.ops[k].src);
            touch(plan.op(k).residual, plan.ops[k].residual);
        }
}

} // namespace

NetworkPlan::NetworkPlan(const Network &network) : network(network) {
    values.resize(network.values.size());
    ops.resize(network.ops.size());
    place_values(*this);

    int64_t largest = 1;
    for (const Value &v : network.values) largest = std::max<int64_t>(largest, v.elements());
    slice_images = kSliceImagesMin;
    while (slice_images < kSliceImagesMax && 2 * slice_images * largest * 4 <= kSliceBytes) slice_images *= 2;

    // An aliased concatenation passes its consumers on to nobody: they read the shared storage themselves.
    for (int k = 0; k < int(network.ops.size()); k++) {
        const Op &op = network.ops[k];
        if (op.dst >= 0) values[op.dst].producer = k;
        if (ops[k].aliased) continue;
        values[op.src].consumers.push_back(k);
        if (op.residual >= 0) values[op.residual].consumers.push_back(k);
    }

    // What needs a gradient: everything downstream of a parameter.
    for (int k = 0; k < int(network.ops.size()); k++) {
        const Op &op = network.ops[k];
        if (op.dst < 0) continue;
        values[op.dst].needs_gradient =
            op.weight >= 0 || values[op.src].needs_gradient || (op.residual >= 0 && values[op.residual].needs_gradient);
    }

    // Batch statistics belong to storage channels; every value that overlaps a normalised one is normalised too.
    statistics_offset.assign(storages.size(), -1);
    for (int k = 0; k < int(network.ops.size()); k++) {
        const Op &op = network.ops[k];
        if (op.kind != OpKind::kBatchNorm) continue;
        ops[k].statistics = int(n_norm_channels);
        n_norm_channels += network.values[op.dst].channels;
        const ValuePlan &src = values[op.src];
        if (statistics_offset[src.storage] < 0) {
            statistics_offset[src.storage] = n_statistics;
            n_statistics += storages[src.storage].channels;
        }
        for (size_t w = 0; w < values.size(); w++)
            if (values[w].storage == src.storage && values[w].channel < src.channel + network.values[op.src].channels &&
                src.channel < values[w].channel + network.values[w].channels)
                values[w].normalised = true;
        if (op.src == 0) throw Error(IST_UNSUPPORTED, "a batch norm directly on the input is not supported");
    }
    // Producers, in order; a concatenation that aliases produces nothing itself.
    for (int k = 0; k < int(network.ops.size()); k++)
        if (network.ops[k].dst >= 0 && !ops[k].aliased && values[network.ops[k].dst].normalised)
            produced.push_back(network.ops[k].dst);

    // Vectors stay float: they are tiny, and the loss wants exact logits.
    for (int k = 0; k < int(network.ops.size()); k++) {
        const Op &op = network.ops[k];
        if (op.kind == OpKind::kLinear && values[op.src].producer < 0) storages[values[op.src].storage].wide = true;
        const bool pooled = op.kind == OpKind::kGlobalAvgPool || op.kind == OpKind::kLinear;
        const bool elementwise =
            op.kind == OpKind::kActivation || op.kind == OpKind::kAdd || op.kind == OpKind::kBatchNorm;
        const bool follows = elementwise && storages[values[op.src].storage].wide;
        if (op.dst >= 0 && (pooled || follows)) storages[values[op.dst].storage].wide = true;
        const bool takes_wide = op.kind == OpKind::kLinear || op.kind == OpKind::kSoftmaxLoss || follows;
        if ((!takes_wide && storages[values[op.src].storage].wide) ||
            (op.residual >= 0 && storages[values[op.residual].storage].wide != storages[values[op.src].storage].wide))
            throw Error(IST_UNSUPPORTED, "this network has a spatial op behind a linear layer, which the CPU backend "
                                         "does not run");
    }

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
