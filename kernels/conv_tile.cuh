// conv_tile.cuh - what the passes of a convolution share: tiles, their staging in shared memory, the loop over taps.
//
// A block works on tiles of `images` x `rows` x `columns` output positions. The input pixels a tile sees (its halo
// included) are staged once as elements T, with the batch norm, residual, ReLU or gradient correction in front already
// applied; pixels outside the image are 0. A pixel takes an odd number of 16-byte units, so that ldmatrix reads
// neighbouring pixels without bank conflicts and a tap is a constant byte offset.
//
// The columns of all images of a tile stand side by side as *virtual columns*; 16 of them are the rows of a matrix
// product (a strip). A warp takes a strip of kRows image rows and reads every input row once for all kernel rows that
// need it.
#pragma once

#include "convolution.h"
#include "launch.cuh"
#include "matrix_unit.cuh"

#include "../native/src/random.h" // IST_HD

namespace ist::cuda {

constexpr int kConvThreads = 256, kConvWarps = kConvThreads / 32;
template <class T> constexpr int kConvBlocks = sizeof(T) == 2 ? 2 : 1; // per SM: registers for each
constexpr int kRows = 4;                                               // rows of a strip that a warp holds in registers

// n / divisor by a multiplication, exact for n * divisor < 2^32.
struct Division {
    uint32_t divisor = 1, magic = 0;
    Division() = default;
    explicit Division(int d) : divisor(uint32_t(d)), magic(uint32_t((uint64_t(1) << 32) / uint32_t(d) + 1)) {}
    IST_HD int quotient(int n) const { return divisor == 1 ? n : int((uint64_t(uint32_t(n)) * magic) >> 32); }
    IST_HD int remainder(int n) const { return n - quotient(n) * int(divisor); }
};

// --- values read by a convolution ------------------------------------------------------------------------------------

// relu?(cx * x + c0 + cr * r) per channel; the coefficients come from batch norms (Operand) or their backward pass
// (OutputGradient).
struct Source {
    Tensor x, r;
    bool gradient = false, relu = false;
    Norm norm, r_norm;
    Vectors slope, offset;
    int r_step = 1, r_first = 0;
    bool x_aligned = false, r_aligned = false;
    ConstRows params = nullptr;

