// conv_input_gradient.cuh - what becomes of the gradient of a convolution's input (InputGradient of convolution.h), for
// a thread that has it for N neighbouring channels of one pixel after the other.
#pragma once

#include "conv_tile.cuh"

namespace ist::cuda {

struct InputGradientArguments {
    InputGradient input;
    ConstRows params;
    int height, width, channels;
    int added_alignment, mask_alignment, x_alignment, dst_alignment;

    InputGradientArguments() = default;
    InputGradientArguments(const InputGradient &input, const ConvShape &shape, ConstRows params)
        : input(input), params(params), height(shape.in_height), width(shape.in_width), channels(shape.in_channels) {
        added_alignment = alignment_of(input.added), mask_alignment = alignment_of(input.mask);
        x_alignment = alignment_of(input.x), dst_alignment = alignment_of(input.dst.g);
    }
};

template <class T, int N> class InputGradientOut {
  public:
    __device__ __forceinline__ InputGradientOut(const InputGradientArguments &arg, int point, int channel)
        : arg_(arg), point_(point) {
        begin_at(channel);
#pragma unroll
        for (int i = 0; i < N; ++i) sum_[i] = product_[i] = 0.f;
    }

    // The thread's first channel. Said again by kernels that are short of registers, to hold no addresses in between.
    __device__ __forceinline__ void begin_at(int channel) { c_ = channel, left_ = arg_.channels - channel; }

    // Constants of the channels, in registers only while a strip is written.
    struct Constants {
        float scale[N], shift[N], mean[N];
    };
    __device__ __forceinline__ Constants constants() const {
        const InputGradient &in = arg_.input;
        Constants k;
#pragma unroll
        for (int i = 0; i < N; ++i) {
            k.scale[i] = 1.f, k.shift[i] = k.mean[i] = 0.f;
            if (in.norm.applied && i < left_) {
                const float2 norm = scale_and_shift(in.norm, arg_.params[point_], point_, c_ + i);
                k.scale[i] = norm.x, k.shift[i] = norm.y;
                k.mean[i] = in.norm.mean.data[point_ * in.norm.mean.stride + c_ + i];
            }
        }
        return k;
    }

    // What is read of a pixel. Those of several pixels are loaded before the first is used, so that they are under way
    // together.
    struct Read {
        Run<T, N> added, x, there;
    };
    __device__ __forceinline__ Read read(int image, int y, int x) const {
        const InputGradient &in = arg_.input;
        Read r{};
        if (outside(y, x)) return r;
        const int own = (image * arg_.height + y) * arg_.width + x;
        if (in.added.data) r.added = other(own, image, y, x);
        if (in.x.data) r.x = load_run<T, N>(pixel(in.x, own), left_, arg_.x_alignment);
        if (in.dst.add) r.there = load_run<T, N>(pixel(in.dst.g, own), left_, arg_.dst_alignment);
        return r;
    }

    // `activated`: the convolution's input at this place in shared memory; without it the mask is read or computed.
    template <bool kActivated>
    __device__ __forceinline__ void leave(const Constants &k, const Read &read, int image, int y, int x,
                                          const float (&sums)[N], const T *activated) {
        const InputGradient &in = arg_.input;
        if (outside(y, x)) return;
        const int own = (image * arg_.height + y) * arg_.width + x;
        Run<T, N> mask{}, result;
        if (kActivated) mask = load_run<T, N>(activated, N, 16);
        else if (in.mask.data) mask = load_run<T, N>(pixel(in.mask, own), left_, arg_.mask_alignment);
        // Word by word, to hold few values at once.
        constexpr int kWord = 4 / int(sizeof(T));
#pragma unroll
        for (int first = 0; first < N; first += kWord) {
            float v[kWord], added[kWord], x_value[kWord], there[kWord], masked[kWord];
            unpack_word<T>(read.added.words[first / kWord], added);
            unpack_word<T>(read.x.words[first / kWord], x_value);
            unpack_word<T>(read.there.words[first / kWord], there);
            unpack_word<T>(mask.words[first / kWord], masked);
#pragma unroll
            for (int j = 0; j < kWord; ++j) {
                const int i = first + j;
                v[j] = sums[i];
                if (in.added.data) v[j] += added[j];
                if (in.mask.data || in.mask_is_x) {
                    if (!kActivated && !in.mask.data) masked[j] = fmaf(k.scale[i], x_value[j], k.shift[i]);
                    if (!(masked[j] > 0.f)) v[j] = 0.f;
                }
                if (in.sums.data) {
                    if (!in.scaled) v[j] = rounded<T>(v[j]);
                    sum_[i] += v[j];
                    product_[i] = fmaf(v[j], x_value[j] - k.mean[i], product_[i]);
                }
                if (in.scaled) v[j] *= k.scale[i];
                if (in.dst.add) v[j] += there[j];
            }
            result.words[first / kWord] = pack_word<T>(v);
        }
        store_run<T, N>(pixel(in.dst.g, own), left_, arg_.dst_alignment, result);
    }

    // The sums of a warp's 4 N channels: [4 N][2].
    __device__ __forceinline__ void gather(float *to, int lane) {
#pragma unroll
        for (int i = 0; i < N; ++i) {
#pragma unroll
            for (int distance = 4; distance < 32; distance *= 2) {
                sum_[i] += __shfl_xor_sync(~0u, sum_[i], distance);
                product_[i] += __shfl_xor_sync(~0u, product_[i], distance);
            }
            if (lane < 4) to[(lane * N + i) * 2] = sum_[i], to[(lane * N + i) * 2 + 1] = product_[i];
        }
    }

  private:
    __device__ __forceinline__ bool outside(int y, int x) const {
        return y >= arg_.height || x >= arg_.width || left_ <= 0;
    }
    // The thread's channels of a pixel, counted through all images.
    __device__ __forceinline__ T *pixel(const Tensor &t, int number) const {
        return static_cast<T *>(t.data) + point_ * t.point_stride + int64_t(number) * t.pitch + c_;
    }
    __device__ __forceinline__ Run<T, N> other(int own, int image, int y, int x) const {
        const InputGradient &in = arg_.input;
        const int step = in.added_step;
        if (step == 1 && in.added_first == 0) return load_run<T, N>(pixel(in.added, own), left_, arg_.added_alignment);
        if (y % step == 0 && x % step == 0)
            return load_run<T, N>(pixel(in.added, (image * in.added.height + y / step) * in.added.width + x / step) +
                                      in.added_first,
                                  left_, 0);
        return Run<T, N>{};
    }

    const InputGradientArguments &arg_;
    const int point_;
    int c_, left_;
    float sum_[N], product_[N];
};

// The sums of a block's channels first .. first + n_groups * of_group - 1, over the workers of each group in order,
// from what gather() left at [worker][group]; written as the block's part.
__device__ __forceinline__ void write_input_sums(const InputGradientArguments &arg, const float *gathered, int workers,
                                                 int n_groups, int of_group, int first, int end, int point, int part,
                                                 int n_threads) {
    const InputGradient &in = arg.input;
    float *out = in.sums.data + point * in.sums.stride + int64_t(part) * 2 * arg.channels;
    for (int c = int(threadIdx.x); first + c < end; c += n_threads) {
        float sum = 0.f, product = 0.f;
        for (int w = 0; w < workers; ++w) {
            const float *from = gathered + (w * n_groups * of_group + c) * 2;
            sum += from[0], product += from[1];
        }
        out[first + c] = sum, out[arg.channels + first + c] = product;
    }
}

} // namespace ist::cuda
