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

} // namespace ist::emulation
