// gradient.cuh - gradients for a thread that keeps a run of channels (channels.cuh).
#pragma once

#include "channels.cuh"
#include "gradient.h"

namespace ist::cuda {

template <int W> struct RunCorrection {
    float slope[W], offset[W];
};

// For all threads of a block.
template <int W>
__device__ __forceinline__ RunCorrection<W> run_correction(const Gradient &gradient, int point, const Runs &runs) {
    RunCorrection<W> run{};
    if (!gradient.corrected) return run;
    const float *slope = gradient.slope.data + point * gradient.slope.stride;
    const float *offset = gradient.offset.data + point * gradient.offset.stride;
    run_constants<W>(
        runs, [&](int channel) { return make_float2(slope[channel], offset[channel]); }, run.slope, run.offset);
    return run;
}

template <class T, int W> struct RawGradient {
    RawRun<T, W> g, value;
};

template <class T, int W>
__device__ __forceinline__ RawGradient<T, W> load_gradient(const Gradient &gradient, int point, int64_t row,
                                                           int channel) {
    RawGradient<T, W> raw{};
    raw.g = load_raw<T, W>(at<const T>(gradient.g, point, row, channel));
    if (gradient.corrected) raw.value = load_raw<T, W>(at<const T>(gradient.value, point, row, channel));
    return raw;
}

template <class T, int W>
__device__ __forceinline__ void gradient_run(const Gradient &gradient, const RunCorrection<W> &correction,
                                             const RawGradient<T, W> &raw, float (&values)[W]) {
    unpack_run<T, W>(raw.g, values);
    if (!gradient.corrected) return;
    float x[W];
    unpack_run<T, W>(raw.value, x);
#pragma unroll
    for (int i = 0; i < W; ++i) values[i] += fmaf(correction.slope[i], x[i], correction.offset[i]);
}

template <class T, int W>
__device__ __forceinline__ void gradient_run(const Gradient &gradient, const RunCorrection<W> &correction, int point,
                                             int64_t row, int channel, float (&values)[W]) {
    gradient_run<T, W>(gradient, correction, load_gradient<T, W>(gradient, point, row, channel), values);
}

inline void fit_gradient(RunWidth &runs, const Gradient &gradient) {
    runs.fit(gradient.g);
    if (!gradient.corrected) return;
    expect(gradient.value.element == gradient.g.element, "A corrected gradient must have its value's element type.");
    runs.fit(gradient.value);
}

} // namespace ist::cuda
