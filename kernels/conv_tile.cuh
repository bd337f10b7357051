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

#include "augment.cuh"
#include "convolution.h"
#include "launch.cuh"
#include "matrix_unit.cuh"

#include "../native/src/random.h" // IST_HD

namespace ist::cuda {

constexpr int kConvThreads = 256, kConvWarps = kConvThreads / 32;
template <class T> constexpr int kConvBlocks = sizeof(T) == 2 ? 2 : 1; // per SM: registers for each
template <class T> constexpr int kAhead = 2;                           // chunks a staging thread has under way
constexpr int kRows = 4;                                               // rows of a strip that a warp holds in registers
constexpr int kPositions = 2 * kRows;                                  // of a strip for a thread

// n / divisor by a multiplication, exact for n * divisor < 2^32.
struct Division {
    uint32_t divisor = 1, magic = 0;
    Division() = default;
    explicit Division(int d) : divisor(uint32_t(d)), magic(uint32_t((uint64_t(1) << 32) / uint32_t(d) + 1)) {}
    IST_HD int quotient(int n) const { return divisor == 1 ? n : int((uint64_t(uint32_t(n)) * magic) >> 32); }
    IST_HD int remainder(int n) const { return n - quotient(n) * int(divisor); }
};

// The smallest power of two, as its logarithm, that is at least n.
inline int log2_up(int n) {
    int log = 0;
    while ((1 << log) < n) ++log;
    return log;
}

// --- values read by a convolution ------------------------------------------------------------------------------------

// relu?(cx * x + c0 + cr * r) per channel; the coefficients come from batch norms (Operand) or their backward pass
// (OutputGradient).
struct Source {
    Tensor x, r;
    bool gradient = false, relu = false;
    Norm norm, r_norm;
    Vectors slope, offset;
    int r_step = 1, r_first = 0;
    int x_alignment = 0, r_alignment = 0; // alignment_of()
    ConstRows params = nullptr;

    static Source of(const Operand &operand, ConstRows params);
    static Source of(const OutputGradient &dz, ConstRows params);

  private:
    void align();
};

// What launchers check of images.
void expect_images(const DrawnImages &images, const ConvShape &shape);

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
    // The same, of the tiles that stage the fewest pixels and waste the fewest columns of strips.
    void choose_compact(int most_units, int pixel_bytes, int most_bytes);
    // The same tiles with inputs of another step, first pixel and span.
    Tiling seen(int other_step, int other_first, int other_span) const;

