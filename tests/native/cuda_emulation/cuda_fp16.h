// cuda_fp16.h - CUDA's header of this name, as far as it is used, for the emulation.
#pragma once

#include "cuda_runtime.h"

namespace ist::emulation {
// Round to nearest even; too large becomes infinite, a NaN the canonical 0x7fff, as cvt.rn.f16.f32 makes them.
inline uint16_t to_fp16(float value) {
    const uint32_t bits = __float_as_uint(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return 0x7fff;
    if (magnitude >= 0x477ff000) return uint16_t(sign | 0x7c00); // from halfway beyond the largest, 65504
    if (magnitude < 0x38800000) {                                // below the least normal one: count units of 2^-24
        return uint16_t(sign | uint32_t(std::nearbyint(std::ldexp(__uint_as_float(magnitude), 24))));
    }
    return uint16_t(sign | (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
}
inline float from_fp16(uint16_t bits) {
    const uint32_t sign = uint32_t(bits & 0x8000) << 16, magnitude = uint32_t(bits & 0x7fff) << 13;
    if (magnitude >= 0x7c00u << 13) return __uint_as_float(sign | magnitude | 0x7f800000);
    return __uint_as_float(sign | __float_as_uint(__uint_as_float(magnitude) * 0x1p112f));
}
} // namespace ist::emulation

struct __half_raw {
    unsigned short x;
};
struct __half {
    uint16_t bits;
    __half() = default;
    __half(__half_raw raw) : bits(raw.x) {}
    __half(float value) : bits(ist::emulation::to_fp16(value)) {}
    operator float() const { return ist::emulation::from_fp16(bits); }
};

inline __half __float2half_rn(float v) { return __half(v); }
inline float __half2float(__half v) { return v; }
