// counters.h - traffic of the kernels that ran in checked mode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ist::emulation {

// One instruction that touches memory. The n-th execution of it by each lane of a warp (since the warp last met) is one
// request.
struct SiteCounters {
    std::string place; // "file:line", and after " < " where it was inlined
    bool shared = false, write = false;
    unsigned width = 0;    // bytes of a lane
    uint64_t requests = 0; // of a warp
    uint64_t bytes = 0;    // of all lanes
    uint64_t sectors = 0;  // of 32 bytes, global memory: at best bytes / 32
    uint64_t passes = 0;   // over the banks, shared memory: at best `phases`
    uint64_t phases = 0;   // quarters (16 bytes a lane), halves (8) or whole requests with a lane in them
    double sectors_per_request() const { return requests ? double(sectors) / double(requests) : 0; }
    double conflicts() const { return phases ? double(passes) / double(phases) : 0; } // 1: none
};

struct KernelCounters {
    std::string kernel;
    uint64_t launches = 0, blocks = 0;
    unsigned threads = 0;                       // of a block, at most
    size_t shared_bytes = 0;                    // dynamic, of a block, at most
    uint64_t mma = 0;                           // of a warp
    uint64_t mma_operations = 0;                // 2 per multiply-add
    uint64_t read_bytes = 0, written_bytes = 0; // global memory: different bytes of each launch, summed over launches
    uint64_t read_sectors = 0, written_sectors = 0;
    uint64_t shared_passes = 0, shared_phases = 0;
    std::vector<SiteCounters> sites;
};

// Of all kernels since the last call, in the order of their first launches. Empty in plain mode.
std::vector<KernelCounters> take_counters();

// Sampling: launches of any size are counted from a few of their blocks, nothing is judged, and what kernels compute
// means nothing: fresh device memory is zeros, and most blocks of a long launch do not run.
// Of each grid run windows of `blocks` neighbours along x, for all y: two far apart for the first z, one for the
// second z. 0: no sampling.
void set_sampling(unsigned blocks);

// Sizes of an L1 cache, for which the sectors that a block asks the L2 cache for are counted.
constexpr size_t kCacheSizes[] = {16 << 10, 32 << 10, 64 << 10, 128 << 10, 224 << 10};
constexpr size_t kNCacheSizes = sizeof(kCacheSizes) / sizeof(kCacheSizes[0]);

// One launch that was sampled; what its blocks did is brought to the whole grid.
struct LaunchCounters {
    std::string kernel;
    unsigned grid[3] = {}, threads = 0;
    size_t shared_bytes = 0;
    uint64_t blocks = 0, blocks_run = 0;
    double read_bytes = 0, written_bytes = 0; // different sectors of global memory
    double read_sectors[kNCacheSizes] = {};   // that miss a cache of such a size (first in, first out, empty at first)
    double all_read_sectors = 0, written_sectors = 0;
    double lines = 0; // of 128 bytes in requests of global memory
    double shared_passes = 0, shared_phases = 0;
    double requests = 0, mma = 0, mma_operations = 0; // of warps
};

// Since the last call, in order.
std::vector<LaunchCounters> take_launches();

} // namespace ist::emulation