  private:
    void cut(); // what follows from images, columns and row_groups
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

// A staged pixel: `chunks` of 16 bytes, an even number, and one more so that it takes an odd number of them.
IST_HD constexpr int pixel_pitch(int chunks) { return 16 * (chunks + 1); }
inline int chunks_of(Element element, int channels) { return channels * bytes_of(element) / 16; }

// N neighbouring channels as they lie in memory.
template <class T, int N> struct Run {
    uint32_t words[N * int(sizeof(T)) / 4];
};
template <class T> __device__ __forceinline__ void unpack_word(uint32_t word, float (&values)[4 / sizeof(T)]) {
    if constexpr (sizeof(T) == 4) {
        values[0] = __uint_as_float(word);
    } else {
        const float2 pair = unpack_pair<T>(word);
        values[0] = pair.x, values[1] = pair.y;
    }
}
template <class T> __device__ __forceinline__ uint32_t pack_word(const float (&values)[4 / sizeof(T)]) {
    if constexpr (sizeof(T) == 4) return __float_as_uint(values[0]);
    else return pack_pair<T>(values[0], values[1]);
}

// Bytes that divide the address of every pixel, as far as 16, 8 and 0 matter.
inline int alignment_of(const Tensor &t) { return pixels_aligned(t, 16) ? 16 : pixels_aligned(t, 8) ? 8 : 0; }

// Words first .. of a run, kBytes of them at an address that these divide.
template <int kBytes, class T, int N>
__device__ __forceinline__ void load_words(Run<T, N> &run, int first, const void *from) {
    if constexpr (kBytes == 16) {
        const uint4 v = *static_cast<const uint4 *>(from);
        run.words[first] = v.x, run.words[first + 1] = v.y, run.words[first + 2] = v.z, run.words[first + 3] = v.w;
    } else {
        const uint2 v = *static_cast<const uint2 *>(from);
        run.words[first] = v.x, run.words[first + 1] = v.y;
    }
}
template <int kBytes, class T, int N>
__device__ __forceinline__ void store_words(const Run<T, N> &run, int first, void *to) {
    if constexpr (kBytes == 16)
        *static_cast<uint4 *>(to) =
            make_uint4(run.words[first], run.words[first + 1], run.words[first + 2], run.words[first + 3]);
    else *static_cast<uint2 *>(to) = make_uint2(run.words[first], run.words[first + 1]);
}

// Loads the run at `data`, of which the first `valid` channels exist (the others become 0): whole, else by fours, else
// one by one.
template <class T, int N> __device__ __forceinline__ Run<T, N> load_run(const T *data, int valid, int alignment) {
    constexpr int kBytes = N * int(sizeof(T)), kVector = kBytes < 16 ? kBytes : 16, kFour = 4 * int(sizeof(T));
    Run<T, N> run{};
    if (valid >= N && alignment >= kVector) {
#pragma unroll
        for (int i = 0; i < kBytes; i += kVector)
            load_words<kVector>(run, i / 4, reinterpret_cast<const char *>(data) + i);
        return run;
    }
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        if (kFour < kVector && valid >= i + 4 && alignment >= kFour) {
            load_words<kFour>(run, i * int(sizeof(T)) / 4, data + i);
        } else if (valid > i) {
#pragma unroll
            for (int k = i; k < i + 4; k += 4 / int(sizeof(T))) {
                float values[4 / sizeof(T)];
#pragma unroll
                for (int j = 0; j < 4 / int(sizeof(T)); ++j) values[j] = k + j < valid ? to_float(data[k + j]) : 0.f;
                run.words[k * int(sizeof(T)) / 4] = pack_word<T>(values);
            }
        }
    }
    return run;
}
template <class T, int N>
__device__ __forceinline__ void store_run(T *data, int valid, int alignment, const Run<T, N> &run) {
    constexpr int kBytes = N * int(sizeof(T)), kVector = kBytes < 16 ? kBytes : 16, kFour = 4 * int(sizeof(T));
    if (valid >= N && alignment >= kVector) {
#pragma unroll
        for (int i = 0; i < kBytes; i += kVector) store_words<kVector>(run, i / 4, reinterpret_cast<char *>(data) + i);
        return;
    }
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        if (kFour < kVector && valid >= i + 4 && alignment >= kFour) {
            store_words<kFour>(run, i * int(sizeof(T)) / 4, data + i);
        } else {
#pragma unroll
            for (int k = i; k < i + 4; k += 4 / int(sizeof(T))) {
                float values[4 / sizeof(T)];
                unpack_word<T>(run.words[k * int(sizeof(T)) / 4], values);
#pragma unroll
                for (int j = 0; j < 4 / int(sizeof(T)); ++j)
                    if (k + j < valid) data[k + j] = from_float<T>(values[j]);
            }
        }
    }
}

// Coefficients of `channels` channels of a source from `first` on, in shared memory: by eights, of each the factors of
// x, those of r and the constants. An eighth is left between, so that threads of neighbouring eights read from
// different banks.
constexpr int kEightFloats = 28;
IST_HD constexpr int coefficient_floats(int channels) { return channels / 8 * kEightFloats; }
struct CoefficientTable {
    float *data;
    int channels, first;
    __device__ __forceinline__ static int place(int c) { return (c >> 3) * kEightFloats + (c & 7); }
};

// For all threads of a block; channels beyond the source's last get zeros.
__device__ __forceinline__ void load_coefficients(const CoefficientTable &table, const Source &s, int point) {
    for (int i = int(threadIdx.x); i < table.channels; i += int(blockDim.x)) {
        const int c = table.first + i;
        const Coefficients own = c < s.x.channels ? coefficients(s, point, c) : Coefficients{0.f, 0.f, 0.f};
        float *at = table.data + table.place(i);
        at[0] = own.x, at[8] = own.r, at[16] = own.constant;
    }
}

