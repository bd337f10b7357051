// ptx.cuh - the PTX instructions that CUDA C++ has no name for: one function each, with a plain C++ twin from the
// tables of the PTX manual ("PTX ISA", chapters on mma, ldmatrix and cp.async) that runs in the tests' emulation.
//
// A lane of a warp is l = 4 g + t: g in 0..7, t in 0..3. Accumulators of a 16 x 8 tile d, for all mma here:
// d[0], d[1] are row g, columns 2 t, 2 t + 1; d[2], d[3] the same of row g + 8.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

// Where a meeting point of the emulation is called from.
#if defined(IST_EMULATION)
#define IST_FROM , IST_SITE
#else
#define IST_FROM
#endif

namespace ist::cuda {

// An address in shared memory, for the instructions that take no pointer.
#if defined(IST_EMULATION)
using SharedAddress = uintptr_t;
inline SharedAddress shared_address(const void *pointer) { return reinterpret_cast<uintptr_t>(pointer); }
#else
using SharedAddress = uint32_t;
__device__ __forceinline__ SharedAddress shared_address(const void *pointer) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}
#endif

#if defined(IST_EMULATION)
namespace twin {

struct MmaLane {
    float *d;
    const uint32_t *a;
    uint32_t b[2];
};

inline void load_tile(float (&d)[16][8], void *const *lanes) {
    for (int l = 0; l < 32; l++) {
        for (int i = 0; i < 4; i++)
            d[l / 4 + 8 * (i / 2)][2 * (l % 4) + i % 2] = static_cast<MmaLane *>(lanes[l])->d[i];
    }
}

inline void store_tile(const float (&d)[16][8], void *const *lanes) {
    for (int l = 0; l < 32; l++) {
        for (int i = 0; i < 4; i++)
            static_cast<MmaLane *>(lanes[l])->d[i] = d[l / 4 + 8 * (i / 2)][2 * (l % 4) + i % 2];
    }
}

// m16n8k16 of 16-bit types: a[i] holds row g + 8 (i % 2), columns 2 t + 8 (i / 2) and the next;
// b[i] rows 2 t + 8 i and the next of column g. The lower half of a register comes first.
template <float (*Decode)(uint16_t)> void mma_16_bit(void *const *lanes, unsigned) {
    float d[16][8], a[16][16], b[16][8];
    for (int l = 0; l < 32; l++) {
        const MmaLane &lane = *static_cast<const MmaLane *>(lanes[l]);
        const int g = l / 4, t = l % 4;
        for (int i = 0; i < 4; i++) {
            float *row = a[g + 8 * (i % 2)] + 2 * t + 8 * (i / 2);
            row[0] = Decode(uint16_t(lane.a[i]));
            row[1] = Decode(uint16_t(lane.a[i] >> 16));
        }
        for (int i = 0; i < 2; i++) {
            b[2 * t + 8 * i][g] = Decode(uint16_t(lane.b[i]));
            b[2 * t + 8 * i + 1][g] = Decode(uint16_t(lane.b[i] >> 16));
        }
    }
    load_tile(d, lanes);
    emulation::multiply_add(d, a, b, 16);
    store_tile(d, lanes);
}

// m16n8k8 of tf32: a[i] holds row g + 8 (i % 2), column t + 4 (i / 2); b[i] row t + 4 i of column g. The unit does not
// look at the low 13 bits of an operand.
inline void mma_32_bit(void *const *lanes, unsigned) {
    float d[16][8], a[16][16], b[16][8];
    for (int l = 0; l < 32; l++) {
        const MmaLane &lane = *static_cast<const MmaLane *>(lanes[l]);
        const int g = l / 4, t = l % 4;
        for (int i = 0; i < 4; i++) a[g + 8 * (i % 2)][t + 4 * (i / 2)] = __uint_as_float(lane.a[i] & ~0x1fffu);
        for (int i = 0; i < 2; i++) b[t + 4 * i][g] = __uint_as_float(lane.b[i] & ~0x1fffu);
    }
    load_tile(d, lanes);
    emulation::multiply_add(d, a, b, 8);
    store_tile(d, lanes);
}

// ldmatrix: lane 8 i + j gives the address of row j of the i-th 8 x 8 matrix of 16-bit elements. Of each matrix a lane
// receives elements 2 t, 2 t + 1 of row g; transposed, element g of rows 2 t and 2 t + 1.
struct MatrixLane {
    uint32_t *r;
    SharedAddress row;
    emulation::Site site;
};
template <bool Transposed> void load_matrices(void *const *lanes, unsigned) {
    for (unsigned l = 0; l < 32; l++) {
        const MatrixLane &lane = *static_cast<const MatrixLane *>(lanes[l]);
        emulation::read_matrix_row(l, lane.row, lane.site);
    }
    for (int l = 0; l < 32; l++) {
        for (int i = 0; i < 4; i++) {
            const auto row = [&](int j) {
                return reinterpret_cast<const char *>(static_cast<const MatrixLane *>(lanes[8 * i + j])->row);
            };
            const int g = l / 4, t = l % 4;
            char *to = reinterpret_cast<char *>(&static_cast<MatrixLane *>(lanes[l])->r[i]);
            if (Transposed) {
                std::memcpy(to, row(2 * t) + 2 * g, 2);
                std::memcpy(to + 2, row(2 * t + 1) + 2 * g, 2);
            } else {
                std::memcpy(to, row(g) + 4 * t, 4);
            }
        }
    }
}

} // namespace twin
#endif

