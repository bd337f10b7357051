// conv_panel_avx512.cpp - convolutions as one matrix product of pixels and weights; float and bf16 elements.
//
// Formula. With K = what a pixel brings and N = what it makes:
//   1x1                dst[p][o] = sum_i x[p][i] w[o][i]                       K = src_channels, N = dst_channels
//   3x3 to few         P[p][tap, o] = sum_i x[p][i] w[o][i][tap], then         K = src_channels, N = 9 * dst_channels
//                      dst[p][o] = sum of the 9 pieces P[p + tap][tap, o]
//   1x1 data gradient  dsrc[p][i] = sum_o dy[p][o] w[o][i]                     K = dst_channels, N = src_channels
//   3x3 data gradient  dsrc[p][i] = sum_(tap, o) dy[p - tap][o] w[o][i][tap]   K = 9 * dst_channels, N = src_channels
// DenseNet's 12 channels would leave a quarter of 16 lanes empty; 9 * 12 = 108 fill 96 % of seven vectors. In fp32 the
// 3x3 ones go to conv_winograd_avx512.cpp where it takes them.
//
// Layout. Lanes are the N columns, in panels of up to 7 vectors of nearly equal width; weights lie
// [panel][step][vector][16], a step being 32 bits of K: a float, or two bf16 for VDPBF16PS (an odd channel is filled up
// with 0). Where at most 8 lanes of the last vector are in use, it is worked on as a 256-bit one. Pixels are packed to
// the same steps, 16 at a time in L1, through the prologue (each is read from memory once); those of the 3x3 data
// gradient as three dense rows with a pixel of zeros on either side, where three neighbours are one run of steps:
// nothing is copied nine times.
//
// Passes. A tile is 4 pixels x up to 7 vectors or 8 x up to 3: at most 28 sums, so that a vector of weights is loaded
// for every 4 (8) multiply-adds and may come from L2 (16 bytes a cycle). Sums go through the epilogue to dst, or, 3x3
// forward, to a ring of three rows of products, from which the shifted sum of the row before is taken.
//
// Determinism. Every sum runs over K in order in one accumulator, the nine pieces by rows of taps: nothing depends on
// tiles, on the number of images, or on other images.
//
// Speed: % of a multiply-add probe (117 GFLOP/s fp32, 235 bf16), useful work only, forward with prologue, data gradient
// adding; in brackets oneDNN 3.13 with the affine pass, copy or addition that it needs besides, in the same process.
// 8 images in calls of 1 (32x32), 4 (16x16) or 8 (8x8), one thread of an AMD EPYC (Zen 4), GCC 12.2, a busy machine:
// smallest CPU time of each call.
//                     forward fp32  bf16       data fp32   bf16
//   3x3  24->12 32x32    72 (65)    58 (60)     80 (67)    70 (59)
//   3x3  60->12 32x32    81 (64)    73 (65)     87 (75)    80 (80)
//   3x3 156->12 32x32    79 (64)    76 (57)     75 (78)    75 (65)
//   3x3 168->12 16x16    88 (75)    78 (71)     94 (85)    85 (76)
//   3x3 300->12 16x16    89 (72)    85 (71)     93 (80)    89 (79)
//   3x3 444->12   8x8    90 (82)    86 (78)     95 (86)    90 (74)
//   3x3  48->12   8x8    81 (73)    71 (64)     93 (84)    84 (65)
//   1x1  36->48 32x32    78 (69)    65 (59)     70 (58)    58 (54)
//   1x1 108->48 32x32    85 (74)    78 (71)     71 (64)    75 (72)
//   1x1 450->48   8x8    88 (84)    83 (77)     89 (78)    79 (71)
//   1x1 168->168 16x16   89 (78)    91 (83)     91 (88)    90 (87)
//   1x1 312->312  8x8    95 (86)    96 (90)     97 (92)    95 (93)
//   1x1  16->32, stride 2, 32x32  54 (34)  36 (22);  32->64, 16x16  81 (51)  68 (35)
//
// What was tried, on the same machine:
// * Sums as a plain two-dimensional array in loops: GCC 12 keeps a tile of 4 x 7 in memory, 27 % of the peak in fp32.
//   Hence unrolled().
// * All four pixels of a step of such a tile in registers would take 33; one is broadcast by the multiply-add itself.
// * A call per tile instead of a loop over tiles: 69 instead of 73 % (3x3 48->12 8x8, bf16). Steps unrolled by two:
//   73 %.
// * The epilogue element by element instead of a column of pixels at a time: 54 instead of 63 % (1x1 36->48, bf16).
// * Whole last vectors instead of half ones: 67 instead of 79 % (3x3 data gradient of 36 channels, fp32).
// * No prefetch: 77 instead of 82 % where pixels come from beyond L2 (3x3 156->12 32x32, fp32), 1 % better within.
// * No prefetch of what a data gradient's tile is added to: DenseNet-40 training, bf16, 99 instead of 103 images/s.
// * The shifted sum every 4, 8 or 16 pixels instead of every row: no difference beyond 2 %. It, the stores before it
//   and the packing cost 45 to 55 cycles a pixel; that is why short K (84 cycles of multiply-adds at K = 24 in bf16)
//   falls behind.
// * Rounding weights to bf16 by integer arithmetic instead of one instruction: 69 instead of 41 us (pack, 444->12).
#include "conv_avx512.h"

