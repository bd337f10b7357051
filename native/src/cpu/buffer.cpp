// buffer.cpp - see buffer.h.
#include "buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "../error.h"

namespace ist::cpu {

Buffer::Buffer(size_t bytes) : bytes_(bytes) {
    if (bytes == 0) return;
    constexpr size_t kHuge = size_t(2) << 20; // large blocks on huge pages: fewer TLB misses in strided sweeps
    const size_t alignment = bytes >= kHuge ? kHuge : 64;
    const size_t padded = (bytes + alignment - 1) / alignment * alignment;
    const size_t available = size_t(sysconf(_SC_PHYS_PAGES)) * size_t(sysconf(_SC_PAGESIZE));
    data_ = padded > available ? nullptr : std::aligned_alloc(alignment, padded);
    if (!data_)
        throw Error(IST_OUT_OF_MEMORY, "out of memory: asked for " + std::to_string(bytes >> 20) +
                                           " MiB, the machine has " + std::to_string(available >> 20) +
                                           " MiB in all; use fewer points, fewer threads or a smaller batch");
    if (alignment == kHuge) madvise(data_, padded, MADV_HUGEPAGE);
    std::memset(data_, 0, padded);
}

Buffer::~Buffer() { std::free(data_); }

void Buffer::free(void *data) noexcept { std::free(data); }

} // namespace ist::cpu