// d += a b on the tensor cores, 16 x 8 += 16 x 16 times 16 x 8, of bf16. Registers as in twin::mma_16_bit.
__device__ __forceinline__ void mma_bf16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1 IST_FROM) {
#if defined(IST_EMULATION)
    twin::MmaLane mine{d, a, {b0, b1}};
    emulation::meet("mma_bf16", site, ~0u, &mine, &twin::mma_16_bit<emulation::from_bf16>);
#else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                 "{%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

// The same of fp16.
__device__ __forceinline__ void mma_fp16(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1 IST_FROM) {
#if defined(IST_EMULATION)
    twin::MmaLane mine{d, a, {b0, b1}};
    emulation::meet("mma_fp16", site, ~0u, &mine, &twin::mma_16_bit<emulation::from_fp16>);
#else
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                 "{%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

// d += a b, 16 x 8 += 16 x 8 times 8 x 8, of the bits of floats rounded to tf32. Registers as in twin::mma_32_bit.
__device__ __forceinline__ void mma_tf32(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1 IST_FROM) {
#if defined(IST_EMULATION)
    twin::MmaLane mine{d, a, {b0, b1}};
    emulation::meet("mma_tf32", site, ~0u, &mine, &twin::mma_32_bit);
#else
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                 "{%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#endif
}

// To the nearest tf32 (10 bits of mantissa), ties away from zero; a NaN becomes the canonical one.
__device__ __forceinline__ float round_tf32(float value) {
#if defined(IST_EMULATION)
    if (value != value) return __uint_as_float(0x7fffffff);
    return __uint_as_float((__float_as_uint(value) + 0x1000) & ~0x1fffu);
#else
    uint32_t bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
    return __uint_as_float(bits);
#endif
}

// Four 8 x 8 matrices of 16-bit elements from shared memory, as mma takes them, or each transposed; lane l gives the
// address of row l % 8 of matrix l / 8, a multiple of 16. Writers and readers are ordered by barriers, as for any
// shared memory.
template <bool Transposed = false>
__device__ __forceinline__ void ldmatrix(uint32_t (&r)[4], SharedAddress row IST_FROM) {
#if defined(IST_EMULATION)
    twin::MatrixLane mine{r, row, site};
    emulation::meet("ldmatrix", site, ~0u, &mine, &twin::load_matrices<Transposed>);
#else
    if constexpr (Transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(row));
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                     : "r"(row));
#endif
}

// Sixteen bytes on their way from global to shared memory, past L1, both addresses multiples of 16; zeros where not
// valid (then nothing is read). They are there for this thread after the copy_async_wait that covers the group they
// were committed in, and for others after a barrier that follows.
__device__ __forceinline__ void copy_async_16(void *shared, const void *global, bool valid IST_FROM) {
#if defined(IST_EMULATION)
    emulation::copy_async(static_cast<char *>(shared), global, valid, site);
#else
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
                 "r"(valid ? 16 : 0)
                 : "memory");
#endif
}

// Ends a group of asynchronous copies of this thread.
__device__ __forceinline__ void copy_async_commit() {
#if defined(IST_EMULATION)
    emulation::copy_async_commit();
#else
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits for all of this thread's groups but the N latest.
template <int N> __device__ __forceinline__ void copy_async_wait() {
#if defined(IST_EMULATION)
    emulation::copy_async_wait(N);
#else
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
#endif
}

// Two floats to the nearest bf16, ties to even, in one register; a NaN becomes 0x7fff.
__device__ __forceinline__ uint32_t pack_bf16(float lo, float hi) {
#if defined(IST_EMULATION)
    return emulation::to_bf16(lo) | uint32_t(emulation::to_bf16(hi)) << 16;
#else
    uint32_t r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
#endif
}

// The same to fp16; what is too large becomes infinite.
__device__ __forceinline__ uint32_t pack_fp16(float lo, float hi) {
#if defined(IST_EMULATION)
    return emulation::to_fp16(lo) | uint32_t(emulation::to_fp16(hi)) << 16;
#else
    uint32_t r;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));
    return r;
#endif
}

// The larger of the value and +0; a NaN stays one (the canonical one).
__device__ __forceinline__ float relu(float value) {
#if defined(IST_EMULATION)
    if (value != value) return __uint_as_float(0x7fffffff);
    return value > 0.0f ? value : 0.0f;
#else
    float r;
    asm("max.NaN.f32 %0, %1, 0f00000000;" : "=f"(r) : "f"(value));
    return r;
#endif
}

// A barrier of n_threads threads, whole warps; id in 1..15 (0 is __syncthreads).
__device__ __forceinline__ void barrier(int id, int n_threads IST_FROM) {
#if defined(IST_EMULATION)
    emulation::barrier("barrier", site, id, n_threads);
#else
    asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(n_threads) : "memory");
#endif
}

// One 32-bit word of shared memory.
__device__ __forceinline__ uint32_t load_shared_word(SharedAddress address) {
    uint32_t word;
#if defined(IST_EMULATION)
    word = *reinterpret_cast<const uint32_t *>(address);
#else
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(word) : "r"(address) : "memory");
#endif
    return word;
}

// threadIdx.x, read again: what is computed from it need not stay in registers in between.
__device__ __forceinline__ int thread_again() {
#if defined(IST_EMULATION)
    return int(threadIdx.x);
#else
    int index;
    asm volatile("mov.u32 %0, %%tid.x;" : "=r"(index));
    return index;
#endif
}

} // namespace ist::cuda