// Stages `chunks` chunks of channels first_channel .. of the pixels a tile sees; with their `coefficients`. All pixels
// are read (dy, dx) further on. Where kept is given, what the tile owns is written there. A thread of n_threads always
// works on the same kN channels, a chunk or half of it; loads of kAhead pixels are under way together. Where a pixel
// has few runs, eight neighbouring threads have the same run of eight pixels, so that they store to different banks.
template <class T, int kAhead, int kN = kPerChunk<T>>
__device__ __forceinline__ void stage(char *tile, int chunks, const Division &by_chunks,
                                      const CoefficientTable &coefficients, const Source &s, const Tensor *kept,
                                      int kept_alignment, const Tiling &t, const TileAt &at, int point,
                                      int first_channel, int dy, int dx, int thread, int n_threads) {
    constexpr int kOfChunk = kPerChunk<T> / kN, kBytes = kN * int(sizeof(T)), kWord = 4 / int(sizeof(T));
    const int runs = chunks * kOfChunk, log_together = runs <= 4 ? 3 : 0, together = thread >> log_together;
    const int first = by_chunks.quotient(together / kOfChunk), run = together - first * runs;
    const int apart = by_chunks.quotient((n_threads >> log_together) / kOfChunk) << log_together;
    const int first_pixel = (first << log_together) + (thread & ((1 << log_together) - 1));
    const int c = first_channel + run * kN, valid = s.x.channels - c;
    if (first_pixel >= apart) return;
    const float *own = coefficients.data + coefficients.place(valid > 0 ? c - coefficients.first : 0);
    float cx[kN], cr[kN], c0[kN];
#pragma unroll
    for (int i = 0; i < kN; i += 4) {
        const float4 x = *reinterpret_cast<const float4 *>(own + i);
        const float4 r = *reinterpret_cast<const float4 *>(own + 8 + i);
        const float4 constant = *reinterpret_cast<const float4 *>(own + 16 + i);
        cx[i] = x.x, cx[i + 1] = x.y, cx[i + 2] = x.z, cx[i + 3] = x.w;
        cr[i] = r.x, cr[i + 1] = r.y, cr[i + 2] = r.z, cr[i + 3] = r.w;
        c0[i] = constant.x, c0[i + 1] = constant.y, c0[i + 2] = constant.z, c0[i + 3] = constant.w;
    }
    const int first_y = at.y * t.step + t.first_y + dy, first_x = at.x * t.step + t.first_x + dx;
    const int n = t.images * t.halo_rows * t.halo_columns;
    tile += run * kBytes;
#pragma unroll 1
    for (int p = first_pixel; p < n; p += kAhead * apart) {
        Run<T, kN> raw[kAhead], raw_r[kAhead];
        int pixels[kAhead]; // of x; -1: outside
        bool owned[kAhead];
#pragma unroll
        for (int j = 0; j < kAhead; ++j) {
            const int own = p + j * apart;
            const int image = t.by_halo_plane.quotient(own), in_plane = own - image * t.halo_rows * t.halo_columns;
            const int row = t.by_halo_columns.quotient(in_plane), column = in_plane - row * t.halo_columns;
            const int y = first_y + row, xx = first_x + column;
            const bool inside = own < n && valid > 0 && y >= 0 && y < s.x.height && xx >= 0 && xx < s.x.width &&
                                at.image + image < t.n_images;
            pixels[j] = inside ? ((at.image + image) * s.x.height + y) * s.x.width + xx : -1;
            owned[j] = y >= at.y * t.step && y < (at.y + t.rows) * t.step && xx >= at.x * t.step &&
                       xx < (at.x + t.columns) * t.step;
            raw[j] = raw_r[j] = Run<T, kN>{};
            if (!inside) continue;
            raw[j] = load_run<T, kN>(static_cast<const T *>(s.x.data) + point * s.x.point_stride +
                                         int64_t(pixels[j]) * s.x.pitch + c,
                                     valid, s.x_alignment);
            if (!s.r.data) continue;
            const T *r =
                static_cast<const T *>(s.r.data) + point * s.r.point_stride +
                int64_t(((at.image + image) * s.r.height + y * s.r_step) * s.r.width + xx * s.r_step) * s.r.pitch +
                (c - s.r_first);
            if (c >= s.r_first) {
                raw_r[j] = load_run<T, kN>(r, s.r_first + s.r.channels - c, s.r_alignment);
            } else if (c + kN > s.r_first) { // begins within these
#pragma unroll
                for (int i = 0; i < kN; i += kWord) {
                    float values[kWord];
#pragma unroll
                    for (int k = 0; k < kWord; ++k)
                        values[k] =
                            c + i + k >= s.r_first && c + i + k < s.r_first + s.r.channels ? to_float(r[i + k]) : 0.f;
                    raw_r[j].words[i / kWord] = pack_word<T>(values);
                }
            }
        }
#pragma unroll
        for (int j = 0; j < kAhead; ++j) {
            const int own = p + j * apart;
            if (own >= n) break;
            Run<T, kN> out{};
            if (pixels[j] >= 0) {
#pragma unroll
                for (int i = 0; i < kN; i += kWord) {
                    float values[kWord], added[kWord];
                    unpack_word<T>(raw[j].words[i / kWord], values);
                    unpack_word<T>(raw_r[j].words[i / kWord], added);
#pragma unroll
                    for (int k = 0; k < kWord; ++k) {
                        values[k] = fmaf(cx[i + k], values[k], c0[i + k]);
                        if (s.r.data) values[k] = fmaf(cr[i + k], added[k], values[k]);
                        if (s.relu) values[k] = relu(values[k]);
                    }
                    out.words[i / kWord] = pack_word<T>(values);
                }
                if (kept && owned[j])
                    store_run<T, kN>(static_cast<T *>(kept->data) + point * kept->point_stride +
                                         int64_t(pixels[j]) * kept->pitch + c,
                                     valid, kept_alignment, out);
            }
            store_words<kBytes>(out, 0, tile + own * pixel_pitch(chunks));
        }
    }
}

