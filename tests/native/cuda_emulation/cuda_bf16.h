// cuda_bf16.h - CUDA's header of this name, as far as it is used, for the emulation.
#pragma once

#include "cuda_runtime.h"

namespace ist::emulation {
// Round to nearest even; a NaN becomes the canonical 0x7fff, as cvt.rn.bf16.f32 makes it.
inline uint16_t to_bf16(float value) {
    const uint32_t bits = __float_as_uint(value);
    if (value != value) return 0x7fff;
    return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline float from_bf16(uint16_t bits) { return __uint_as_float(uint32_t(bits) << 16); }
} // namespace ist::emulation

struct __nv_bfloat16 {
    uint16_t bits;
    __nv_bfloat16() = default;
    __nv_bfloat16(float value) : bits(ist::emulation::to_bf16(value)) {}
    operator float() const { return ist::emulation::from_bf16(bits); }
};

inline __nv_bfloat16 __float2bfloat16_rn(float v) { return __nv_bfloat16(v); }
inline float __bfloat162float(__nv_bfloat16 v) { return v; }