namespace ist::cpu {
namespace {

constexpr int kMaxVectors = 7;
constexpr int kBlock = 16;       // pixels packed at a time
constexpr int kFlushedRows = 16; // rows of pixels whose sums stay in float

using bf16 = Bf16::T;
template <class T> using Element = typename ElementOf<T>::Type;

// A *step* is what one multiply-accumulate instruction takes from a pixel: 32 bits, one float or two bf16.
template <class T> constexpr int kPerStep = int(sizeof(float) / sizeof(T));
template <class T> constexpr int kPerVector = kLanes * kPerStep<T>;

inline int ceil_div(int a, int b) { return (a + b - 1) / b; }
template <class T> inline int steps_of(int channels) { return ceil_div(channels, kPerStep<T>); }

// ---- vectors ------------------------------------------------------------------------------------------------------

template <class T> IST_INLINE __m512 load(const T *p, __mmask16 mask) { return Element<T>::load(p, mask); }
template <class T> IST_INLINE void store(T *p, __m512 v, __mmask16 mask) { Element<T>::store(p, v, mask); }
inline __m512 relu(__m512 v) { return _mm512_max_ps(_mm512_setzero_ps(), v); } // NaN stays NaN

// sum + w * x, on all lanes or (kHalf) on the lower eight, which takes half the time where 512-bit instructions are
// made of two halves.
template <class T, bool kHalf> inline __m512 multiply_add(__m512 sum, __m512 w, __m512 x) {
    if constexpr (kHalf) {
        const __m256 s = _mm512_castps512_ps256(sum), v = _mm512_castps512_ps256(w), y = _mm512_castps512_ps256(x);
        if constexpr (sizeof(T) == sizeof(float)) return _mm512_castps256_ps512(_mm256_fmadd_ps(v, y, s));
        else return _mm512_castps256_ps512(_mm256_dpbf16_ps(s, (__m256bh)v, (__m256bh)y));
    } else {
        if constexpr (sizeof(T) == sizeof(float)) return _mm512_fmadd_ps(w, x, sum);
        else return _mm512_dpbf16_ps(sum, (__m512bh)w, (__m512bh)x);
    }
}
// The same with x broadcast from memory. In assembler, because the compiler loads a repeated operand once, for which a
// full tile has no register left.
template <class T, bool kHalf> inline __m512 multiply_add_from(__m512 sum, __m512 w, const float &x) {
    constexpr bool kFloat = sizeof(T) == sizeof(float);
    if constexpr (kFloat && kHalf) asm("vfmadd231ps %2%{1to8%}, %t1, %t0" : "+v"(sum) : "v"(w), "m"(x));
    if constexpr (kFloat && !kHalf) asm("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(w), "m"(x));
    if constexpr (!kFloat && kHalf) asm("vdpbf16ps %2%{1to8%}, %t1, %t0" : "+v"(sum) : "v"(w), "m"(x));
    if constexpr (!kFloat && !kHalf) asm("vdpbf16ps %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(w), "m"(x));
    return sum;
}
template <bool kHalf> inline __m512 load_weights(const float *p) {
    if constexpr (kHalf) return _mm512_castps256_ps512(_mm256_load_ps(p));
    else return _mm512_load_ps(p);
}

// ---- the matrix product -------------------------------------------------------------------------------------------

// N columns in vectors of 16, cut into panels of at most kMaxVectors vectors that are as equal as can be.
struct Columns {
    int vectors, panels;
    bool half; // at most eight lanes of the last vector are in use
    explicit Columns(int n)
        : vectors(ceil_div(n, kLanes)), panels(ceil_div(vectors, kMaxVectors)),
          half(n % kLanes != 0 && n % kLanes <= kLanes / 2) {}
    int begin(int panel) const { return vectors * panel / panels; }
    int padded() const { return vectors * kLanes; }
};

// Consecutive rows of the left matrix. A row is one or three runs of `steps` steps; rows lie `pitch` steps apart, and
// may overlap: the three neighbours of a pixel are one run.
struct Rows {
    const float *run[3];
    int runs, steps;
    int64_t pitch;
    Rows from(int row) const {
        Rows rows = *this;
        for (const float *&r : rows.run) r += row * pitch;
        return rows;
    }
};

// Calls body(0), .., body(kN - 1) with compile-time numbers: an array indexed by them alone lives in registers.
template <int kIndex> struct Index {
    static constexpr int value = kIndex;
    constexpr operator int() const { return kIndex; }
};
template <int kN, class Body> inline __attribute__((always_inline)) void unrolled(const Body &body) {
    if constexpr (kN > 0) {
        unrolled<kN - 1>(body);
        body(Index<kN - 1>{});
    }
}

// sum[i][j] = rows[i] x panel, panel: [runs * steps][kV][16] of 32 bits; kHalf: the last vector is half empty. Either
// the kV weights or the kP pixels of a step are held in registers, whichever are fewer.
template <class T, int kV, bool kHalf, int kP>
inline __attribute__((always_inline)) void multiply(__m512 (&sum)[kP][kV], const Rows &rows, const float *panel) {
    unrolled<kP>([&](auto i) { unrolled<kV>([&](auto j) { sum[i][j] = _mm512_setzero_ps(); }); });
    for (int run = 0; run < rows.runs; run++) {
        const float *x[kP];
        unrolled<kP>([&](auto i) { x[i] = rows.run[run] + i * rows.pitch; });
        for (int64_t step = 0; step < rows.steps; step++, panel += kV * kLanes) {
            if constexpr (kV <= 4) {
                __m512 w[kV];
                unrolled<kV>([&](auto j) {
                    constexpr bool kHalfEmpty = kHalf && decltype(j)::value == kV - 1;
                    w[j] = load_weights<kHalfEmpty>(panel + j * kLanes);
                });
                unrolled<kP>([&](auto i) {
                    const __m512 b = _mm512_set1_ps(x[i][step]);
                    unrolled<kV>([&](auto j) {
                        constexpr bool kHalfEmpty = kHalf && decltype(j)::value == kV - 1;
                        sum[i][j] = multiply_add<T, kHalfEmpty>(sum[i][j], w[j], b);
                    });
                });
            } else {
                constexpr int kHeld = kV * kP + kP + 1 > 32 ? kP - 1 : kP;
                __m512 b[kHeld];
                unrolled<kHeld>([&](auto i) { b[i] = _mm512_set1_ps(x[i][step]); });
                unrolled<kV>([&](auto j) {
                    constexpr bool kHalfEmpty = kHalf && decltype(j)::value == kV - 1;
                    const __m512 w = load_weights<kHalfEmpty>(panel + j * kLanes);
                    unrolled<kHeld>([&](auto i) { sum[i][j] = multiply_add<T, kHalfEmpty>(sum[i][j], w, b[i]); });
                    if constexpr (kHeld < kP)
                        sum[kP - 1][j] = multiply_add_from<T, kHalfEmpty>(sum[kP - 1][j], w, x[kP - 1][step]);
                });
            }
        }
    }
}

// As many whole tiles of kP rows as fit between begin and end; returns where they end.
template <class T, class Sink, int kV, bool kHalf, int kP>
int tiles(const Rows &rows, int begin, int end, const float *panel, const Sink &sink, int64_t row, int column) {
    for (; begin + kP <= end; begin += kP) {
        __m512 sum[kP][kV];
        sink.template expect<kP>(row + begin, column, kV);
        multiply<T, kV, kHalf>(sum, rows.from(begin), panel);
        unrolled<kV>([&](auto j) {
            __m512 of_column[kP];
            unrolled<kP>([&](auto i) { of_column[i] = sum[i][j]; });
            sink.put(row + begin, column + j * kLanes, of_column);
        });
    }
    return begin;
}

template <class T, class Sink> using Tiles = int (*)(const Rows &, int, int, const float *, const Sink &, int64_t, int);

// [half][width - 1][.]: tiles of 8 (where their sums fit the registers), 4 and 1 rows.
constexpr int kSizes = 3;
template <class T, class Sink> struct TileTable {
    template <int kV, bool kHalf>
    static constexpr Tiles<T, Sink> of[kSizes] = {
        tiles < T, Sink, kV, kHalf, kV <= 3 ? 8 : 4 >, tiles<T, Sink, kV, kHalf, 4>, tiles<T, Sink, kV, kHalf, 1>};
    static constexpr const Tiles<T, Sink> *all[2][kMaxVectors] = {
        {of<1, false>, of<2, false>, of<3, false>, of<4, false>, of<5, false>, of<6, false>, of<7, false>},
        {of<1, true>, of<2, true>, of<3, true>, of<4, true>, of<5, true>, of<6, true>, of<7, true>}};
};

// sink row `row` + i, for i < count: rows[i] x weights.
template <class T, class Sink>
void product(const Rows &rows, int count, const Columns &columns, const float *weights, const Sink &sink, int64_t row) {
    for (int p = 0; p < columns.panels; p++) {
        const int begin = columns.begin(p), width = columns.begin(p + 1) - begin;
        const bool half = columns.half && p == columns.panels - 1;
        const float *panel = weights + int64_t(begin) * kLanes * rows.runs * rows.steps;
        int done = 0;
        for (int size = 0; size < kSizes && done < count; size++)
            done = TileTable<T, Sink>::all[half][width - 1][size](rows, done, count, panel, sink, row, begin * kLanes);
    }
}

// Where sums go. expect() tells a sink of a tile that is being computed, so that what the sink needs for it is in L1 by
// then. To floats, all columns with their padding, ...
struct FloatSink {
    float *data;
    int64_t pitch;
    template <int kP> void expect(int64_t, int, int) const {}
    template <int kP> __attribute__((always_inline)) void put(int64_t row, int column, const __m512 (&sum)[kP]) const {
        float *p = data + row * pitch + column;
        unrolled<kP>([&](auto i) { _mm512_store_ps(p + i * pitch, sum[i]); });
    }
};
// ... or to elements, after the epilogue, ... All take kP rows of one vector of columns.
template <class T> struct OutputSink {
    T *data;
    const T *residual;
    int64_t pitch, residual_pitch;
    const float *bias;
    bool relu_wanted;
    int channels;
    OutputSink(Slice dst, ConstSlice residual, const float *bias, bool relu_wanted, int channels)
        : data(static_cast<T *>(dst.data)), residual(static_cast<const T *>(residual.data)), pitch(dst.pitch),
          residual_pitch(residual.pitch), bias(bias), relu_wanted(relu_wanted), channels(channels) {}
    template <int kP> void expect(int64_t, int, int) const {}
    template <int kP> __attribute__((always_inline)) void put(int64_t row, int column, __m512 (&sum)[kP]) const {
        const __mmask16 mask = first_lanes(channels - column);
        if (bias) {
            const __m512 b = load(bias + column, mask);
            unrolled<kP>([&](auto i) { sum[i] = _mm512_add_ps(sum[i], b); });
        }
        if (residual) {
            const T *p = residual + row * residual_pitch + column;
            unrolled<kP>([&](auto i) { sum[i] = _mm512_add_ps(sum[i], load(p + i * residual_pitch, mask)); });
        }
        if (relu_wanted) unrolled<kP>([&](auto i) { sum[i] = relu(sum[i]); });
        T *p = data + row * pitch + column;
        unrolled<kP>([&](auto i) { store(p + i * pitch, sum[i], mask); });
    }
    void flush() const {}
};
// ... or to a gradient, through the batch norm in front. The norm's sums gather in `sums`, [2][padded channels].
template <class T> struct DataSink {
    using E = Element<T>;
    T *data;
    int64_t pitch;
    int channels, padded;
    const ConvDataEpilogue &epilogue;
    float *sums;
    DataSink(Slice dsrc, int channels, int padded, const ConvDataEpilogue &epilogue, float *sums)
        : data(static_cast<T *>(dsrc.data)), pitch(dsrc.pitch), channels(channels), padded(padded), epilogue(epilogue),
          sums(sums) {
        std::memset(sums, 0, size_t(2 * padded) * sizeof(float));
    }
    template <int kP> __attribute__((always_inline)) void expect(int64_t row, int column, int vectors) const {
        const int end = column + vectors * kLanes < channels ? column + vectors * kLanes : channels;
        const T *x = static_cast<const T *>(epilogue.x.data);
        for (int i = 0; i < kP; i++) {
            if (x) prefetch(x + (row + i) * epilogue.x.pitch, column, end);
            if (epilogue.add) prefetch(data + (row + i) * pitch, column, end);
        }
    }
    IST_INLINE static void prefetch(const T *pixel, int begin, int end) { // in line: conv_winograd_avx512.cpp, expect()
        for (int c = begin; c < end; c += int(64 / sizeof(T))) _mm_prefetch(pixel + c, _MM_HINT_T0);
        _mm_prefetch(pixel + end - 1, _MM_HINT_T0);
    }
    template <int kP> __attribute__((always_inline)) void put(int64_t row, int column, __m512 (&sum)[kP]) const {
        const __mmask16 mask = first_lanes(channels - column);
        if (epilogue.x.data) {
            const auto *x = static_cast<const typename E::T *>(epilogue.x.data) + row * epilogue.x.pitch;
            norm_backward<E>(sum,
                             NormAt<typename E::T>{x, epilogue.x.pitch, epilogue.scale, epilogue.shift, epilogue.mean,
                                                   epilogue.relu, sums, sums + padded},
                             column, mask);
        }
        T *p = data + row * pitch + column;
        if (epilogue.add) unrolled<kP>([&](auto i) { sum[i] = _mm512_add_ps(sum[i], load(p + i * pitch, mask)); });
        unrolled<kP>([&](auto i) { store(p + i * pitch, sum[i], mask); });
    }
    void flush() const {
        if (!epilogue.x.data) return;
        ist::cpu::flush(sums, epilogue.dbeta, channels);
        ist::cpu::flush(sums + padded, epilogue.dgamma, channels);
    }
};

// ---- packing ------------------------------------------------------------------------------------------------------

// One column of the right matrix, k counting elements.
template <class T> struct Column {
    T *data;
    int64_t pitch;
    Column(float *weights, const Columns &columns, int64_t steps, int n) {
        const int vector = n / kLanes;
        int panel = 0;
        while (columns.begin(panel + 1) <= vector) panel++;
        const int begin = columns.begin(panel), width = columns.begin(panel + 1) - begin;
        data = reinterpret_cast<T *>(weights + begin * kLanes * steps + (vector - begin) * kLanes + n % kLanes);
        pitch = width * kLanes * kPerStep<T>;
    }
    void set(int k, float value) const { data[k / kPerStep<T> * pitch + k % kPerStep<T>] = Element<T>::weight(value); }
};

// Pixels to steps, through the prologue; an odd bf16 channel gets a zero beside it.
template <class T>
void pack_pixels(const T *const *pixels, int count, int channels, const ConvPrologue &prologue, float *dst,
                 int64_t pitch) {
    for (int c = 0; c < channels; c += kPerVector<T>, dst += kLanes) {
        const int left = channels - c;
        const __mmask16 stored = first_lanes(steps_of<T>(left));
        if constexpr (sizeof(T) == sizeof(float)) {
            const __mmask16 mask = first_lanes(left);
            if (!prologue.scale) {
                for (int i = 0; i < count; i++) store(dst + i * pitch, load(pixels[i] + c, mask), stored);
                continue;
            }
            const __m512 scale = load(prologue.scale + c, mask), shift = load(prologue.shift + c, mask);
            const __m512 floor = _mm512_set1_ps(prologue.relu ? 0.f : -__builtin_inff());
            for (int i = 0; i < count; i++) {
                const __m512 x = _mm512_fmadd_ps(scale, load(pixels[i] + c, mask), shift);
                store(dst + i * pitch, _mm512_max_ps(floor, x), stored);
            }
        } else {
            const __mmask32 mask = left >= 32 ? ~__mmask32(0) : (__mmask32(1) << left) - 1;
            if (!prologue.scale) {
                for (int i = 0; i < count; i++)
                    _mm512_mask_storeu_epi32(dst + i * pitch, stored, _mm512_maskz_loadu_epi16(mask, pixels[i] + c));
                continue;
            }
            const __mmask16 low = __mmask16(mask), high = __mmask16(mask >> 16);
            const __m512 scale0 = load(prologue.scale + c, low), shift0 = load(prologue.shift + c, low);
            const __m512 scale1 = load(prologue.scale + c + kLanes, high);
            const __m512 shift1 = load(prologue.shift + c + kLanes, high);
            const __m512 floor = _mm512_set1_ps(prologue.relu ? 0.f : -__builtin_inff());
            for (int i = 0; i < count; i++) {
                const __m512 x0 = _mm512_fmadd_ps(scale0, load(pixels[i] + c, low), shift0);
                const __m512 x1 = _mm512_fmadd_ps(scale1, load(pixels[i] + c + kLanes, high), shift1);
                const __m512bh x = _mm512_cvtne2ps_pbh(_mm512_max_ps(floor, x1), _mm512_max_ps(floor, x0));
                _mm512_mask_storeu_epi32(dst + i * pitch, stored, (__m512i)x);
            }
        }
    }
}

// Asks for the cache lines of pixels that are packed next; their stride is too long for the processor to foresee.
template <class T> inline void prefetch_pixels(const T *const *pixels, int count, int channels) {
    for (int i = 0; i < count; i++) {
        const char *p = reinterpret_cast<const char *>(pixels[i]);
        for (int64_t b = 0; b < int64_t(channels) * int64_t(sizeof(T)) + 63; b += 64) _mm_prefetch(p + b, _MM_HINT_T1);
    }
}

inline int64_t whole_vectors(int64_t floats) { return (floats + kLanes - 1) / kLanes * kLanes; }

// ---- 1x1: pixels x channels ---------------------------------------------------------------------------------------

// The pixels that a 1x1 convolution reads, in the order of those it writes.
template <class T> class PixelWalk {
  public:
    PixelWalk(const ConvShape &shape, ConstSlice src)
        : row_(static_cast<const T *>(src.data)), pixel_(row_), step_(src.pitch * shape.stride),
          row_step_(src.pitch * shape.width * shape.stride), image_(row_),
          image_step_(src.pitch * shape.width * shape.height), width_((shape.width - 1) / shape.stride + 1),
          height_((shape.height - 1) / shape.stride + 1) {}
    const T *next() {
        const T *here = pixel_;
        pixel_ += step_;
        if (++x_ < width_) return here;
        x_ = 0, row_ += row_step_;
        if (++y_ == height_) y_ = 0, row_ = image_ += image_step_;
        pixel_ = row_;
        return here;
    }

  private:
    const T *row_, *pixel_;
    int64_t step_, row_step_;
    const T *image_;
    int64_t image_step_;
    int width_, height_, x_ = 0, y_ = 0;
};

template <class T, class Sink>
void pointwise(const ConvShape &shape, int64_t count, int channels, ConstSlice src, const ConvPrologue &prologue,
               const Columns &columns, const float *weights, const Sink &sink, float *scratch) {
    const int steps = steps_of<T>(channels);
    const Rows rows{{scratch, nullptr, nullptr}, 1, steps, whole_vectors(steps)};
    PixelWalk<T> walk(shape, src);
    const T *pixels[kBlock];
    for (int i = 0; i < kBlock && i < count; i++) pixels[i] = walk.next();
    for (int64_t begin = 0; begin < count; begin += kBlock) {
        const int block = int(count - begin < kBlock ? count - begin : kBlock);
        pack_pixels(pixels, block, channels, prologue, scratch, rows.pitch);
        const int after = int(count - begin - block < kBlock ? count - begin - block : kBlock);
        for (int i = 0; i < after; i++) pixels[i] = walk.next();
        prefetch_pixels(pixels, after, channels);
        product<T>(rows, block, columns, weights, sink, begin);
        if ((begin + kBlock) % kSumRows == 0) sink.flush();
    }
    sink.flush();
}

// ---- 3x3 forward: pixels x 9 pieces, then the shifted sum ---------------------------------------------------------

template <class T> struct Forward {
    static Columns columns(const ConvShape &s) { return Columns(s.kernel * s.kernel * s.dst_channels); }
    static int64_t panel_floats(const ConvShape &s) { return kBlock * whole_vectors(steps_of<T>(s.src_channels)); }
    static int64_t product_row(const ConvShape &s) { return int64_t(s.width + 2) * columns(s).padded(); }

    static bool supports(const ConvShape &s) {
        if (s.kernel == 1) return s.padding == 0 && (s.stride == 1 || s.stride == 2);
        return s.kernel == 3 && s.stride == 1 && s.padding == 1 && s.dst_channels < kLanes;
    }
    static size_t packed_bytes(const ConvShape &s) {
        return size_t(columns(s).padded()) * size_t(steps_of<T>(s.src_channels)) * sizeof(float);
    }
    static void pack(const ConvShape &s, const float *oihw, void *packed) {
        std::memset(packed, 0, packed_bytes(s));
        const int taps = s.kernel * s.kernel, steps = steps_of<T>(s.src_channels);
        for (int to = 0; to < s.dst_channels; to++)
            for (int tap = 0; tap < taps; tap++) {
                const Column<T> column(static_cast<float *>(packed), columns(s), steps, tap * s.dst_channels + to);
                const float *w = oihw + int64_t(to) * s.src_channels * taps + tap;
                for (int from = 0; from < s.src_channels; from++) column.set(from, w[from * taps]);
            }
    }
    static size_t scratch_bytes(const ConvShape &s) {
        return size_t(panel_floats(s) + (s.kernel == 3 ? 4 * product_row(s) + kLanes : 0)) * sizeof(float);
    }

    static void run(const ConvShape &s, int n, ConstSlice src, const ConvPrologue &prologue, const void *packed,
                    const ConvEpilogue &epilogue, Slice dst, void *scratch) {
        const OutputSink<T> sink(dst, epilogue.residual, epilogue.bias, epilogue.relu, s.dst_channels);
        const float *weights = static_cast<const float *>(packed);
        float *panel = static_cast<float *>(scratch);
        if (s.kernel == 1) {
            const int64_t height = (s.height - 1) / s.stride + 1, width = (s.width - 1) / s.stride + 1;
            return pointwise<T>(s, n * height * width, s.src_channels, src, prologue, columns(s), weights, sink, panel);
        }
        run_3x3(s, n, src, prologue, weights, sink, panel);
    }

    // Products of a row of pixels lie in a ring of three rows, with a column of zeros on either side; a fourth row of
    // zeros stands for those outside the image.
    static void run_3x3(const ConvShape &s, int n, ConstSlice src, const ConvPrologue &prologue, const float *weights,
                        const OutputSink<T> &sink, float *panel) {
        const Columns cols = columns(s);
        float *ring = panel + panel_floats(s);
        const int64_t row_floats = product_row(s);
        for (int r = 0; r < 3; r++) {
            std::memset(ring + r * row_floats, 0, size_t(cols.padded()) * sizeof(float));
            std::memset(ring + (r + 1) * row_floats - cols.padded(), 0, size_t(cols.padded()) * sizeof(float));
        }
        float *zeros = ring + 3 * row_floats;
        std::memset(zeros, 0, size_t(row_floats + kLanes) * sizeof(float));

        const int steps = steps_of<T>(s.src_channels);
        const Rows rows{{panel, nullptr, nullptr}, 1, steps, whole_vectors(steps)};
        const T *pixel = static_cast<const T *>(src.data);
        for (int64_t image = 0; image < n; image++)
            for (int y = 0; y <= s.height; y++) {
                float *here = y < s.height ? ring + y % 3 * row_floats : zeros;
                const float *products[3] = {y >= 2 ? ring + (y - 2) % 3 * row_floats : zeros,
                                            ring + (y + 2) % 3 * row_floats, here};
                const int64_t out = (image * s.height + y - 1) * s.width;
                for (int begin = 0; begin < s.width && y < s.height; begin += kBlock) {
                    const int block = s.width - begin < kBlock ? s.width - begin : kBlock;
                    const T *pixels[kBlock];
                    for (int i = 0; i < block; i++, pixel += src.pitch) pixels[i] = pixel;
                    pack_pixels(pixels, block, s.src_channels, prologue, panel, rows.pitch);
                    for (int i = 0; i < block; i++) pixels[i] = pixel + i * src.pitch;
                    prefetch_pixels(pixels, block, s.src_channels);
                    product<T>(rows, block, cols, weights, FloatSink{here + cols.padded(), cols.padded()}, begin);
                }
                if (y > 0) shifted_sum(products, cols.padded(), s.dst_channels, s.width, sink, out);
            }
    }

    static void shifted_sum(const float *const (&products)[3], int pitch, int channels, int width,
                            const OutputSink<T> &sink, int64_t out) {
        int x = 0;
        for (; x + 4 <= width; x += 4) sum_pixels<4>(products, x, pitch, channels, sink, out);
        for (; x < width; x++) sum_pixels<1>(products, x, pitch, channels, sink, out);
    }
    template <int kP>
    static void sum_pixels(const float *const (&products)[3], int x, int pitch, int channels, const OutputSink<T> &sink,
                           int64_t out) {
        __m512 sum[kP];
        unrolled<kP>([&](auto i) {
            __m512 of_row[3];
            unrolled<3>([&](auto ky) {
                const float *p = products[ky] + int64_t(x + i) * pitch + 3 * ky * channels;
                const __m512 left_and_middle = _mm512_add_ps(_mm512_loadu_ps(p), _mm512_loadu_ps(p + pitch + channels));
                of_row[ky] = _mm512_add_ps(left_and_middle, _mm512_loadu_ps(p + 2 * pitch + 2 * channels));
            });
            sum[i] = _mm512_add_ps(_mm512_add_ps(of_row[0], of_row[1]), of_row[2]);
        });
        sink.put(out + x, 0, sum);
    }
};

// ---- data gradient ------------------------------------------------------------------------------------------------

template <class T> struct Data {
    static int steps_of_pixel(const ConvShape &s) { return steps_of<T>(s.dst_channels); }
    static int64_t packed_steps(const ConvShape &s) { return int64_t(s.kernel) * s.kernel * steps_of_pixel(s); }
    static int64_t row_floats(const ConvShape &s) { return whole_vectors(int64_t(s.width + 2) * steps_of_pixel(s)); }

    static bool supports(const ConvShape &s) {
        if (s.stride != 1) return false;
        if (s.kernel == 1) return s.padding == 0;
        return s.kernel == 3 && s.padding == 1 && s.dst_channels < kLanes;
    }
    static size_t packed_bytes(const ConvShape &s) {
        return size_t(Columns(s.src_channels).padded()) * size_t(packed_steps(s)) * sizeof(float);
    }
    // A gradient pixel comes to a source pixel through the tap opposite to its own place in the window.
    static void pack(const ConvShape &s, const float *oihw, void *packed) {
        std::memset(packed, 0, packed_bytes(s));
        const int taps = s.kernel * s.kernel, channels = steps_of_pixel(s) * kPerStep<T>;
        const Columns columns(s.src_channels);
        for (int from = 0; from < s.src_channels; from++) {
            const Column<T> column(static_cast<float *>(packed), columns, packed_steps(s), from);
            for (int to = 0; to < s.dst_channels; to++) {
                const float *w = oihw + (int64_t(to) * s.src_channels + from) * taps;
                for (int tap = 0; tap < taps; tap++) column.set((taps - 1 - tap) * channels + to, w[tap]);
            }
        }
    }
    static int64_t rows_floats(const ConvShape &s) {
        return s.kernel == 1 ? kBlock * whole_vectors(steps_of_pixel(s)) : 4 * row_floats(s);
    }
    static size_t scratch_bytes(const ConvShape &s) {
        return size_t(rows_floats(s) + 2 * Columns(s.src_channels).padded()) * sizeof(float);
    }

    static void run(const ConvShape &s, int n, ConstSlice ddst, const void *packed, const ConvDataEpilogue &epilogue,
                    Slice dsrc, void *scratch) {
        const Columns columns(s.src_channels);
        const float *weights = static_cast<const float *>(packed);
        float *rows = static_cast<float *>(scratch);
        const DataSink<T> sink(dsrc, s.src_channels, columns.padded(), epilogue, rows + rows_floats(s));
        if (s.kernel == 1)
            return pointwise<T>(s, int64_t(n) * s.height * s.width, s.dst_channels, ddst, {}, columns, weights, sink,
                                rows);
        run_3x3(s, n, ddst, columns, weights, sink, rows);
    }

    // Rows of ddst lie in a ring of three, dense, with a pixel of zeros on either side; a fourth row is zeros.
    static void run_3x3(const ConvShape &s, int n, ConstSlice ddst, const Columns &columns, const float *weights,
                        const DataSink<T> &sink, float *ring) {
        const int64_t floats = row_floats(s), steps = steps_of_pixel(s);
        std::memset(ring, 0, size_t(4 * floats) * sizeof(float));
        const float *zeros = ring + 3 * floats;
        const T *pixel = static_cast<const T *>(ddst.data);
        for (int64_t image = 0; image < n; image++)
            for (int y = -1; y < s.height; y++) {
                const bool below = y + 1 < s.height;
                float *next = ring + (y + 1) % 3 * floats;
                if (below)
                    for (int x = 0; x < s.width; x++, pixel += ddst.pitch)
                        pack_pixels(&pixel, 1, s.dst_channels, {}, next + (x + 1) * steps, 0);
                if (y < 0) continue;
                const Rows rows{
                    {y > 0 ? ring + (y - 1) % 3 * floats : zeros, ring + y % 3 * floats, below ? next : zeros},
                    3,
                    int(3 * steps),
                    steps};
                product<T>(rows, s.width, columns, weights, sink, (image * s.height + y) * s.width);
                if (y % kFlushedRows == 0 || y + 1 == s.height) sink.flush();
            }
    }
};

template <class T>
constexpr ConvForwardKernels kForward = {Forward<T>::supports,      Forward<T>::packed_bytes, Forward<T>::pack,
                                         Forward<T>::scratch_bytes, Forward<T>::run,          true};
template <class T>
constexpr ConvDataKernels kData = {Data<T>::supports, Data<T>::packed_bytes, Data<T>::pack, Data<T>::scratch_bytes,
                                   Data<T>::run};

} // namespace

const ConvForwardKernels &conv_panel_f32_avx512() { return kForward<float>; }
const ConvForwardKernels &conv_panel_bf16_avx512() { return kForward<bf16>; }
const ConvDataKernels &conv_panel_data_f32_avx512() { return kData<float>; }
const ConvDataKernels &conv_panel_data_bf16_avx512() { return kData<bf16>; }

} // namespace ist::cpu