// As stage(), of a batch straight from the bytes of a data set: cropped, mirrored and normalised on the way. A thread
// takes whole pixels; the bytes of kAhead of them are under way together.
template <class T>
__device__ __forceinline__ void stage_images(char *tile, int chunks, const DrawnImages &images, const Tiling &t,
                                             const TileAt &at, int point, int first_channel) {
    constexpr int kAhead = 2;
    const ImageBytes &bytes = images.bytes;
    const DrawnSample *samples = images.samples.data + point * images.samples.stride;
    const int first_y = at.y * t.step + t.first_y, first_x = at.x * t.step + t.first_x;
    const int n = t.images * t.halo_rows * t.halo_columns, apart = int(blockDim.x), pitch = pixel_pitch(chunks);
#pragma unroll 1
    for (int p = int(threadIdx.x); p < n; p += kAhead * apart) {
        const uint8_t *pixels[kAhead]; // nullptr: 0
#pragma unroll
        for (int j = 0; j < kAhead; ++j) {
            const int own = p + j * apart;
            const int image = t.by_halo_plane.quotient(own), in_plane = own - image * t.halo_rows * t.halo_columns;
            const int row = t.by_halo_columns.quotient(in_plane), column = in_plane - row * t.halo_columns;
            const int y = first_y + row, x = first_x + column;
            const bool inside =
                own < n && y >= 0 && y < bytes.height && x >= 0 && x < bytes.width && at.image + image < t.n_images;
            pixels[j] = inside ? augmented_pixel(bytes, samples[at.image + image], y, x) : nullptr;
        }
        char *to = tile + p * pitch;
#pragma unroll 1
        for (int end = first_channel + chunks * kPerChunk<T>, c = first_channel; c < end; c += 4, to += 4 * sizeof(T)) {
            float values[kAhead][4];
#pragma unroll
            for (int j = 0; j < kAhead; ++j)
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    values[j][i] = c + i < bytes.channels ? augmented_value(bytes, pixels[j], c + i) : 0.f;
#pragma unroll
            for (int j = 0; j < kAhead; ++j)
                if (p + j * apart < n) store_four<T>(reinterpret_cast<T *>(to + j * apart * pitch), 4, true, values[j]);
        }
    }
}

