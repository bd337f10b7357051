// first_fit.cpp - see first_fit.h.
#include "first_fit.h"

#include <algorithm>

namespace ist {

size_t place_blocks(std::vector<LivingBlock> &blocks, size_t alignment) {
    std::vector<size_t> order, placed;
    for (size_t i = 0; i < blocks.size(); i++)
        if (blocks[i].first >= 0) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return blocks[a].first < blocks[b].first; });
    const auto end = [&](const LivingBlock &b) { return b.offset + (b.bytes + alignment - 1) / alignment * alignment; };
    size_t total = 0;
    for (size_t i : order) {
        LivingBlock &own = blocks[i];
        own.offset = 0;
        for (bool moved = true; moved;) {
            moved = false;
            for (size_t p : placed) {
                const LivingBlock &other = blocks[p];
                if (other.last >= own.first && own.last >= other.first && own.offset < end(other) &&
                    other.offset < end(own)) {
                    own.offset = end(other);
                    moved = true;
                }
            }
        }
        total = std::max(total, end(own));
        placed.push_back(i);
    }
    return total;
}

} // namespace ist