    static Source of(const Operand &operand, ConstRows params);
    static Source of(const OutputGradient &dz, ConstRows params);
};

struct Coefficients {
    float x, r, constant;
};

__device__ __forceinline__ float2 scale_and_shift(const Norm &norm, const float *row, int point, int c) {
    const float scale = row[norm.gamma + c] * norm.invstd.data[point * norm.invstd.stride + c];
    return make_float2(scale, row[norm.beta + c] - norm.mean.data[point * norm.mean.stride + c] * scale);
}

__device__ __forceinline__ Coefficients coefficients(const Source &s, int point, int c) {
    const float *row = s.params ? s.params[point] : nullptr;
    Coefficients out{1.f, 1.f, 0.f};
    if (s.gradient) {
        if (s.norm.applied) out.x = scale_and_shift(s.norm, row, point, c).x;
        if (s.r.data) {
            out.r = s.slope.data[point * s.slope.stride + c];
            out.constant = s.offset.data[point * s.offset.stride + c];
        }
        return out;
    }
    if (s.norm.applied) {
        const float2 norm = scale_and_shift(s.norm, row, point, c);
        out.x = norm.x, out.constant = norm.y;
    }
    if (s.r.data && s.r_norm.applied && c >= s.r_first && c < s.r_first + s.r.channels) {
        const float2 norm = scale_and_shift(s.r_norm, row, point, c - s.r_first);
        out.r = norm.x, out.constant += norm.y;
    }
    return out;
}

// --- tiles -----------------------------------------------------------------------------------------------------------

struct Tiling {
    // Output positions, and the input pixels they see: position (py, px) and tap offset (dy, dx), both >= 0, read input
    // pixel (py * step + first_y + dy, px * step + first_x + dx); 0 <= dy, dx < span.
    int height = 0, width = 0, n_images = 0;
    int step = 1, first_y = 0, first_x = 0, span = 1;
    // A tile, its halo and the number of tiles.
    int images = 1, rows = kRows, columns = 1;
    int halo_rows = 0, halo_columns = 0;
    int tiles_y = 1, tiles_x = 1, n_tiles = 1;
    int strips = 1, row_groups = 1;
    Division by_columns, by_halo_columns, by_halo_plane, by_tiles_x, by_tiles_y;
    int halo_pixels() const { return images * halo_rows * halo_columns; }
    IST_HD int units() const { return strips * row_groups; }
    // Chooses a tile of at most `most_units` units (strips x groups of kRows rows), whose staged pixels fit
    // `most_bytes` at `pixel_bytes` each where that is possible at all.
    void choose(int most_units, int pixel_bytes, int most_bytes);
    // The same tiles with inputs of another step, first pixel and span.
    Tiling seen(int other_step, int other_first, int other_span) const;
};

struct TileAt {
    int image, y, x; // of its first position
};
__device__ __forceinline__ TileAt tile_at(const Tiling &t, int index) {
    const int rest = t.by_tiles_x.quotient(index);
    const int x = index - rest * t.tiles_x;
    const int image = t.by_tiles_y.quotient(rest);
    const int y = rest - image * t.tiles_y;
    return {image * t.images, y * t.rows, x * t.columns};
}

// Shared memory of one pixel that holds 2^log_chunks chunks of 16 bytes.
IST_HD constexpr int pixel_pitch(int log_chunks) { return (16 << log_chunks) + 16; }

// Stages channels first_channel .. of the pixels a tile sees; `coefficients` are those of this block's channels, from
// channel 0 of the source on, 3 arrays of `stride` floats. All pixels are read (dy, dx) further on. Where kept is
// given, what the tile owns is written there.
template <class T>
__device__ __forceinline__ void stage(char *tile, int log_chunks, const float *coefficients, int stride,
                                      const Source &s, const Tensor *kept, const Tiling &t, const TileAt &at, int point,
                                      int first_channel, int dy, int dx) {
    constexpr int kN = kPerChunk<T>;
    const int chunk = int(threadIdx.x) & ((1 << log_chunks) - 1), c = first_channel + chunk * kN;
    const int valid = s.x.channels - c, pitch = pixel_pitch(log_chunks);
    float cx[kN], cr[kN], c0[kN];
#pragma unroll
    for (int i = 0; i < kN; ++i) cx[i] = cr[i] = c0[i] = 0.f;
    if (valid > 0) {
#pragma unroll
        for (int i = 0; i < kN; ++i) {
            cx[i] = coefficients[c + i];
            cr[i] = coefficients[stride + c + i];
            c0[i] = coefficients[2 * stride + c + i];
        }
    }
    const T *x = static_cast<const T *>(s.x.data) + point * s.x.point_stride;
    const T *r = static_cast<const T *>(s.r.data) + (s.r.data ? point * s.r.point_stride : 0);
    const int first_y = at.y * t.step + t.first_y + dy, first_x = at.x * t.step + t.first_x + dx;
    const int n = t.images * t.halo_rows * t.halo_columns;
#pragma unroll 1
    for (int p = int(threadIdx.x) >> log_chunks; p < n; p += int(blockDim.x) >> log_chunks) {
        const int image = t.by_halo_plane.quotient(p), in_plane = p - image * t.halo_rows * t.halo_columns;
        const int row = t.by_halo_columns.quotient(in_plane), column = in_plane - row * t.halo_columns;
        const int y = first_y + row, xx = first_x + column;
        uint4 out = make_uint4(0, 0, 0, 0);
        if (valid > 0 && y >= 0 && y < s.x.height && xx >= 0 && xx < s.x.width && at.image + image < t.n_images) {
            float values[kN];
            const int64_t pixel = (int64_t(at.image + image) * s.x.height + y) * s.x.width + xx;
            load_chunk<T>(x + pixel * s.x.pitch + c, valid, s.x_aligned, values);
            if (s.r.data) {
                float added[kN];
                if (s.r_step == 1 && s.r_first == 0 && s.r.channels >= s.x.channels) {
                    const int64_t at_r = (int64_t(at.image + image) * s.r.height + y) * s.r.width + xx;
                    load_chunk<T>(r + at_r * s.r.pitch + c, valid, s.r_aligned, added);
                } else {
                    const int64_t at_r =
                        (int64_t(at.image + image) * s.r.height + y * s.r_step) * s.r.width + xx * s.r_step;
#pragma unroll
                    for (int i = 0; i < kN; ++i) {
                        const int from = c + i - s.r_first;
                        added[i] = from >= 0 && from < s.r.channels ? to_float(r[at_r * s.r.pitch + from]) : 0.f;
                    }
                }
#pragma unroll
                for (int i = 0; i < kN; ++i) values[i] = fmaf(cr[i], added[i], fmaf(cx[i], values[i], c0[i]));
            } else {
#pragma unroll
                for (int i = 0; i < kN; ++i) values[i] = fmaf(cx[i], values[i], c0[i]);
            }
            if (s.relu) {
#pragma unroll
                for (int i = 0; i < kN; ++i) values[i] = relu(values[i]);
            }
            out = pack<T>(values);
            if (valid < kN) {
                float kept_values[kN];
                unpack<T>(out, kept_values);
#pragma unroll
                for (int i = 0; i < kN; ++i)
                    if (i >= valid) kept_values[i] = 0.f;
                out = pack<T>(kept_values);
            }
            if (kept && y >= at.y * t.step && y < (at.y + t.rows) * t.step && xx >= at.x * t.step &&
                xx < (at.x + t.columns) * t.step) {
                T *to = static_cast<T *>(kept->data) + point * kept->point_stride + pixel * kept->pitch + c;
                if (valid >= kN) {
                    *reinterpret_cast<uint4 *>(to) = out;
                } else {
                    unpack<T>(out, values);
                    store_chunk<T>(to, valid, false, values);
                }
            }
        }
        *reinterpret_cast<uint4 *>(tile + p * pitch + chunk * 16) = out;
    }
}

// Coefficients of all channels of a source, padded with zeros to `stride`.
__device__ __forceinline__ void load_coefficients(float *to, int stride, const Source &s, int point) {
    for (int c = int(threadIdx.x); c < stride; c += int(blockDim.x)) {
        const Coefficients own = c < s.x.channels ? coefficients(s, point, c) : Coefficients{0.f, 0.f, 0.f};
        to[c] = own.x, to[stride + c] = own.r, to[2 * stride + c] = own.constant;
    }
}

// --- the loop over taps ----------------------------------------------------------------------------------------------

// Adds `n_steps` k-steps of all kKernel x kKernel taps to a strip of kRows rows and 16 output channels.
// a: this lane's address for row 0 of the strip; w: this lane's weights of the first k-step and tap; consecutive taps
// are `tap_stride` apart (negative: flipped), consecutive k-steps step_stride.
template <class T, int kKernel, int kStride>
__device__ __forceinline__ void strip_taps(float (&acc)[kRows][2][4], SharedAddress a, int row_bytes, int pixel_bytes,
                                           int n_steps, const uint4 *w, int tap_stride, int step_stride) {
    for (int k = 0; k < n_steps; ++k, a += 32, w += step_stride) {
        uint4 b[kKernel * kKernel];
#pragma unroll
        for (int tap = 0; tap < kKernel * kKernel; ++tap) b[tap] = __ldg(w + tap * tap_stride);
#pragma unroll
        for (int row = 0; row < (kRows - 1) * kStride + kKernel; ++row) {
#pragma unroll
            for (int kx = 0; kx < kKernel; ++kx) {
                uint32_t values[4];
                ldmatrix_x4(values, a + row * row_bytes + kx * pixel_bytes);
#pragma unroll
                for (int ky = 0; ky < kKernel; ++ky)
                    if (row >= ky && (row - ky) % kStride == 0 && (row - ky) / kStride < kRows)
                        multiply<T>(acc[(row - ky) / kStride], values, b[ky * kKernel + kx]);
            }
        }
    }
}

// The taps of one class of a general convolution: kernel rows ky0, ky0 + tap_step, ... read offset
// dy0 + i * dy_step, and the same along x.
struct TapClass {
    int ky0, kx0, tap_step, dy0, dx0, d_step;
};

template <class T>
__device__ __forceinline__ void strip_general(float (&acc)[kRows][2][4], SharedAddress a, int row_bytes,
                                              int pixel_bytes, int step, int kernel, const TapClass &taps, int n_steps,
                                              const uint4 *w, int step_stride) {
    for (int k = 0; k < n_steps; ++k, a += 32, w += step_stride)
        for (int ky = taps.ky0, dy = taps.dy0; ky < kernel; ky += taps.tap_step, dy += taps.d_step)
            for (int kx = taps.kx0, dx = taps.dx0; kx < kernel; kx += taps.tap_step, dx += taps.d_step) {
                const uint4 b = __ldg(w + (ky * kernel + kx) * 32);
#pragma unroll
                for (int row = 0; row < kRows; ++row) {
                    uint32_t values[4];
                    ldmatrix_x4(values, a + (row * step + dy) * row_bytes + dx * pixel_bytes);
                    multiply<T>(acc[row], values, b);
                }
            }
}

// --- the walk over tiles ---------------------------------------------------------------------------------------------

// One pass of 16-channel slices of outputs over all tiles: the forward pass and, with gradients as inputs, the data
// gradient. A strided data gradient consists of stride x stride *classes* of positions, those of one remainder of y and
// of x, each with taps of its own.
struct Walk {
    Source src;
    Tensor kept;
    Tiling tiling;
    PackedWeights weights;
    int outputs = 0, kernel = 1, parts = 1;
    int classes = 1, padding = 0, first_d = 0; // along one direction; first_d: first_y of the tiling
    bool flipped = false;                      // tap i uses weights of tap kernel^2 - 1 - i
    int log_groups = 0;                        // slices of a block
    int n_groups = 1;                          // blocks side by side for all slices
    int log_chunks = 1, n_steps = 1;           // 16-byte chunks of a pixel staged at once; k-steps in all
    int coefficient_stride = 16;