// --- the loop over taps ----------------------------------------------------------------------------------------------

// This lane's weights of a k-step and tap: of slice `slice` of 16 outputs.
__device__ __forceinline__ const uint4 *lane_weights(const PackedWeights &weights, int point, int slice, int n_steps,
                                                     int taps, int lane) {
    return reinterpret_cast<const uint4 *>(static_cast<const char *>(weights.data) + point * weights.point_stride) +
           int64_t(slice) * n_steps * taps * 32 + lane;
}

// Adds `n_steps` k-steps of all kKernel x kKernel taps to a strip of R rows and 16 S outputs.
// a: this lane's address for row 0 of the strip; w: this lane's weights of the first k-step and tap, the other half of
// them eight lanes on; consecutive taps are `tap_stride` apart (negative: flipped), consecutive k-steps step_stride.
template <class T, int kKernel, int kStride, int R, int S>
__device__ __forceinline__ void strip_taps(float (&acc)[R][S][2][4], SharedAddress a, int row_bytes, int pixel_bytes,
                                           int n_steps, const uint4 *w, int tap_stride, int step_stride) {
    for (int k = 0; k < n_steps; ++k, a += 32, w += step_stride) {
#pragma unroll
        for (int kx = 0; kx < kKernel; ++kx) {
            uint4 b[kKernel][S];
#pragma unroll
            for (int ky = 0; ky < kKernel; ++ky)
#pragma unroll
                for (int s = 0; s < S; ++s) b[ky][s] = __ldg(w + (ky * kKernel + kx) * tap_stride + s * 8);
            SharedAddress from = a + SharedAddress(kx * pixel_bytes);
#pragma unroll
            for (int row = 0; row < (R - 1) * kStride + kKernel; ++row, from += SharedAddress(row_bytes)) {
                uint32_t values[4];
                ldmatrix(values, from);
#pragma unroll
                for (int ky = 0; ky < kKernel; ++ky)
                    if (row >= ky && (row - ky) % kStride == 0 && (row - ky) / kStride < R)
#pragma unroll
                        for (int s = 0; s < S; ++s) multiply<T>(acc[(row - ky) / kStride][s], values, b[ky][s]);
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
__device__ __forceinline__ void strip_general(float (&acc)[kRows][1][2][4], SharedAddress a, int row_bytes,
                                              int pixel_bytes, int step, int kernel, const TapClass &taps, int n_steps,
                                              const uint4 *w, int step_stride) {
    for (int k = 0; k < n_steps; ++k, a += 32, w += step_stride)
        for (int ky = taps.ky0, dy = taps.dy0; ky < kernel; ky += taps.tap_step, dy += taps.d_step)
            for (int kx = taps.kx0, dx = taps.dx0; kx < kernel; kx += taps.tap_step, dx += taps.d_step) {
                const uint4 b = __ldg(w + (ky * kernel + kx) * 32);
#pragma unroll
                for (int row = 0; row < kRows; ++row) {
                    uint32_t values[4];
                    ldmatrix(values, a + (row * step + dy) * row_bytes + dx * pixel_bytes);
                    multiply<T>(acc[row][0], values, b);
                }
            }
}

// --- the walk over tiles ---------------------------------------------------------------------------------------------

// One pass of 16-channel slices of outputs over all tiles: the forward pass and, with gradients as inputs, the data
// gradient. A strided data gradient consists of stride x stride *classes* of positions, those of one remainder of y and
// of x, each with taps of its own.
struct Walk {
    Source src;
    DrawnImages images; // staged in place of src by a kernel for images
    Tensor kept;
    int kept_alignment = 0;
    Tiling tiling;
    PackedWeights weights;
    int outputs = 0, kernel = 1, parts = 1;
    int classes = 1, padding = 0, first_d = 0; // along one direction; first_d: first_y of the tiling
    bool flipped = false;                      // tap i uses weights of tap kernel^2 - 1 - i
    int log_groups = 0;                        // slices of a block
    int n_groups = 1;                          // blocks side by side for all slices
    int chunks = 2, n_steps = 1;               // chunks of a pixel staged at once, two a k-step; k-steps in all
    Division by_chunks;
    Element element = Element::kFp32;
    int coefficient_channels = 16;

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
        moments = reinterpret_cast<float *>(shared_memory()) + coefficient_floats(walk.coefficient_channels);
    }
};

// Calls consume(each) for every strip of the thread, in a fixed order; each(body) then calls body(image, y, x, sums, i)
// for every position, with the sums of outputs place.channel .. + 3; i, a constant, numbers the kPositions there are at
// most. kKernel 0: any kernel and stride.
template <class T, int kKernel, int kStride, bool kImages = false, class Consume>
__device__ __forceinline__ void walk_tiles(const Walk &walk, const Place &place, Consume consume) {
    const Tiling &t = walk.tiling;
    const CoefficientTable coefficients{reinterpret_cast<float *>(shared_memory()), walk.coefficient_channels, 0};
    char *tile = reinterpret_cast<char *>(place.moments + kConvWarps * 16 * kConvMoments);
    if (!kImages) load_coefficients(coefficients, walk.src, place.point);

    const bool has_outputs = place.slice * 16 < walk.outputs;
    const int taps = kKernel ? kKernel * kKernel : walk.kernel * walk.kernel;
    const uint4 *weights =
        lane_weights(walk.weights, place.point, has_outputs ? place.slice : 0, walk.n_steps, taps, place.lane) +
        (walk.flipped ? (taps - 1) * 32 : 0);
    const int tap_stride = walk.flipped ? -32 : 32, pitch = pixel_pitch(walk.chunks);
    const int steps_at_once = walk.chunks / 2;
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
            const int lane = thread_again() & 31, own = min(strip * 16 + (lane & 15), t.images * t.columns - 1);
            const int own_image = t.by_columns.quotient(own), own_x = own - own_image * t.columns;
            const int pixel = (own_image * t.halo_rows + group * kRows * t.step) * t.halo_columns + own_x * t.step;
            const SharedAddress a = shared_address(tile) + SharedAddress(pixel * pitch + (lane >> 4) * 16);
            float acc[kRows][1][2][4];
#pragma unroll
            for (int row = 0; row < kRows; ++row)
#pragma unroll
                for (int j = 0; j < 8; ++j) acc[row][0][j >> 2][j & 3] = 0.f;

            for (int step = 0; step < walk.n_steps; step += steps_at_once) {
                if (round == 0 || walk.n_steps > steps_at_once) {
                    __syncthreads();
                    if constexpr (kImages)
                        stage_images<T>(tile, walk.chunks, walk.images, t, at, place.point, step * kStep<T>);
                    else
                        stage<T, kStride == 1 ? kAhead<T> : 1>(
                            tile, walk.chunks, walk.by_chunks, coefficients, walk.src,
                            walk.kept.data && blockIdx.y == 0 && round == 0 ? &walk.kept : nullptr, walk.kept_alignment,
                            t, at, place.point, step * kStep<T>, 0, 0, int(threadIdx.x), kConvThreads);
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

            consume([&](auto body) {
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    const int column = strip * 16 + (place.lane >> 2) + 8 * half;
                    const int image = t.by_columns.quotient(column), x = at.x + column - image * t.columns;
                    if (image >= t.images || at.image + image >= t.n_images || x >= t.width) continue;
#pragma unroll
                    for (int row = 0; row < kRows; ++row) {
                        const int y = at.y + group * kRows + row;
                        if (y >= t.height) continue;
                        const float sums[4] = {acc[row][0][0][2 * half], acc[row][0][0][2 * half + 1],
                                               acc[row][0][1][2 * half], acc[row][0][1][2 * half + 1]};
                        body(at.image + image, y * walk.classes + class_y, x * walk.classes + class_x, sums,
                             half * kRows + row);
                    }
                }
            });
        }
    }
}

} // namespace ist::cuda
