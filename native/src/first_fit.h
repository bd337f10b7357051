// first_fit.h - places blocks of memory that live at different times in as little of it as first fit finds.
#pragma once

#include <cstddef>
#include <vector>

namespace ist {

// A block is alive in the steps first .. last; first < 0: never, it takes no memory.
struct LivingBlock {
    int first = -1, last = -1;
    size_t bytes = 0;
    size_t offset = 0; // out
    void use(int step) {
        if (first < 0) first = step;
        last = step;
    }
};

// Sets the offsets, multiples of `alignment`; the bytes that all take.
size_t place_blocks(std::vector<LivingBlock> &blocks, size_t alignment);

} // namespace ist
