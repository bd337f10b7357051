// checker.h - what the engine tells the checker (checker.cpp) in checked mode; in plain mode nothing.
//
// Checked mode: the library is built with IST_EMULATION_CHECKED, the kernels with -fsanitize=thread, whose hooks the
// checker defines: it sees every access to memory.
#pragma once

#include "engine.h"

namespace ist::emulation::checker {

#if defined(IST_EMULATION_CHECKED)

void begin_launch(const Launch &launch, const std::vector<Thread> &threads);
// Of the blocks of a launch those that are to run (set_sampling in counters.h), one window after another.
void choose_blocks(const Launch &launch, std::vector<unsigned> &blocks);
bool sampling();
void begin_block();
void end_block();
void end_launch();
// Lanes of a warp meet; where they `order` their accesses, as __syncwarp does, what each did before precedes what any
// does after.
void met(Warp &warp, unsigned mask, bool orders);
// Warps meet at a barrier; `all` of the block, or those with lanes in waiting.
void met(const uint32_t (&waiting)[32], bool all);
// Only accesses of kernels are looked at, not those of the engine and the twins, which may share inlined functions with
// code that has hooks.
void watch(bool on);
struct Unwatched {
    Unwatched() { watch(false); }
    ~Unwatched() { watch(true); }
};
void copy_issued(const AsyncCopy &copy);
void copy_done(const AsyncCopy &copy);
void matrix_row_read(unsigned lane, const char *row, Site site);
void multiplied(int depth);
void fence();
void atomic(const void *address);
// Device memory that the host, or a copy, has given a value, or that has none (any more).
void written(const void *begin, size_t bytes);
void forgotten(const void *begin, size_t bytes);

#else

inline void begin_launch(const Launch &, const std::vector<Thread> &) {}
inline void choose_blocks(const Launch &, std::vector<unsigned> &) {}
inline bool sampling() { return false; }
inline void begin_block() {}
inline void end_block() {}
inline void end_launch() {}
inline void met(Warp &, unsigned, bool) {}
inline void met(const uint32_t (&)[32], bool) {}
inline void watch(bool) {}
struct Unwatched {
    Unwatched() {}
};
inline void copy_issued(const AsyncCopy &) {}
inline void copy_done(const AsyncCopy &) {}
inline void matrix_row_read(unsigned, const char *, Site) {}
inline void multiplied(int) {}
inline void fence() {}
inline void atomic(const void *) {}
inline void written(const void *, size_t) {}
inline void forgotten(const void *, size_t) {}

#endif

} // namespace ist::emulation::checker
