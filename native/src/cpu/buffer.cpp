// buffer.cpp - see buffer.h.
#include "buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "../error.h"
#include "../host_memory.h"

namespace ist::cpu {
namespace {

// The system promises more than it has and kills who takes it; so it is asked beforehand, each time this much was
// given.
constexpr size_t kTrusted = size_t(64) << 20;

bool is_there(size_t bytes) {
    static std::atomic<size_t> given{0};
    if (given.fetch_add(bytes) + bytes < kTrusted) return true;
    given = 0;
    return std::max(bytes, kTrusted) <= available_host_memory();
}

} // namespace

Buffer::Buffer(size_t bytes) : bytes_(bytes) {
    if (bytes == 0) return;
    constexpr size_t kHuge = size_t(2) << 20; // large blocks on huge pages: fewer TLB misses in strided sweeps
    const size_t alignment = bytes >= kHuge ? kHuge : 64;
    const size_t padded = (bytes + alignment - 1) / alignment * alignment;
    data_ = is_there(padded) ? std::aligned_alloc(alignment, padded) : nullptr;
    if (!data_)
        throw Error(IST_OUT_OF_MEMORY, "out of memory: asked for " + bytes_in_words(bytes) + ", " +
                                           bytes_in_words(available_host_memory()) +
                                           " are available; use fewer points, fewer threads or a smaller batch");
    if (alignment == kHuge) madvise(data_, padded, MADV_HUGEPAGE);
    std::memset(data_, 0, padded);
}

Buffer::~Buffer() { std::free(data_); }

void Buffer::free(void *data) noexcept { std::free(data); }

} // namespace ist::cpu
