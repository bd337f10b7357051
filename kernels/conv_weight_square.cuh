// conv_weight_square.cuh - squares of 16 filters x 16 channels x all taps of a weight gradient in the registers of a
// warp.
#pragma once

#include "conv_tile.cuh"

namespace ist::cuda {

// A staged tensor as a weight gradient walks through it, in bytes: from a pixel to the next, from a position to the
// next, from a row of pixels to the next (of positions, where the kernel has one row), from a row of positions to the
// next, from an image to the next. An argument of kernels, so that these stay out of registers.
struct PixelSteps {
    int pixel = 0, position = 0, row = 0, row_of_positions = 0, image = 0;
    PixelSteps() = default;
    PixelSteps(const Tiling &t, int pixel_bytes, bool one_tap)
        : pixel(pixel_bytes), position(t.step * pixel), row_of_positions(t.step * t.halo_columns * pixel),
          image(t.halo_rows * t.halo_columns * pixel) {
        row = one_tap ? row_of_positions : t.halo_columns * pixel;
    }
};

// kF x kC squares of 16 filters x 16 channels, of which a warp may use fewer.
template <class T, int kKernel, int kStride, int kF = 1, int kC = 1> class WeightSquares {
  public:
    static constexpr int kTaps = kKernel * kKernel, kFloats = kF * kC * kTaps * 8;

    __device__ __forceinline__ WeightSquares() {
#pragma unroll
        for (int i = 0; i < kFloats; ++i) at(i) = 0.f;
    }

    // Adds one strip of 16 virtual columns and kRows rows of a tile: dz and src: the first of 16 channels of the tile's
    // first position and of the pixel of its first tap. zero: channels of zeros.
    __device__ __forceinline__ void add(const Tiling &t, int strip, int group, SharedAddress dz,
                                        const PixelSteps &dz_steps, SharedAddress src, const PixelSteps &src_steps,
                                        SharedAddress zero, int lane, int n_filters = kF, int n_channels = kC) {
        SharedAddress left[kLanePixels<T>], right[kLanePixels<T>];
        int left_row[kLanePixels<T>]; // columns past the last read zeros
        const int columns = t.images * t.columns;
#pragma unroll
        for (int i = 0; i < kLanePixels<T>; ++i) {
            const int column = strip * 16 + left_pixel<T>(lane, i);
            const int image = t.by_columns.quotient(column), x = column - image * t.columns;
            left[i] =
                column < columns
                    ? dz + SharedAddress(image * dz_steps.image + group * kRows * dz_steps.row + x * dz_steps.pixel)
                    : zero;
            left_row[i] = column < columns ? dz_steps.row : 0;
            const int own = min(strip * 16 + right_pixel<T>(lane, i), columns - 1);
            const int own_image = t.by_columns.quotient(own), own_x = own - own_image * t.columns;
            right[i] = src + SharedAddress(own_image * src_steps.image + group * kRows * src_steps.row_of_positions +
                                           own_x * src_steps.position);
        }
        // A row of gradients is loaded with the first input row that needs it.
        Across<T> gradients[kRows][kF];
        constexpr int kRowStep = kKernel == 1 ? 1 : kStride;
        constexpr int kInputRows = (kRows - 1) * kRowStep + kKernel;
        constexpr int kSquare = 16 * int(sizeof(T));
#pragma unroll
        for (int row = 0; row < kInputRows; ++row) {
            if (row % kRowStep == 0 && row / kRowStep < kRows) {
#pragma unroll
                for (int f = 0; f < kF; ++f)
                    if (f < n_filters) load_left<T>(gradients[row / kRowStep][f], moved(left, f * kSquare).of, lane);
#pragma unroll
                for (int i = 0; i < kLanePixels<T>; ++i) left[i] += SharedAddress(left_row[i]);
            }
#pragma unroll
            for (int kx = 0; kx < kKernel; ++kx) {
#pragma unroll
                for (int c = 0; c < kC; ++c) {
                    if (c >= n_channels) break;
                    Across<T> a;
                    load_right<T>(a, moved(right, kx * src_steps.pixel + c * kSquare).of, lane);
#pragma unroll
                    for (int ky = 0; ky < kKernel; ++ky)
                        if (row >= ky && (row - ky) % kRowStep == 0 && (row - ky) / kRowStep < kRows)
#pragma unroll
                            for (int f = 0; f < kF; ++f)
                                if (f < n_filters)
                                    multiply_across<T>(acc_[f][c][ky * kKernel + kx],
                                                       gradients[(row - ky) / kRowStep][f], a);
                }
            }
#pragma unroll
            for (int i = 0; i < kLanePixels<T>; ++i) right[i] += SharedAddress(src_steps.row);
        }
    }

    // Adds up the squares of warps that share them, one after the other, into share 0. exchange: kFloats * 32 floats of
    // shared memory of these squares. Warps of the block's n_threads without a square call wait_for_join meanwhile.
    __device__ __forceinline__ void join(float *exchange, int share, int shares, int lane, int n_threads) {
        for (int s = 1; s < shares; ++s) {
            barrier(2, n_threads);
            if (share == s) {
#pragma unroll
                for (int i = 0; i < kFloats; ++i) exchange[i * 32 + lane] = at(i);
            }
            barrier(2, n_threads);
            if (share == 0) {
#pragma unroll
                for (int i = 0; i < kFloats; ++i) // word by word: loads that go ahead of their sums need registers
                    at(i) += __uint_as_float(load_shared_word(shared_address(exchange + i * 32 + lane)));
            }
        }
    }
    __device__ __forceinline__ static void wait_for_join(int shares, int n_threads) {
        for (int s = 1; s < shares; ++s) {
            barrier(2, n_threads);
            barrier(2, n_threads);
        }
    }

    // out: filter and channel 0 of the squares, tap 0, in [tap][filters_padded][channels_padded].
    __device__ __forceinline__ void write(float *out, int filters_padded, int channels_padded, int lane,
                                          int n_filters = kF, int n_channels = kC) const {
        out += (lane >> 2) * channels_padded + (lane & 3) * 2;
#pragma unroll
        for (int tap = 0; tap < kTaps; ++tap, out += int64_t(filters_padded) * channels_padded) {
#pragma unroll
            for (int f = 0; f < kF; ++f) {
#pragma unroll
                for (int c = 0; c < kC; ++c) {
                    if (f >= n_filters || c >= n_channels) continue;
                    float *to = out + f * 16 * channels_padded + c * 16;
                    const auto &own = acc_[f][c][tap];
#pragma unroll
                    for (int j = 0; j < 2; ++j) {
                        *reinterpret_cast<float2 *>(to + j * 8) = make_float2(own[j][0], own[j][1]);
                        *reinterpret_cast<float2 *>(to + 8 * channels_padded + j * 8) =
                            make_float2(own[j][2], own[j][3]);
                    }
                }
            }
        }
    }

  private:
    struct Addresses {
        SharedAddress of[kLanePixels<T>];
    };
    __device__ __forceinline__ static Addresses moved(const SharedAddress (&from)[kLanePixels<T>], int bytes) {
        Addresses to;
#pragma unroll
        for (int i = 0; i < kLanePixels<T>; ++i) to.of[i] = from[i] + SharedAddress(bytes);
        return to;
    }
    __device__ __forceinline__ float &at(int i) {
        return acc_[i / (kC * kTaps * 8)][i / (kTaps * 8) % kC][i / 8 % kTaps][(i >> 2) & 1][i & 3];
    }
    float acc_[kF][kC][kTaps][2][4];
};

// The parts of a weight gradient, [point][part][tap][filters_padded][channels_padded], are added to a gradient.
struct WeightParts {
    const float *partial = nullptr;
    int64_t stride = 0; // floats between points
    int parts = 0, taps = 1, filters = 0, channels = 0, filters_padded = 0, channels_padded = 0;
    Rows gradient = nullptr;
    int64_t weight = 0;
    float unscale = 1;
};
void sum_weight_parts(const WeightParts &parts, int n_points, Stream stream);

// How many parts cost little beside what a pass reads.
int weight_parts(const ConvShape &shape, int n_images, int n_tiles);

} // namespace ist::cuda
