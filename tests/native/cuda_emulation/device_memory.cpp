// device_memory.cpp - the emulated device's memory: one reserved range of addresses, allocations between guard zones.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>

#include <sys/mman.h>

#include "checker.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace ist::emulation {
namespace {

constexpr size_t kArenaBytes = size_t(64) << 30; // addresses alone; memory is taken when it is written to
constexpr size_t kAlign = 512;
constexpr size_t kZone = 512; // guards before and after an allocation

size_t initial_capacity() {
    const char *text = std::getenv("ISTHMUS_EMULATED_MEMORY");
    return (text ? std::strtoull(text, nullptr, 10) : 4096) << 20;
}

struct Memory {
    char *arena = nullptr;
    std::map<char *, Allocation> allocations;
    size_t capacity = initial_capacity();
    size_t allocated = 0;
    size_t top = 0; // bytes of the arena ever used
    bool guarded = std::getenv("ISTHMUS_EMULATED_HOST_GUARD") != nullptr;
    int opened = 0;
};
Memory memory;

size_t padded(size_t bytes) { return kZone + (bytes + kAlign - 1) / kAlign * kAlign + kZone; }

void protect(int access) {
    if (memory.top) mprotect(memory.arena, memory.top, access);
}

} // namespace

void poison(char *begin, size_t bytes) {
    for (; bytes >= 4; begin += 4, bytes -= 4) std::memcpy(begin, &kPoison, 4);
    std::memcpy(begin, &kPoison, bytes);
}

bool is_poison(const char *begin, size_t bytes) { // each word is the one before
    const size_t word = std::min(bytes, sizeof(kPoison));
    return !std::memcmp(begin, &kPoison, word) && !std::memcmp(begin + word, begin, bytes - word);
}

#if defined(__SANITIZE_ADDRESS__)
void forbid(const void *begin, size_t bytes) { __asan_poison_memory_region(begin, bytes); }
void allow(const void *begin, size_t bytes) { __asan_unpoison_memory_region(begin, bytes); }
#else
void forbid(const void *, size_t) {}
void allow(const void *, size_t) {}
#endif

OpenMemory::OpenMemory() {
    if (memory.opened++ == 0 && memory.guarded) protect(PROT_READ | PROT_WRITE);
}

OpenMemory::~OpenMemory() {
    if (--memory.opened == 0 && memory.guarded) protect(PROT_NONE);
}

void set_host_guard(bool on) {
    std::lock_guard<std::recursive_mutex> lock(device_mutex());
    memory.guarded = on;
    protect(on ? PROT_NONE : PROT_READ | PROT_WRITE);
}

void set_capacity(size_t bytes) {
    std::lock_guard<std::recursive_mutex> lock(device_mutex());
    memory.capacity = std::min(bytes, kArenaBytes / 2);
}

size_t capacity() { return memory.capacity; }
size_t allocated() { return memory.allocated; }

const char *arena_begin() { return memory.arena; }
bool in_arena(const void *pointer) {
    const char *p = static_cast<const char *>(pointer);
    return memory.arena && p >= memory.arena && p < memory.arena + kArenaBytes;
}

void *allocate(size_t bytes) {
    if (!memory.arena) {
        void *arena =
            mmap(nullptr, kArenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (arena == MAP_FAILED) throw std::runtime_error("no addresses for emulated device memory");
        memory.arena = static_cast<char *>(arena);
    }
    if (bytes > memory.capacity || memory.allocated > memory.capacity - bytes) return nullptr;
    OpenMemory open;
    // The first gap that is wide enough.
    char *place = memory.arena;
    for (const auto &[begin, allocation] : memory.allocations) {
        if (size_t(begin - kZone - place) >= padded(bytes)) break;
        place = begin - kZone + padded(allocation.bytes);
    }
    if (size_t(place - memory.arena) + padded(bytes) > kArenaBytes) return nullptr;
    memory.top = std::max(memory.top, size_t(place - memory.arena) + padded(bytes));
    if (memory.guarded) protect(PROT_READ | PROT_WRITE);
    char *begin = place + kZone;
    allow(place, padded(bytes));
    poison(place, kZone + (checker::sampling() ? 0 : bytes));
    poison(begin + bytes, kZone);
    forbid(place, kZone);
    forbid(begin + bytes, kZone);
    if (!checker::sampling()) checker::forgotten(begin, bytes);
    memory.allocations[begin] = {begin, bytes};
    memory.allocated += bytes;
    return begin;
}

bool release(void *pointer) {
    const auto it = memory.allocations.find(static_cast<char *>(pointer));
    if (it == memory.allocations.end()) return false;
    const Allocation &a = it->second;
    memory.allocated -= a.bytes;
    allow(a.begin - kZone, padded(a.bytes));
    // Whole pages go back to the system.
    const uintptr_t first = (reinterpret_cast<uintptr_t>(a.begin) + 4095) & ~uintptr_t(4095);
    const uintptr_t last = reinterpret_cast<uintptr_t>(a.begin + a.bytes) & ~uintptr_t(4095);
    if (last > first) madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
    forbid(a.begin - kZone, padded(a.bytes));
    memory.allocations.erase(it);
    return true;
}

const Allocation *find_allocation(const void *pointer, size_t bytes) {
    char *p = static_cast<char *>(const_cast<void *>(pointer));
    auto it = memory.allocations.upper_bound(p);
    if (it == memory.allocations.begin()) return nullptr;
    const Allocation &a = std::prev(it)->second;
    return p + bytes <= a.begin + a.bytes ? &a : nullptr;
}

const Allocation *damaged_allocation() {
#if !defined(__SANITIZE_ADDRESS__) // it watches the zones itself
    for (const auto &[begin, allocation] : memory.allocations) {
        if (is_poison(begin - kZone, kZone) && is_poison(begin + allocation.bytes, kZone)) continue;
        poison(begin - kZone, kZone);
        poison(begin + allocation.bytes, kZone);
        return &allocation;
    }
#endif
    return nullptr;
}

} // namespace ist::emulation
