// conv_weight_square.cuh - 16 filters x 16 channels x all taps of a weight gradient in the registers of a warp.
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

template <class T, int kKernel, int kStride> class WeightSquare {
  public:
    static constexpr int kTaps = kKernel * kKernel;

    __device__ __forceinline__ WeightSquare() {
#pragma unroll
        for (int i = 0; i < kTaps * 8; ++i) acc_[i >> 3][(i >> 2) & 1][i & 3] = 0.f;
    }

    // Adds one strip of 16 virtual columns and kRows rows of a tile: dz and src: the first of 16 channels of the tile's
    // first position and of the pixel of its first tap. zero: 16 channels of zeros.
    __device__ __forceinline__ void add(const Tiling &t, int strip, int group, SharedAddress dz,
                                        const PixelSteps &dz_steps, SharedAddress src, const PixelSteps &src_steps,
                                        SharedAddress zero, int lane) {
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
        Across<T> gradients[kRows];
        constexpr int kRowStep = kKernel == 1 ? 1 : kStride;
        constexpr int kInputRows = (kRows - 1) * kRowStep + kKernel;
#pragma unroll
        for (int row = 0; row < kInputRows; ++row) {
            if (row % kRowStep == 0 && row / kRowStep < kRows) {
                load_left<T>(gradients[row / kRowStep], left, lane);
#pragma unroll
                for (int i = 0; i < kLanePixels<T>; ++i) left[i] += SharedAddress(left_row[i]);
            }
            SharedAddress address[kLanePixels<T>];
#pragma unroll
            for (int i = 0; i < kLanePixels<T>; ++i) address[i] = right[i];
#pragma unroll
            for (int kx = 0; kx < kKernel; ++kx) {
                Across<T> a;
                load_right<T>(a, address, lane);
#pragma unroll
                for (int ky = 0; ky < kKernel; ++ky)
                    if (row >= ky && (row - ky) % kRowStep == 0 && (row - ky) / kRowStep < kRows)
                        multiply_across<T>(acc_[ky * kKernel + kx], gradients[(row - ky) / kRowStep], a);
#pragma unroll
                for (int i = 0; i < kLanePixels<T>; ++i) address[i] += SharedAddress(src_steps.pixel);
            }
#pragma unroll
            for (int i = 0; i < kLanePixels<T>; ++i) right[i] += SharedAddress(src_steps.row);
        }
    }

    // Adds up the squares of warps that share one, one after the other, into share 0. exchange: of this square,
    // kTaps * 8 * 32 floats of shared memory. Warps of the block's n_threads without a square
    // call wait_for_join meanwhile.
    __device__ __forceinline__ void join(float *exchange, int share, int shares, int lane, int n_threads) {
        for (int s = 1; s < shares; ++s) {
            barrier(2, n_threads);
            if (share == s) {
#pragma unroll
                for (int i = 0; i < kTaps * 8; ++i) exchange[i * 32 + lane] = acc_[i >> 3][(i >> 2) & 1][i & 3];
            }
            barrier(2, n_threads);
            if (share == 0) {
#pragma unroll
                for (int i = 0; i < kTaps * 8; ++i) // word by word: loads that go ahead of their sums need registers
                    acc_[i >> 3][(i >> 2) & 1][i & 3] +=
                        __uint_as_float(load_shared_word(shared_address(exchange + i * 32 + lane)));
            }
        }
    }
    __device__ __forceinline__ static void wait_for_join(int shares, int n_threads) {
        for (int s = 1; s < shares; ++s) {
            barrier(2, n_threads);
            barrier(2, n_threads);
        }
    }

    // out: filter and channel 0 of the square, tap 0, in [tap][filters_padded][channels_padded].
    __device__ __forceinline__ void write(float *out, int filters_padded, int channels_padded, int lane) const {
        out += (lane >> 2) * channels_padded + (lane & 3) * 2;
#pragma unroll
        for (int i = 0; i < kTaps; ++i, out += int64_t(filters_padded) * channels_padded) {
#pragma unroll
            for (int j = 0; j < 2; ++j) {
                *reinterpret_cast<float2 *>(out + j * 8) = make_float2(acc_[i][j][0], acc_[i][j][1]);
                *reinterpret_cast<float2 *>(out + 8 * channels_padded + j * 8) =
                    make_float2(acc_[i][j][2], acc_[i][j][3]);
            }
        }
    }

  private:
    float acc_[kTaps][2][4];
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
