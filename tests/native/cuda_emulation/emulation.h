// emulation.h - CUDA's execution model on the CPU: what the emulation's CUDA headers, the twins in kernels/ptx.cuh and
// the tests use of it. engine.cpp runs the kernels, device_memory.cpp holds the memory, runtime.cpp is the runtime API.
//
// A block's threads are fibers of one operating-system thread. They run one at a time, from meeting point to meeting
// point (barriers, warp collectives), in an order drawn from a seed, as do the blocks of a grid. A correct kernel
// gives the same bits for every seed. What is certainly wrong stops the launch with a Finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#define IST_EMULATION 1

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
    constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
    constexpr operator uint3() const { return uint3{x, y, z}; }
};
typedef struct CUstream_st *cudaStream_t;

namespace ist::emulation {

// Checked mode sees every access of a kernel (checker.h); plain mode is fast.
#if defined(IST_EMULATION_CHECKED)
constexpr bool kChecked = true;
#else
constexpr bool kChecked = false;
#endif

// Uninitialised memory, shared and global: a NaN as float, double, bf16 and fp16, a large number as an integer.
constexpr uint32_t kPoison = 0x7ff77ff7;

enum class Kind {
    kBarrier,       // threads wait at a barrier that others do not reach, or at different ones
    kWarp,          // lanes wait at a warp collective that others do not reach, or at different ones
    kPendingCopy,   // an asynchronous copy that no wait covers: the thread left, or its bytes were read
    kGuard,         // something was written beside shared memory or a device allocation
    kRace,          // two threads touched the same byte, one wrote, nothing orders them
    kBounds,        // an access outside shared memory or any device allocation
    kAlignment,     // an address that is not a multiple of the access's width
    kUninitialized, // a read of memory nothing has been written to
    kHostMemory,    // a kernel touched host memory, or a copy was told the wrong direction
    kException,     // a kernel threw
};
const char *name(Kind kind);

// What stopped a launch. `text` is one sentence: what, which threads, where.
struct Finding {
    Kind kind;
    std::string kernel;
    std::string text;
};
// The last finding since the last call, or none. The runtime API reports it as cudaErrorLaunchFailure, and
// cudaGetErrorString of that error gives its text.
bool take_finding(Finding *finding);

// Seed of all orders; initially that of ISTHMUS_EMULATION_SEED, or 1.
void set_seed(uint64_t seed);
// Bytes of device memory; initially ISTHMUS_EMULATED_MEMORY in MiB, or 4 GiB.
void set_capacity(size_t bytes);
// Checked mode: whether reading what nothing has been written to is a finding (initially yes). A vector of which any
// byte has been written may be read whole.
void set_uninitialized_check(bool on);
// Whether streams run what they are given as late as they may (initially where ISTHMUS_EMULATED_DEFERRED is set,
// otherwise at once): a missing wait, of the host or of another stream, then shows in the results. Findings come with
// the wait that runs the launch.
void set_deferred(bool on);
// While on (initially where ISTHMUS_EMULATED_HOST_GUARD is set), the host cannot touch device memory: a dereferenced
// device pointer crashes. Two mprotect calls a launch.
void set_host_guard(bool on);
// The device fails at the launch after so many (initially ISTHMUS_EMULATED_FAIL_AFTER, otherwise never: -1): that
// launch does nothing and every later call of the runtime API says cudaErrorIllegalAddress. Set anew, the device is
// whole.
void set_fail_after(int64_t launches);

// ---- For the headers that kernels include

struct Site {
    const char *file;
    int line;
};
// Last parameter of a function that is a meeting point: where it is called.
#define IST_SITE ::ist::emulation::Site site = {__builtin_FILE(), __builtin_LINE()}

struct Warp;
struct AsyncCopy {
    char *shared;
    const char *global; // null: zeros
    unsigned group;
    Site site;
};
enum class State : uint8_t { kReady, kAtMeeting, kAtBarrier, kLeft };

struct Thread {
    uint3 index; // threadIdx
    unsigned number, lane;
    Warp *warp;
    void *stack_pointer;
    char *stack; // lowest address
    State state;
    const char *what; // where it waits: name of the instruction, place in the source, and the lanes it meets there
    Site site;
    unsigned mask;
    std::vector<AsyncCopy> copies; // issued, not yet in effect
    unsigned group;                // of the next asynchronous copy
};

struct Warp {
    unsigned lanes;   // that exist
    unsigned ready;   // could run
    unsigned arrived; // wait at a collective
    unsigned number;
    Thread *threads;
    void *offers[32];
};

extern Thread *current; // the running thread; null outside kernels
extern uint3 block_index;
extern dim3 block_dimensions, grid_dimensions;
extern char *shared_begin;

// The lanes of the mask meet. The last to arrive runs combine(offers, mask) for all; offers[l] is what lane l gave.
// Without an offer they only wait for each other, which orders their accesses to memory.
using Combine = void (*)(void *const *offers, unsigned mask);
void meet(const char *what, Site site, unsigned mask, void *offer, Combine combine);
// As many threads meet; __syncthreads is barrier 0 of all threads.
void barrier(const char *what, Site site, int number, int threads);
void synchronize_threads(Site site);

void fence(); // __threadfence
void copy_async(char *shared, const void *global, bool valid, Site site);
void copy_async_commit();
void copy_async_wait(unsigned groups_left);

// d[16][8] += a[16][depth] b[depth][8] in float: products rounded to float (exact for bf16, fp16 and tf32 operands),
// added to d one after another in the order of the depth.
void multiply_add(float (&d)[16][8], const float (&a)[16][16], const float (&b)[16][8], int depth);

// A launch: `call` calls the kernel with its arguments, once per thread. Returns a cudaError_t.
struct Launch {
    const void *kernel;
    dim3 grid, block;
    size_t shared_bytes;
    std::shared_ptr<const void> arguments;
    size_t argument_bytes;
    void (*call)(const void *kernel, const void *arguments);
};
int submit_launch(cudaStream_t stream, Launch launch);
// Work of the host in order on a stream, with device memory open to it; of a library (cudnn.cpp). A cudaError_t.
int enqueue(cudaStream_t stream, std::function<void()> work);
std::string kernel_name(const void *kernel);

// A lane of the running warp reads 16 bytes of shared memory (ldmatrix).
void read_matrix_row(unsigned lane, uintptr_t address, Site site);

} // namespace ist::emulation
