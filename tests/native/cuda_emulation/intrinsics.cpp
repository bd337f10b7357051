// intrinsics.cpp - the warp collectives and atomics of cuda_runtime.h.
#include "checker.h"
#include "cuda_runtime.h"

using ist::emulation::meet;
using ist::emulation::Shuffle;

namespace ist::emulation {

// CUDA programming guide, warp shuffle functions: sources stay within segments of `width` lanes; a lane whose source
// would lie outside keeps its own value (up, down), an index is taken modulo the width.
uint64_t shuffle(Shuffle kind, unsigned mask, uint64_t value, int operand, int width, Site site) {
    struct Lane {
        uint64_t value, result;
        Shuffle kind;
        int operand, width;
    } mine{value, 0, kind, operand, width};
    const char *names[] = {"__shfl_sync", "__shfl_up_sync", "__shfl_down_sync", "__shfl_xor_sync"};
    meet(names[int(kind)], site, mask, &mine, [](void *const *offers, unsigned lanes) {
        for (int l = 0; l < 32; l++) {
            if (!(lanes >> l & 1)) continue;
            Lane &lane = *static_cast<Lane *>(offers[l]);
            const int first = l / lane.width * lane.width, last = first + lane.width - 1;
            int source = l;
            switch (lane.kind) {
            case Shuffle::kIndex: source = first + (lane.operand & (lane.width - 1)); break;
            case Shuffle::kUp: source = l - lane.operand < first ? l : l - lane.operand; break;
            case Shuffle::kDown: source = l + lane.operand > last ? l : l + lane.operand; break;
            case Shuffle::kXor: source = (l ^ lane.operand) > last ? l : l ^ lane.operand; break;
            }
            // A lane outside the mask gives nothing.
            lane.result =
                lanes >> source & 1 ? static_cast<Lane *>(offers[source])->value : uint64_t(kPoison) << 32 | kPoison;
        }
    });
    return mine.result;
}

} // namespace ist::emulation

void __syncwarp(unsigned mask, ist::emulation::Site site) { meet("__syncwarp", site, mask, nullptr, nullptr); }

namespace {
struct Vote {
    int predicate;
    unsigned ballot;
};
unsigned vote(const char *what, unsigned mask, int predicate, ist::emulation::Site site) {
    Vote mine{predicate, 0};
    meet(what, site, mask, &mine, [](void *const *offers, unsigned lanes) {
        unsigned ballot = 0;
        for (unsigned l = 0; l < 32; l++) {
            if (lanes >> l & 1 && static_cast<Vote *>(offers[l])->predicate) ballot |= 1u << l;
        }
        for (unsigned l = 0; l < 32; l++) {
            if (lanes >> l & 1) static_cast<Vote *>(offers[l])->ballot = ballot;
        }
    });
    return mine.ballot;
}
} // namespace

unsigned __ballot_sync(unsigned mask, int predicate, ist::emulation::Site site) {
    return vote("__ballot_sync", mask, predicate, site);
}
int __any_sync(unsigned mask, int predicate, ist::emulation::Site site) {
    return vote("__any_sync", mask, predicate, site) != 0;
}
int __all_sync(unsigned mask, int predicate, ist::emulation::Site site) {
    return vote("__all_sync", mask, predicate, site) == mask;
}

unsigned atomicAdd(unsigned *address, unsigned value) {
    const ist::emulation::checker::Unwatched engine_at_work;
    ist::emulation::checker::atomic(address);
    const unsigned old = *address;
    *address = old + value;
    return old;
}
