// engine.h - what the emulation's own files share.
#pragma once

#include <mutex>
#include <random>

#include "emulation.h"

namespace ist::emulation {

// One launch, copy or call of the runtime at a time, whatever thread of the host it comes from.
std::recursive_mutex &device_mutex();

constexpr size_t kMaxShared = 227 << 10; // of a block, as on sm_90
constexpr int kMaxThreads = 1024;

// Runs a grid to its end. False if a finding stopped it.
bool run(const Launch &launch);
void set_finding(Finding finding);
std::string last_finding();
// Stops the running thread, and with it the launch.
[[noreturn]] void stop(Kind kind, const std::string &text);
std::string place(Site site);
size_t stack_bytes();                // of a thread
bool is_pinned(const void *pointer); // memory of cudaHostAlloc

// ---- device_memory.cpp
struct Allocation {
    char *begin;
    size_t bytes;
};
void *allocate(size_t bytes); // null: beyond the capacity
bool release(void *pointer);
size_t capacity();
size_t allocated();
// The allocation that holds these bytes, or null.
const Allocation *find_allocation(const void *pointer, size_t bytes);
const char *arena_begin();
bool in_arena(const void *pointer);
// The first allocation whose guard zones have been written to, or null.
const Allocation *damaged_allocation();
// Device memory may be touched while one of these lives.
class OpenMemory {
  public:
    OpenMemory();
    ~OpenMemory();
    OpenMemory(const OpenMemory &) = delete;
    OpenMemory &operator=(const OpenMemory &) = delete;
};
void poison(char *begin, size_t bytes);
bool is_poison(const char *begin, size_t bytes);
// Under AddressSanitizer: bytes that nothing may touch; otherwise nothing.
void forbid(const void *begin, size_t bytes);
void allow(const void *begin, size_t bytes);

} // namespace ist::emulation
