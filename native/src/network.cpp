// network.cpp - see network.h.
#include "network.h"

namespace ist {

int64_t Network::flops() const {
    int64_t sum = 0;
    for (const Op &op : ops) {
        if (op.kind != OpKind::kConv && op.kind != OpKind::kLinear) continue;
        const Value &dst = values[op.dst];
        // Multiply-adds per weight: one for each place of the filter.
        sum += 2 * tensors[op.weight].size() * dst.height * dst.width;
    }
    return sum;
}

} // namespace ist