    // Chooses everything but src, kept and weights. tiling holds the positions and their inputs.
    void choose(int in_channels, Element element);
    size_t shared_bytes() const;
    dim3 grid(int n_points) const { return dim3(unsigned(parts), unsigned(n_groups), unsigned(n_points)); }
};

constexpr int kConvMoments = 3; // floats per warp and output channel that a walk's user may leave in shared memory

// What a thread knows of its place in a walk.
struct Place {
    int point, part, lane, warp, groups, workers, worker, slice;
    int channel; // first of the thread's four outputs
    float *moments;
    __device__ __forceinline__ explicit Place(const Walk &walk) {
        point = int(blockIdx.z), part = int(blockIdx.x), lane = int(threadIdx.x) & 31, warp = int(threadIdx.x) >> 5;
        groups = 1 << walk.log_groups, workers = kConvWarps >> walk.log_groups, worker = warp >> walk.log_groups;
        slice = int(blockIdx.y) * groups + (warp & (groups - 1));
        channel = slice * 16 + (lane & 3) * 4;
        moments = reinterpret_cast<float *>(shared_memory()) + 3 * walk.coefficient_stride;
    }
};

// Calls consume(row, y, image and x, four sums of outputs place.channel ..) for every position of the thread, in a
// fixed order. kKernel 0: any kernel and stride.
template <class T, int kKernel, int kStride, class Consume>
__device__ __forceinline__ void walk_tiles(const Walk &walk, const Place &place, Consume consume) {
    const Tiling &t = walk.tiling;
    float *coefficient = reinterpret_cast<float *>(shared_memory());
    char *tile = reinterpret_cast<char *>(place.moments + kConvWarps * 16 * kConvMoments);
    load_coefficients(coefficient, walk.coefficient_stride, walk.src, place.point);

    const bool has_outputs = place.slice * 16 < walk.outputs;
    const int taps = kKernel ? kKernel * kKernel : walk.kernel * walk.kernel;
    const uint4 *weights = reinterpret_cast<const uint4 *>(static_cast<const char *>(walk.weights.data) +
                                                           place.point * walk.weights.point_stride) +
                           int64_t(has_outputs ? place.slice : 0) * walk.n_steps * taps * 32 + place.lane +
                           (walk.flipped ? (taps - 1) * 32 : 0);
    const int tap_stride = walk.flipped ? -32 : 32, pitch = pixel_pitch(walk.log_chunks);
    const int steps_at_once = 1 << (walk.log_chunks - 1);
    const int per_class = t.units(), n_units = per_class * walk.classes * walk.classes;
    const int rounds = (n_units + place.workers - 1) / place.workers;

    for (int index = place.part; index < t.n_tiles; index += walk.parts) {
        const TileAt at = tile_at(t, index);
        for (int round = 0; round < rounds; ++round) {
            const int unit = round * place.workers + place.worker;
            const bool active = unit < n_units && has_outputs;
            const int cls = active ? unit / per_class : 0, in_class = active ? unit - cls * per_class : 0;
            const int class_y = cls / walk.classes, class_x = cls - class_y * walk.classes;
            const int group = in_class / t.strips, strip = in_class - group * t.strips;
            const int own = min(strip * 16 + (place.lane & 15), t.images * t.columns - 1);
            const int own_image = t.by_columns.quotient(own), own_x = own - own_image * t.columns;
            const int pixel = (own_image * t.halo_rows + group * kRows * t.step) * t.halo_columns + own_x * t.step;
            const SharedAddress a = shared_address(tile) + SharedAddress(pixel * pitch + (place.lane >> 4) * 16);
            float acc[kRows][2][4];
#pragma unroll
            for (int row = 0; row < kRows; ++row)
#pragma unroll
                for (int j = 0; j < 8; ++j) acc[row][j >> 2][j & 3] = 0.f;

            for (int step = 0; step < walk.n_steps; step += steps_at_once) {
                if (round == 0 || walk.n_steps > steps_at_once) {
                    __syncthreads();
                    stage<T>(tile, walk.log_chunks, coefficient, walk.coefficient_stride, walk.src,
                             walk.kept.data && blockIdx.y == 0 && round == 0 ? &walk.kept : nullptr, t, at, place.point,
                             step * kStep<T>, 0, 0);
                    __syncthreads();
                }
                if (!active) continue;
                const int steps = min(steps_at_once, walk.n_steps - step);
                const uint4 *w = weights + int64_t(step) * taps * 32;
                if constexpr (kKernel > 0) {
                    strip_taps<T, kKernel, kStride>(acc, a, t.halo_columns * pitch, pitch, steps, w, tap_stride,
                                                    taps * 32);
                } else {
                    TapClass tap{0, 0, 1, 0, 0, 1};
                    if (walk.flipped) { // weights stand for themselves here: only offsets run backwards
                        const int y0 = (class_y + walk.padding) % walk.classes;
                        const int x0 = (class_x + walk.padding) % walk.classes;
                        tap = TapClass{y0,
                                       x0,
                                       walk.classes,
                                       (class_y + walk.padding - y0) / walk.classes - walk.first_d,
                                       (class_x + walk.padding - x0) / walk.classes - walk.first_d,
                                       -1};
                    }
                    strip_general<T>(acc, a, t.halo_columns * pitch, pitch, t.step, walk.kernel, tap, steps,
                                     w - (walk.flipped ? (taps - 1) * 32 : 0), taps * 32);
                }
            }
            if (!active) continue;

#pragma unroll
            for (int half = 0; half < 2; ++half) {
                const int column = strip * 16 + (place.lane >> 2) + 8 * half;
                const int image = t.by_columns.quotient(column), x = at.x + column - image * t.columns;
                if (image >= t.images || at.image + image >= t.n_images || x >= t.width) continue;
#pragma unroll
                for (int row = 0; row < kRows; ++row) {
                    const int y = at.y + group * kRows + row;
                    if (y >= t.height) continue;
                    const float values[4] = {acc[row][0][2 * half], acc[row][0][2 * half + 1], acc[row][1][2 * half],
                                             acc[row][1][2 * half + 1]};
                    consume(at.image + image, y * walk.classes + class_y, x * walk.classes + class_x, values);
                }
            }
        }
    }
}

} // namespace ist::cuda
