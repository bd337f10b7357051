// storage_plan.cpp - see storage_plan.h.
#include "storage_plan.h"

#include <algorithm>

#include "error.h"

namespace ist {
namespace {

// Lets a concatenation's parts live in its storage, last concatenation first, so that a chain shares one.
void place_values(StoragePlan &plan) {
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
        plan.aliased[size_t(k)] = 1;
    }
    for (int v = 0; v < int(net.values.size()); v++)
        if (plan.values[v].storage < 0) fresh(v);
}

} // namespace

StoragePlan::StoragePlan(const Network &network) : network(network) {
    values.resize(network.values.size());
    aliased.assign(network.ops.size(), 0);
    norm_channel.assign(network.ops.size(), -1);
    place_values(*this);

    // An aliased concatenation passes its consumers on to nobody: they read the shared storage themselves.
    for (int k = 0; k < int(network.ops.size()); k++) {
        const Op &op = network.ops[k];
        if (op.dst >= 0) values[op.dst].producer = k;
        if (aliased[size_t(k)]) continue;
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
        norm_channel[size_t(k)] = int(n_norm_channels);
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
        if (network.ops[k].dst >= 0 && !aliased[size_t(k)] && values[network.ops[k].dst].normalised)
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
            throw Error(IST_UNSUPPORTED, "this network has a spatial op behind a linear layer, which no backend "
                                         "runs");
    }
}

GradientRanges::GradientRanges(const StoragePlan &plan) : plan_(plan), written_(plan.storages.size()) {
    for (size_t s = 0; s < written_.size(); s++) written_[s].assign(size_t(plan.storages[s].channels), 0);
}

GradientUse GradientRanges::touch(int value) {
    GradientUse g;
    if (value < 0 || !plan_.values[size_t(value)].needs_gradient) return g;
    const ValuePlan &v = plan_.values[size_t(value)];
    std::vector<char> &channels = written_[size_t(v.storage)];
    const int begin = v.channel, end = v.channel + plan_.value(value).channels;
    const int n = int(std::count(channels.begin() + begin, channels.begin() + end, 1));
    g.wanted = true;
    g.add = n > 0;
    g.zero_before = n > 0 && n < end - begin;
    if (g.zero_before)
        for (int c = begin; c < end; c++)
            if (!channels[size_t(c)]) g.unwritten.push_back(c);
    std::fill(channels.begin() + begin, channels.begin() + end, 1);
    return g;
}

bool GradientRanges::untouched(int value) const {
    const ValuePlan &v = plan_.values[size_t(value)];
    const std::vector<char> &channels = written_[size_t(v.storage)];
    return std::count(channels.begin() + v.channel, channels.begin() + v.channel + plan_.value(value).channels, 1) == 0;
}

} // namespace ist
