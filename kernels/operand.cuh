// operand.cuh - what an op reads, for a thread that keeps a run of channels (channels.cuh).
#pragma once

#include "channels.cuh"

namespace ist::cuda {

// scale * x + shift of a run.
template <int W> struct RunNorm {
    bool applied = false;
    float scale[W], shift[W];
};

// For all threads of a block. `first` is the tensor's channel of the norm's first; channels outside the norm's keep
// scale 0 and shift 0.
template <int W>
__device__ __forceinline__ RunNorm<W> run_norm(const Norm &norm, ConstRows params, int point, const Runs &runs,
                                               int first, int channels) {
    RunNorm<W> run{};
    run.applied = norm.applied;
    if (!norm.applied) return run;
    const float *row = params[point];
    const float *mean = norm.mean.data + point * norm.mean.stride;
    const float *invstd = norm.invstd.data + point * norm.invstd.stride;
    run_constants<W>(
        runs,
        [&](int channel) {
            const int c = channel - first;
            if (c < 0 || c >= channels) return make_float2(0.f, 0.f);
            const float scale = row[norm.gamma + c] * invstd[c];
            return make_float2(scale, row[norm.beta + c] - mean[c] * scale);
        },
        run.scale, run.shift);
    return run;
}

template <int W> __device__ __forceinline__ void apply(const RunNorm<W> &norm, float (&values)[W]) {
    if (!norm.applied) return;
#pragma unroll
    for (int i = 0; i < W; ++i) values[i] = fmaf(norm.scale[i], values[i], norm.shift[i]);
}

__device__ __forceinline__ float activate(float x, Activation activation) {
    switch (activation) {
    case Activation::kRelu: return relu(x);
    case Activation::kTanh: return tanhf(x);
    case Activation::kSigmoid: return 1.f / (1.f + expf(-x));
    default: return x;
    }
}

// dy times the derivative, which the output y tells.
__device__ __forceinline__ float activate_backward(float dy, float y, Activation activation) {
    switch (activation) {
    case Activation::kRelu: return y > 0.f ? dy : 0.f;
    case Activation::kTanh: return dy * (1.f - y * y);
    case Activation::kSigmoid: return dy * (y * (1.f - y));
    default: return dy;
    }
}

// The row of the residual behind row `row` of a height x width tensor.
__device__ __forceinline__ int64_t residual_row(const Tensor &residual, int step, int height, int width, int64_t row) {
    if (step == 1 && residual.height == height && residual.width == width) return row;
    const int line = int(row) / width, x = int(row) % width; // rows_of: below 2^31
    const int image = line / height, y = line % height;
    return (int64_t(image) * residual.height + y * step) * residual.width + x * step;
}

// Whether the residual has a run at `channel` of the operand.
__device__ __forceinline__ bool residual_in_run(const Operand &from, int channel) {
    const int c = channel - from.residual_first;
    return from.residual.data && c >= 0 && c < from.residual.channels;
}

// An operand's constants for a thread's run.
template <int W> struct RunOperand {
    RunNorm<W> norm, residual_norm;
};

// For all threads of a block.
template <int W>
__device__ __forceinline__ RunOperand<W> run_operand(const Operand &from, ConstRows params, int point,
                                                     const Runs &runs) {
    RunOperand<W> run;
    run.norm = run_norm<W>(from.norm, params, point, runs, 0, runs.channels);
    run.residual_norm =
        run_norm<W>(from.residual_norm, params, point, runs, from.residual_first, from.residual.channels);
    return run;
}

// An operand's runs at a row of a height x width tensor.
template <class T, int W> struct RawOperand {
    RawRun<T, W> x, residual;
};

template <class T, int W>
__device__ __forceinline__ RawOperand<T, W> load_operand(const Operand &from, bool has_residual, int point, int64_t row,
                                                         int channel, int height, int width) {
    RawOperand<T, W> raw{};
    if (from.x.data) raw.x = load_raw<T, W>(at<const T>(from.x, point, row, channel));
    if (has_residual) {
        const int64_t from_row = residual_row(from.residual, from.residual_step, height, width, row);
        raw.residual = load_raw<T, W>(at<const T>(from.residual, point, from_row, channel - from.residual_first));
    }
    return raw;
}

// activation(norm(x) + norm(residual)).
template <class T, int W>
__device__ __forceinline__ void operand_run(const Operand &from, const RunOperand<W> &run, bool has_residual,
                                            const RawOperand<T, W> &raw, float (&values)[W]) {
    if (from.x.data) {
        unpack_run<T, W>(raw.x, values);
        apply(run.norm, values);
    } else {
#pragma unroll
        for (int i = 0; i < W; ++i) values[i] = 0.f;
    }
    if (has_residual) {
        float residual[W];
        unpack_run<T, W>(raw.residual, residual);
        apply(run.residual_norm, residual);
#pragma unroll
        for (int i = 0; i < W; ++i) values[i] += residual[i];
    }
#pragma unroll
    for (int i = 0; i < W; ++i) values[i] = activate(values[i], from.activation);
}

// What launchers check of an operand in the shape of `dst`; its run width.
inline RunWidth operand_width(const Operand &from, const Tensor &dst) {
    RunWidth runs;
    runs.fit(from.x).fit(dst);
    if (from.residual.data) {
        const Tensor &r = from.residual;
        runs.fit(r).fit(from.residual_first);
        expect(!from.x.data || r.element == from.x.element, "A residual must have its operand's element type.");
        expect((dst.height - 1) * from.residual_step < r.height && (dst.width - 1) * from.residual_step < r.width &&
                   from.residual_first >= 0 && from.residual_first + r.channels <= dst.channels,
               "A residual must reach under all pixels of its operand and lie within its channels.");
    }
    return runs;
}

} // namespace ist::cuda
