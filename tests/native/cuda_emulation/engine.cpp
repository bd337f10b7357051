// engine.cpp - runs grids: blocks one after another, a block's threads as fibers that switch among themselves.
#include "checker.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <stdexcept>

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

// Saves the callee-saved registers on this stack and its pointer in *save, and goes on where `to` was saved.
extern "C" void ist_emulation_switch(void **save, void *to);
asm(R"(
.text
.p2align 4
.hidden ist_emulation_switch
.globl ist_emulation_switch
.type ist_emulation_switch, @function
ist_emulation_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size ist_emulation_switch, .-ist_emulation_switch
)");

namespace ist::emulation {

Thread *current = nullptr;
uint3 block_index;
dim3 block_dimensions, grid_dimensions;
char *shared_begin = nullptr;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kStackBytes = 256 << 10;
#else
constexpr size_t kStackBytes = 64 << 10;
#endif
constexpr size_t kPage = 4096;
constexpr size_t kGuardBytes = 4096; // on both sides of shared memory
constexpr int kBarriers = 16;

uint64_t initial_seed() {
    const char *text = std::getenv("ISTHMUS_EMULATION_SEED");
    return text ? std::strtoull(text, nullptr, 10) : 1;
}

struct Barrier {
    int arrived = 0;
    int expected = 0;
    uint32_t waiting[32] = {}; // lanes of each warp
};

struct Engine {
    uint64_t seed = initial_seed();
    uint64_t random = 1;
    const Launch *launch = nullptr;
    std::vector<Thread> threads;
    Warp warps[32];
    unsigned n_threads = 0, n_warps = 0, n_left = 0;
    uint32_t ready_warps = 0;
    Barrier barriers[kBarriers];
    void *scheduler = nullptr;
    char *stacks = nullptr;
    size_t n_stacks = 0;
    char *shared = nullptr; // kGuardBytes, kMaxShared, kGuardBytes
    bool stopped = false;
    bool has_finding = false;
    Finding finding;
#if defined(__SANITIZE_ADDRESS__)
    const void *host_stack = nullptr;
    size_t host_stack_bytes = 0;
#endif
};
Engine engine;

// xorshift64*: the order must be repeatable and cheap, no more.
inline uint32_t draw() {
    engine.random ^= engine.random >> 12;
    engine.random ^= engine.random << 25;
    engine.random ^= engine.random >> 27;
    return uint32_t((engine.random * 0x2545f4914f6cdd1dull) >> 32);
}

// One of the set bits.
inline unsigned draw_bit(uint32_t bits) {
    const unsigned start = draw() & 31;
    const uint32_t turned = bits >> start | bits << (-start & 31);
    return (unsigned(__builtin_ctz(turned)) + start) & 31;
}

// The thread to run next, no longer among the ready; null if none is.
inline Thread *choose(Warp *warp) {
    if (!warp->ready || (draw() & 31) == 0) {
        if (!engine.ready_warps) return nullptr;
        warp = &engine.warps[draw_bit(engine.ready_warps)];
    }
    const unsigned lane = draw_bit(warp->ready);
    warp->ready &= ~(1u << lane);
    if (!warp->ready) engine.ready_warps &= ~(1u << warp->number);
    return &warp->threads[lane];
}

inline void make_ready(Warp *warp, uint32_t lanes) {
    warp->ready |= lanes;
    engine.ready_warps |= 1u << warp->number;
}

// Goes to another thread, or to the scheduler (null). The stack left is saved in *save.
inline void switch_to(Thread *thread, void **save, bool for_ever = false) {
    current = thread;
#if defined(__SANITIZE_ADDRESS__)
    void *fake = nullptr;
    const void *stack = thread ? thread->stack : engine.host_stack;
    const size_t bytes = thread ? kStackBytes : engine.host_stack_bytes;
    __sanitizer_start_switch_fiber(for_ever ? nullptr : &fake, stack, bytes);
    ist_emulation_switch(save, thread ? thread->stack_pointer : engine.scheduler);
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
    (void)for_ever;
    ist_emulation_switch(save, thread ? thread->stack_pointer : engine.scheduler);
#endif
}

// The running thread lets others run until it is made ready.
inline void wait() {
    Thread *self = current;
    Thread *next = choose(self->warp);
    if (next != self) switch_to(next, &self->stack_pointer);
}

// Unwinds the stack of a thread that stop() was called in.
struct Stopped {};

void record(Kind kind, const std::string &text);

void record_of_thread(Kind kind, const std::string &text) {
    record(kind, "thread " + std::to_string(current->number) + " " + text);
    engine.stopped = true;
}

[[noreturn]] void leave() {
    Thread *self = current;
    self->state = State::kLeft;
    engine.n_left++;
    switch_to(engine.stopped ? nullptr : choose(self->warp), &self->stack_pointer, true);
    std::abort();
}

[[noreturn]] void enter() {
#if defined(__SANITIZE_ADDRESS__)
    const void *stack;
    size_t bytes;
    __sanitizer_finish_switch_fiber(nullptr, &stack, &bytes);
    if (!engine.host_stack) engine.host_stack = stack, engine.host_stack_bytes = bytes;
#endif
    try {
        checker::watch(true);
        engine.launch->call(engine.launch->kernel, engine.launch->arguments.get());
        checker::watch(false);
        if (!current->copies.empty()) {
            record_of_thread(Kind::kPendingCopy, "leaves with an asynchronous copy of " +
                                                     place(current->copies[0].site) + " that no wait covers");
        }
    } catch (const Stopped &) {
    } catch (const std::exception &error) {
        checker::watch(false);
        record_of_thread(Kind::kException, std::string("threw: ") + error.what());
    }
    leave();
}

void prepare_stacks(size_t n) {
    if (n <= engine.n_stacks) return;
    if (engine.stacks) munmap(engine.stacks, engine.n_stacks * kStackBytes);
    n = (n + 255) / 256 * 256;
    void *memory =
        mmap(nullptr, n * kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory for the stacks of emulated threads");
    engine.stacks = static_cast<char *>(memory);
    engine.n_stacks = n;
    for (size_t i = 0; i < n; i++) mprotect(engine.stacks + i * kStackBytes, kPage, PROT_NONE);
}

void prepare_block(const Launch &launch) {
    engine.n_left = 0;
    engine.ready_warps = 0;
    for (Barrier &barrier : engine.barriers) barrier = Barrier();
    for (unsigned w = 0; w < engine.n_warps; w++) {
        Warp &warp = engine.warps[w];
        const unsigned n = std::min(32u, engine.n_threads - 32 * w);
        warp.lanes = n == 32 ? ~0u : (1u << n) - 1;
        warp.arrived = warp.ready = 0;
        warp.number = w;
        warp.threads = &engine.threads[32 * w];
        make_ready(&warp, warp.lanes);
    }
    for (unsigned i = 0; i < engine.n_threads; i++) {
        Thread &thread = engine.threads[i];
        thread.index = {i % launch.block.x, i / launch.block.x % launch.block.y, i / (launch.block.x * launch.block.y)};
        thread.number = i;
        thread.lane = i % 32;
        thread.warp = &engine.warps[i / 32];
        thread.stack = engine.stacks + i * kStackBytes;
        thread.state = State::kReady;
        thread.copies.clear();
        thread.group = 0;
        allow(thread.stack + kPage, kStackBytes - kPage);
        // Tops at different distances from the page, or all threads would share the same few sets of the cache.
        char *top = thread.stack + kStackBytes - 64 - i % 16 * 448;
        void **frame =
            reinterpret_cast<void **>(top) - 8; // six registers, the return address, and where enter "was called"
        std::memset(frame, 0, 64);
        frame[6] = reinterpret_cast<void *>(&enter);
        thread.stack_pointer = frame;
    }
    char *end = shared_begin + launch.shared_bytes;
    allow(shared_begin - kGuardBytes, kMaxShared + 2 * kGuardBytes);
    poison(shared_begin, (launch.shared_bytes + 3) / 4 * 4);
    poison(end, kGuardBytes);
    forbid(shared_begin - kGuardBytes, kGuardBytes);
    forbid(end, kGuardBytes);
}

std::string describe(const std::vector<const Thread *> &threads) {
    std::string text = threads.size() == 1 ? "thread " : "threads ";
    for (size_t i = 0, runs = 0; i < threads.size(); runs++) {
        size_t j = i;
        while (j + 1 < threads.size() && threads[j + 1]->number == threads[j]->number + 1) j++;
        if (runs == 4) return text + " and " + std::to_string(threads.size() - i) + " more";
        text += (runs ? ", " : "") + std::to_string(threads[i]->number);
        if (j > i) text += "-" + std::to_string(threads[j]->number);
        i = j + 1;
    }
    return text;
}

// Who waits where, and who has left.
std::string who_waits() {
    std::string text;
    std::vector<bool> told(engine.n_threads);
    for (unsigned i = 0; i < engine.n_threads; i++) {
        if (told[i]) continue;
        const Thread &first = engine.threads[i];
        std::vector<const Thread *> same;
        for (unsigned j = i; j < engine.n_threads; j++) {
            const Thread &other = engine.threads[j];
            const bool waits = first.state == State::kAtMeeting || first.state == State::kAtBarrier;
            if (told[j] || other.state != first.state) continue;
            if (waits && (other.what != first.what || place(other.site) != place(first.site))) continue;
            told[j] = true;
            same.push_back(&other);
        }
        text += (text.empty() ? "" : "; ") + describe(same);
        if (first.state == State::kLeft) {
            text += same.size() == 1 ? " has left" : " have left";
        } else if (first.state == State::kReady) {
            text += same.size() == 1 ? " has not met them yet" : " have not met them yet";
        } else {
            text +=
                std::string(same.size() == 1 ? " waits at " : " wait at ") + first.what + " of " + place(first.site);
        }
    }
    return text;
}

std::string block_text() {
    return "block (" + std::to_string(block_index.x) + ", " + std::to_string(block_index.y) + ", " +
           std::to_string(block_index.z) + ")";
}

void record(Kind kind, const std::string &text) {
    const std::string kernel = kernel_name(engine.launch->kernel);
    set_finding(
        Finding{kind, kernel, "kernel " + kernel + ", " + block_text() + ": " + text + " (" + name(kind) + ")"});
}

void check_guards() {
    const char *before = shared_begin - kGuardBytes, *after = shared_begin + engine.launch->shared_bytes;
    allow(before, kGuardBytes);
    allow(after, kGuardBytes);
    for (const char *guard : {before, after}) {
        if (is_poison(guard, kGuardBytes)) continue;
        size_t i = 0;
        while (is_poison(guard + i / 4 * 4, 4)) i += 4;
        record(Kind::kGuard, "wrote beside its shared memory, at byte " + std::to_string(guard + i - shared_begin) +
                                 " of " + std::to_string(engine.launch->shared_bytes));
        poison(const_cast<char *>(guard), kGuardBytes);
        return;
    }
}

// False if a finding stopped it.
bool run_block(const Launch &launch) {
    prepare_block(launch);
    checker::begin_block();
    engine.stopped = false;
    const bool had = engine.has_finding;
    engine.has_finding = false;
    switch_to(choose(&engine.warps[0]), &engine.scheduler);
    current = nullptr;
    if (!engine.has_finding && engine.n_left < engine.n_threads) {
        const bool collective = std::any_of(engine.threads.begin(), engine.threads.begin() + engine.n_threads,
                                            [](const Thread &t) { return t.state == State::kAtMeeting; });
        record(collective ? Kind::kWarp : Kind::kBarrier, who_waits());
    }
    if (!engine.has_finding) check_guards();
    if (!engine.has_finding) checker::end_block();
    const bool good = !engine.has_finding;
    engine.has_finding |= had;
    return good;
}

} // namespace

std::recursive_mutex &device_mutex() {
    static std::recursive_mutex mutex;
    return mutex;
}

const char *name(Kind kind) {
    switch (kind) {
    case Kind::kBarrier: return "barrier not reached by all";
    case Kind::kWarp: return "warp collective not reached by all";
    case Kind::kPendingCopy: return "asynchronous copy without a wait";
    case Kind::kGuard: return "write outside";
    case Kind::kRace: return "race";
    case Kind::kBounds: return "access outside";
    case Kind::kAlignment: return "misaligned access";
    case Kind::kUninitialized: return "read of uninitialised memory";
    case Kind::kHostMemory: return "host memory in a kernel";
    case Kind::kException: return "exception";
    }
    return "unknown";
}

std::string place(Site site) {
    const char *slash = std::strrchr(site.file, '/');
    return std::string(slash ? slash + 1 : site.file) + ":" + std::to_string(site.line);
}

size_t stack_bytes() { return kStackBytes; }

void set_finding(Finding finding) {
    engine.has_finding = true;
    engine.finding = std::move(finding);
}

std::string last_finding() { return engine.finding.text; }

bool take_finding(Finding *finding) {
    std::lock_guard<std::recursive_mutex> lock(device_mutex());
    const bool has = engine.has_finding;
    if (has && finding) *finding = engine.finding;
    engine.has_finding = false;
    return has;
}

void set_seed(uint64_t seed) {
    std::lock_guard<std::recursive_mutex> lock(device_mutex());
    engine.seed = seed;
}

void stop(Kind kind, const std::string &text) {
    record_of_thread(kind, text);
    if (kChecked) leave(); // the compiler takes its hooks for functions that do not throw
    throw Stopped();
}

void meet(const char *what, Site site, unsigned mask, void *offer, Combine combine) {
    const checker::Unwatched engine_at_work;
    Thread *self = current;
    Warp *warp = self->warp;
    const unsigned bit = 1u << self->lane;
    self->what = what;
    self->site = site;
    self->mask = mask;
    self->state = State::kAtMeeting;
    warp->offers[self->lane] = offer;
    warp->arrived |= bit;
    if (!(mask & bit)) stop(Kind::kWarp, std::string("is not in its own mask at ") + what + " of " + place(site));
    if (mask & ~warp->arrived) {
        wait();
        return;
    }
    for (unsigned left = mask; left; left &= left - 1) {
        Thread &other = warp->threads[__builtin_ctz(left)];
        if (other.mask != mask || other.what != what || other.site.line != site.line ||
            (other.site.file != site.file && std::strcmp(other.site.file, site.file))) {
            for (unsigned l = mask; l; l &= l - 1) warp->threads[__builtin_ctz(l)].state = State::kAtMeeting;
            record(Kind::kWarp, who_waits());
            engine.stopped = true;
            leave();
        }
        other.state = State::kReady;
    }
    checker::met(*warp, mask, !offer);
    if (offer) combine(warp->offers, mask);
    warp->arrived &= ~mask;
    make_ready(warp, mask);
    wait();
}

void barrier(const char *what, Site site, int number, int threads) {
    const checker::Unwatched engine_at_work;
    Thread *self = current;
    self->what = what;
    self->site = site;
    self->state = State::kAtBarrier;
    if (number < 0 || number >= kBarriers || threads <= 0 || threads > int(engine.n_warps * 32)) {
        stop(Kind::kBarrier, "names barrier " + std::to_string(number) + " of " + std::to_string(threads) +
                                 " threads at " + place(site) + ", which its block cannot have");
    }
    Barrier &barrier = engine.barriers[number];
    if (barrier.arrived == 0) barrier.expected = threads;
    barrier.arrived++;
    barrier.waiting[self->warp->number] |= 1u << self->lane;
    if (barrier.expected != threads) {
        record(Kind::kBarrier, who_waits());
        engine.stopped = true;
        leave();
    }
    if (barrier.arrived < barrier.expected) {
        wait();
        return;
    }
    // Whole warps arrive, each at one place; threads of __syncthreads, barrier 0, all at the same place.
    const Thread *reference = nullptr;
    for (unsigned w = 0; w < engine.n_warps; w++) {
        if (!barrier.waiting[w]) continue;
        Warp &warp = engine.warps[w];
        if (number != 0 || !reference) reference = &warp.threads[__builtin_ctz(barrier.waiting[w])];
        bool same = barrier.waiting[w] == warp.lanes;
        for (unsigned left = barrier.waiting[w]; left && same; left &= left - 1) {
            const Thread &thread = warp.threads[__builtin_ctz(left)];
            same = thread.site.line == reference->site.line &&
                   (thread.site.file == reference->site.file || !std::strcmp(thread.site.file, reference->site.file));
        }
        if (!same) {
            record(Kind::kBarrier, who_waits());
            engine.stopped = true;
            leave();
        }
    }
    for (unsigned w = 0; w < engine.n_warps; w++) {
        if (!barrier.waiting[w]) continue;
        for (unsigned left = barrier.waiting[w]; left; left &= left - 1) {
            engine.warps[w].threads[__builtin_ctz(left)].state = State::kReady;
        }
        make_ready(&engine.warps[w], barrier.waiting[w]);
    }
    checker::met(barrier.waiting, threads == int(engine.n_threads));
    barrier = Barrier();
    wait();
}

void synchronize_threads(Site site) { barrier("__syncthreads", site, 0, int(engine.n_threads)); }

void copy_async(char *shared, const void *global, bool valid, Site site) {
    const checker::Unwatched engine_at_work;
    Thread *self = current;
    if (reinterpret_cast<uintptr_t>(shared) % 16 || (valid && reinterpret_cast<uintptr_t>(global) % 16)) {
        stop(Kind::kAlignment,
             "copies 16 bytes asynchronously from or to an address that is no multiple of 16, at " + place(site));
    }
    if (shared < shared_begin || shared + 16 > shared_begin + engine.launch->shared_bytes) {
        stop(Kind::kBounds, "copies to byte " + std::to_string(shared - shared_begin) + " of its " +
                                std::to_string(engine.launch->shared_bytes) + " bytes of shared memory, at " +
                                place(site));
    }
    if (valid && !find_allocation(global, 16)) {
        stop(Kind::kBounds, "copies from outside every device allocation, at " + place(site));
    }
    poison(shared, 16);
    self->copies.push_back({shared, valid ? static_cast<const char *>(global) : nullptr, self->group, site});
    checker::copy_issued(self->copies.back());
}

void copy_async_commit() { current->group++; }

void copy_async_wait(unsigned groups_left) {
    const checker::Unwatched engine_at_work;
    Thread *self = current;
    size_t n = 0;
    while (n < self->copies.size() && self->copies[n].group + groups_left < self->group) {
        const AsyncCopy &copy = self->copies[n++];
        if (copy.global) {
            std::memcpy(copy.shared, copy.global, 16);
        } else {
            std::memset(copy.shared, 0, 16);
        }
        checker::copy_done(copy);
    }
    self->copies.erase(self->copies.begin(), self->copies.begin() + std::ptrdiff_t(n));
}

void read_matrix_row(unsigned lane, uintptr_t address, Site site) {
    const char *row = reinterpret_cast<const char *>(address);
    if (address % 16) {
        stop(Kind::kAlignment, "runs ldmatrix of " + place(site) + ", where lane " + std::to_string(lane) +
                                   " gives an address that is no multiple of 16");
    }
    if (row < shared_begin || row + 16 > shared_begin + engine.launch->shared_bytes) {
        stop(Kind::kBounds, "runs ldmatrix of " + place(site) + ", where lane " + std::to_string(lane) +
                                " reads byte " + std::to_string(row - shared_begin) + " of " +
                                std::to_string(engine.launch->shared_bytes) + " bytes of shared memory");
    }
    checker::matrix_row_read(lane, row, site);
}

void fence() {
    const checker::Unwatched engine_at_work;
    checker::fence();
}

bool run(const Launch &launch) {
    std::lock_guard<std::recursive_mutex> lock(device_mutex());
    OpenMemory open;
    engine.launch = &launch;
    engine.n_threads = launch.block.x * launch.block.y * launch.block.z;
    engine.n_warps = (engine.n_threads + 31) / 32;
    if (engine.threads.size() < engine.n_threads) engine.threads.resize(engine.n_threads);
    prepare_stacks(engine.n_threads);
    if (!engine.shared) {
        void *memory =
            mmap(nullptr, kMaxShared + 2 * kGuardBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::runtime_error("no memory for emulated shared memory");
        engine.shared = static_cast<char *>(memory);
        shared_begin = engine.shared + kGuardBytes;
        poison(engine.shared, kMaxShared + 2 * kGuardBytes);
    }
#if defined(__SANITIZE_ADDRESS__)
    engine.host_stack = nullptr;
#endif
    block_dimensions = launch.block;
    grid_dimensions = launch.grid;
    checker::begin_launch(launch, engine.threads);
    engine.random = engine.seed * 0x9e3779b97f4a7c15ull + 1;
    std::vector<unsigned> blocks(size_t(launch.grid.x) * launch.grid.y * launch.grid.z);
    std::iota(blocks.begin(), blocks.end(), 0u);
    for (size_t i = blocks.size(); i > 1; i--) std::swap(blocks[i - 1], blocks[draw() % i]);
    checker::choose_blocks(launch, blocks);
    for (unsigned b : blocks) {
        block_index = {b % launch.grid.x, b / launch.grid.x % launch.grid.y, b / (launch.grid.x * launch.grid.y)};
        if (!run_block(launch)) return false;
    }
    checker::end_launch();
    if (const Allocation *damaged = damaged_allocation()) {
        record(Kind::kGuard,
               "this launch wrote beside a device allocation of " + std::to_string(damaged->bytes) + " bytes");
        return false;
    }
    return true;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_UNDEFINED__)
#define IST_CLONES
#else
#define IST_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif

IST_CLONES void multiply_add(float (&d)[16][8], const float (&a)[16][16], const float (&b)[16][8], int depth) {
    checker::multiplied(depth);
    typedef float Row __attribute__((vector_size(32)));
    for (int i = 0; i < 16; i += 4) { // four rows at once hide the adders' latency
        Row sum[4], row;
        std::memcpy(sum, d[i], sizeof(sum));
        for (int k = 0; k < depth; k++) {
            std::memcpy(&row, b[k], sizeof(row));
            for (int r = 0; r < 4; r++) sum[r] += a[i + r][k] * row;
        }
        std::memcpy(d[i], sum, sizeof(sum));
    }
}

} // namespace ist::emulation
