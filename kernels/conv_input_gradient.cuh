// conv_input_gradient.cuh - what becomes of the gradient of a convolution's input (InputGradient of convolution.h), for
// a thread that has it for four channels of one pixel after the other.
#pragma once

#include "conv_tile.cuh"

namespace ist::cuda {

struct InputGradientArguments {
    InputGradient input;
    ConstRows params;
    int height, width, channels;
    bool added_aligned, mask_aligned, x_aligned, dst_aligned; // four channels at a time

    InputGradientArguments() = default;
    InputGradientArguments(const InputGradient &input, const ConvShape &shape, ConstRows params)
        : input(input), params(params), height(shape.in_height), width(shape.in_width), channels(shape.in_channels) {
        const int four = 4 * bytes_of(input.dst.g.element);
        added_aligned = pixels_aligned(input.added, four), mask_aligned = pixels_aligned(input.mask, four);
        x_aligned = pixels_aligned(input.x, four), dst_aligned = pixels_aligned(input.dst.g, four);
    }
};

template <class T> class InputGradientOut {
  public:
    __device__ __forceinline__ InputGradientOut(const InputGradientArguments &arg, int point, int channel)
        : arg_(arg), point_(point), c_(channel), left_(arg.channels - channel) {
#pragma unroll
        for (int i = 0; i < 4; ++i) sum_[i] = product_[i] = 0.f;
    }

    // Constants of the channels, in registers only while a strip is written.
    struct Constants {
        float scale[4], shift[4], mean[4];
    };
    __device__ __forceinline__ Constants constants() const {
        const InputGradient &in = arg_.input;
        Constants k;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            k.scale[i] = 1.f, k.shift[i] = k.mean[i] = 0.f;
            if (in.norm.applied && i < left_) {
                const float2 norm = scale_and_shift(in.norm, arg_.params[point_], point_, c_ + i);
                k.scale[i] = norm.x, k.shift[i] = norm.y;
                k.mean[i] = in.norm.mean.data[point_ * in.norm.mean.stride + c_ + i];
            }
        }
        return k;
    }

    // `activated`: the convolution's input at this place in shared memory, or nullptr: the mask is read or computed.
    __device__ __forceinline__ void leave(const Constants &k, int image, int y, int x, const float (&sums)[4],
                                          const T *activated) {
        const InputGradient &in = arg_.input;
        if (y >= arg_.height || x >= arg_.width) return;
        float v[4] = {sums[0], sums[1], sums[2], sums[3]}, x_values[4] = {0, 0, 0, 0}, mask[4];
        if (in.added.data) add_other(image, y, x, v);
        if (in.x.data) load_four<T>(pixel(in.x, image, y, x) + c_, left_, arg_.x_aligned, x_values);
        if (in.mask.data || in.mask_is_x) {
            if (activated) {
                load_four<T>(activated, 4, true, mask);
            } else if (in.mask.data) {
                load_four<T>(pixel(in.mask, image, y, x) + c_, left_, arg_.mask_aligned, mask);
            } else {
#pragma unroll
                for (int i = 0; i < 4; ++i) mask[i] = fmaf(k.scale[i], x_values[i], k.shift[i]);
            }
#pragma unroll
            for (int i = 0; i < 4; ++i)
                if (!(mask[i] > 0.f)) v[i] = 0.f;
        }
        if (in.sums.data) {
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                if (!in.scaled) v[i] = rounded<T>(v[i]);
                sum_[i] += v[i];
                product_[i] = fmaf(v[i], x_values[i] - k.mean[i], product_[i]);
            }
        }
        if (in.scaled) {
#pragma unroll
            for (int i = 0; i < 4; ++i) v[i] *= k.scale[i];
        }
        T *dst = pixel(in.dst.g, image, y, x) + c_;
        if (in.dst.add) {
            float there[4];
            load_four<T>(dst, left_, arg_.dst_aligned, there);
#pragma unroll
            for (int i = 0; i < 4; ++i) v[i] += there[i];
        }
        store_four<T>(dst, left_, arg_.dst_aligned, v);
    }

    // The sums of a warp's 16 channels: [16][2].
    __device__ __forceinline__ void gather(float *to, int lane) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
#pragma unroll
            for (int distance = 4; distance < 32; distance *= 2) {
                sum_[i] += __shfl_xor_sync(~0u, sum_[i], distance);
                product_[i] += __shfl_xor_sync(~0u, product_[i], distance);
            }
            if (lane < 4) to[(lane * 4 + i) * 2] = sum_[i], to[(lane * 4 + i) * 2 + 1] = product_[i];
        }
    }

  private:
    __device__ __forceinline__ T *pixel(const Tensor &t, int image, int y, int x) const {
        return static_cast<T *>(t.data) + point_ * t.point_stride +
               ((int64_t(image) * t.height + y) * t.width + x) * t.pitch;
    }
    __device__ __forceinline__ void add_other(int image, int y, int x, float (&v)[4]) const {
        const InputGradient &in = arg_.input;
        const int step = in.added_step;
        if (step == 1 && in.added_first == 0) {
            float others[4];
            load_four<T>(pixel(in.added, image, y, x) + c_, left_, arg_.added_aligned, others);
#pragma unroll
            for (int i = 0; i < 4; ++i) v[i] += others[i];
        } else if (y % step == 0 && x % step == 0) {
            const T *others = pixel(in.added, image, y / step, x / step) + in.added_first + c_;
#pragma unroll
            for (int i = 0; i < 4; ++i)
                if (i < left_) v[i] += to_float(others[i]);
        }
    }

    const InputGradientArguments &arg_;
    const int point_, c_, left_;
    float sum_[4], product_[4];
};

// The sums of a block's channels first .. first + n_slices * 16 - 1, over the workers of each slice in order, from what
// gather() left at [worker][slice]; written as the block's part.
__device__ __forceinline__ void write_input_sums(const InputGradientArguments &arg, const float *gathered, int workers,
                                                 int n_slices, int first, int point, int part, int n_threads) {
    const InputGradient &in = arg.input;
    float *out = in.sums.data + point * in.sums.stride + int64_t(part) * 2 * arg.channels;
    for (int c = int(threadIdx.x); c < n_slices * 16 && first + c < arg.channels; c += n_threads) {
        float sum = 0.f, product = 0.f;
        for (int w = 0; w < workers; ++w) {
            const float *from = gathered + ((w * n_slices + (c >> 4)) * 16 + (c & 15)) * 2;
            sum += from[0], product += from[1];
        }
        out[first + c] = sum, out[arg.channels + first + c] = product;
    }
}

} // namespace ist::cuda
