// conv_weights_avx512.cpp - the weight gradient of a convolution, float and bf16 elements. In float the 3x3 ones of
// stride 1 go to conv_winograd_avx512.cpp where it takes them.
//
//   sum[i][ky][kx][o] (+)= sum over images, y, x of src[y * stride + ky - padding][x * stride + kx - padding][i]
//                                                 * ddst[y][x][o],  src = 0 outside of the image
//
// Tile: V vectors of ddst (16 lanes) times C input channels, V * C sums in registers (24 or so of 32). A step loads V
// vectors, broadcasts C elements and does V * C multiply-adds: what limits Zen 4 is one 512-bit load, broadcast or
// multiply-add each per cycle. What the vectors are, and so what a step is, depends on the shape (enum Way):
//   kTap     lanes are output channels; tap by tap over the outputs the tap meets. Any kernel, stride and padding.
//   kRow     3x3, stride 1: vectors are the three taps of a row of the kernel, of 16 output channels; over src pixels.
//   kWindow  3x3, stride 1, where output channels fill no vectors (12 of DenseNet: 75 %): lanes are all nine taps of
//            all output channels, 108 of 112. ddst is packed so that they are neighbours: [row][x][ky][o], of which
//            three columns are a window. The panel of a block stays in L1 or L2.
// Elements are 32 bits. float: one element of the slice, read in place with its pitch; taps beside the image are left
// out, which is why small images exceed "peak" below. bf16: VDPBF16PS sums over pairs, so both operands are packed,
// each element a pair of neighbouring outputs of one channel: src [pixel pair][channel][2], once per kx where taps go
// one by one; ddst [pixel pair][channel][2] and, for kRow and kWindow, the pairs beginning at odd pixels between them,
// so that a shifted tap is a shifted pair of ddst and src needs no second copy. Borders and odd ends are zeros.
//
// Passes: src and ddst once per block of about 256 pixels (packed, then read from L1 or L2 by every tile); sums once
// per block. Determinism: a block is a fixed function of the shape; it is summed in float32 in registers in row order
// and then added to `sum`, blocks in order. With `add` the first block is added to what is there.
//
// Figures: GFLOP/s (nominal: taps beside the image count) of one thread of an AMD EPYC of Zen 4 (family 25, model 17),
// GCC 12.2 -O3, 8 images, DenseNet slices with the pitch of their block, third best of 15 or more runs in 0.25 s of CPU
// time, beside oneDNN 3.13 (dense NHWC, without the copies it needs). Probe of peak in the same process: 118 fp32, 236
// bf16.
//   shape                 fp32  oneDNN   bf16  oneDNN     shape                   fp32  oneDNN   bf16  oneDNN
//   3->16     @32          117     109    157     161     1x1 24->48   @32         115     116    163     158
//   3->24     @32           88      80    129     130     1x1 120->48  @32         116     116    194     182
//   16->16    @32          122     119    215     184     1x1 204->48  @32         113     116    200     184
//   32->32    @16          127     123    230     201     1x1 288->48  @16         116     116    205     193
//   64->64    @8           139     131    243     180     1x1 330->48  @8          116     115    206     193
//   16->32 /2 @32          115     107    191     177     1x1 168->168 @16         110     110    207     203
//   32->64 /2 @16          125     107    216     155     1x1 216->108 @16         112     112    207     192
//   1x1 16->32 /2 @32      110      91    148     133     1x1 312->312 @8          113     112    214     203
//   1x1 32->64 /2 @16      115     104    180     162     24->12  @32              100      86    171     134
//   8->8      @8            73      56     98      65     48->12  @32              105      86    190     139
//   8->16 /2  @8           124      77     73      52     96->12  @32              105      79    195     137
//   16->16    @4           160     110    198      90     156->12 @32              101      66    196     139
//   16->32 /2 @4           127      68    122      43     300->12 @16              109      87    205     147
//   1->8      @8            47      37     26      34     444->12 @8               110      95    206     136
//
// Tried (GFLOP/s, same machine and shapes):
//   * ddst as memory operands, which GCC makes of plain loads (V * C loads a step): kWindow fp32 77 instead of 107 at
//     168->12; hence the empty asm.
//   * packing with tests for the border per element: bf16 24->12 143, 3->16 116; with plain inner loops 164 and 150;
//     with one loop per number of vectors 171 and 157. Channel blocks outside of pixels: 2 to 9 % slower at 8x8.
//   * no prefetch of the next channels: fp32 156->12 @32, whose src of 5 MB comes from L3, 78 to 90 instead of 101.
//   * blocks of half, twice and four times as many pixels: -2 to +1 %; the bf16 scratch of these shapes is at most
//     320 KiB this way.
// What is left: packing costs 3 to 4 cycles per stored vector, so bf16 falls short where few products share it: the
// stems, 24 and 36 channels into 12 (per pair of pixels six vectors of ddst for 7 products a channel), 1x1 of stride 2,
// 1x1 24->48, and images of 4x4 and less at stride 2, whose rows are one pair.
#include "conv_avx512.h"

namespace ist::cpu {
namespace {

// ---- the inner loop -------------------------------------------------------------------------------------------------

// An element of an operand is 32 bits: one float, or a pair of bf16 of two pixels. A float operand is the slice itself,
// so its border is skipped; a pair operand is a packed copy, which holds the border as zeros.
struct Floats {
    using E = F32;
    static constexpr bool kPacked = false;
    static __m512 multiply_add(__m512 sum, __m512 a, __m512 b) { return _mm512_fmadd_ps(a, b, sum); }
};
struct Pairs {
    using E = Bf16;
    static constexpr bool kPacked = true;
    static __m512 multiply_add(__m512 sum, __m512 a, __m512 b) {
        return _mm512_dpbf16_ps(sum, __m512bh(a), __m512bh(b));
    }
};

// The steps a sum runs over: images x rows x steps, strides in elements.
struct Operand {
    const float *data;
    int64_t image, row, step;
};
struct Walk {
    Operand src, dst;
    int64_t dst_vector; // from one vector of ddst to the next; read only where vectors are taps
    int images, rows, steps;
};

// Where the sums of a tile go: sum[channel * channel_stride + vector * vector_stride].
struct Target {
    float *sum;
    int64_t channel_stride, vector_stride;
    bool add;
};

// What the V vectors of a tile are: neighbouring lanes of ddst, of which the last may be partial, or the three taps of
// a row of the kernel, each equally partial.
enum class Vectors { kLanes, kTaps };

template <class Op, Vectors kind, int V, int C, int kFirst, int kEnd>
[[gnu::always_inline]] inline void multiply_add(__m512 (&acc)[V][C], const float *src, const float *dst,
                                                int64_t dst_vector, __mmask16 mask) {
    const int64_t between = kind == Vectors::kLanes ? kLanes : dst_vector;
    // The channels of the next tiles: a large slice comes from L3, and its pixels are too far apart to be foreseen.
    if (!Op::kPacked) _mm_prefetch(src + kLanes, _MM_HINT_T1);
    __m512 d[V];
#pragma GCC unroll 8
    for (int v = kFirst; v < kEnd; v++) {
        d[v] = kind == Vectors::kTaps || v == V - 1 ? _mm512_maskz_loadu_ps(mask, dst + v * between)
                                                    : _mm512_loadu_ps(dst + v * between);
        asm("" : "+v"(d[v])); // stays in its register: GCC would rather load it again for each channel
    }
#pragma GCC unroll 16
    for (int c = 0; c < C; c++) {
        const __m512 s = _mm512_set1_ps(src[c]);
#pragma GCC unroll 8
        for (int v = kFirst; v < kEnd; v++) acc[v][c] = Op::multiply_add(acc[v][c], s, d[v]);
    }
}

// The gradient of C input channels times V vectors of outputs: V * C sums in registers, per step V loads of ddst and C
// broadcasts of src.
template <class Op, Vectors kind, int V, int C> void tile(const Walk &walk, __mmask16 mask, const Target &target) {
    constexpr bool kEdges = kind == Vectors::kTaps && !Op::kPacked; // taps beside the row's first and last pixel
    __m512 acc[V][C];
#pragma GCC unroll 8
    for (int v = 0; v < V; v++)
#pragma GCC unroll 16
        for (int c = 0; c < C; c++) acc[v][c] = _mm512_setzero_ps();
    for (int image = 0; image < walk.images; image++)
        for (int row = 0; row < walk.rows; row++) {
            const float *s = walk.src.data + image * walk.src.image + row * walk.src.row;
            const float *d = walk.dst.data + image * walk.dst.image + row * walk.dst.row;
            int steps = walk.steps;
            if constexpr (kEdges) {
                multiply_add<Op, kind, V, C, 1, V>(acc, s, d, walk.dst_vector, mask);
                s += walk.src.step, d += walk.dst.step, steps -= 2;
            }
            for (; steps > 0; steps--, s += walk.src.step, d += walk.dst.step)
                multiply_add<Op, kind, V, C, 0, V>(acc, s, d, walk.dst_vector, mask);
            if constexpr (kEdges) multiply_add<Op, kind, V, C, 0, V - 1>(acc, s, d, walk.dst_vector, mask);
        }
#pragma GCC unroll 16
    for (int c = 0; c < C; c++)
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) {
            float *sum = target.sum + c * target.channel_stride + v * target.vector_stride;
            _mm512_storeu_ps(sum, target.add ? _mm512_add_ps(_mm512_loadu_ps(sum), acc[v][c]) : acc[v][c]);
        }
}

// V * C sums, V vectors of ddst and a broadcast fill the 32 registers.
constexpr int most_channels(int vectors) { return vectors <= 3 ? 8 : 30 / vectors - 1; }
constexpr int kMostVectors = 7;
static_assert(most_channels(4) == 6 && most_channels(5) == 5 && most_channels(6) == 4 && most_channels(7) == 3);

template <class Op, Vectors kind, int V, int C = 1>
void tile_of(int channels, const Walk &walk, __mmask16 mask, const Target &target) {
    if (channels == C) return tile<Op, kind, V, C>(walk, mask, target);
    if constexpr (C < most_channels(V)) tile_of<Op, kind, V, C + 1>(channels, walk, mask, target);
}
template <class Op, int V = 1>
void lane_tile(int vectors, int channels, const Walk &walk, __mmask16 mask, const Target &target) {
    if (vectors == V) return tile_of<Op, Vectors::kLanes, V>(channels, walk, mask, target);
    if constexpr (V < kMostVectors) lane_tile<Op, V + 1>(vectors, channels, walk, mask, target);
}

// `total` things in the fewest parts of at most `most`, as equal as possible.
struct Split {
    int total, parts;
    Split(int total, int most) : total(total), parts((total + most - 1) / most) {}
    int begin(int part) const { return int(int64_t(total) * part / parts); }
    int size(int part) const { return begin(part + 1) - begin(part); }
};

// Rows that follow each other without a gap become one row, images one image.
Walk merged(Walk w) {
    if (w.src.row == w.src.step * w.steps && w.dst.row == w.dst.step * w.steps) w.steps *= w.rows, w.rows = 1;
    if (w.rows == 1 && w.src.image == w.src.step * w.steps && w.dst.image == w.dst.step * w.steps)
        w.steps *= w.images, w.images = 1;
    return w;
}

// Those of the last vector.
__mmask16 last_lanes(int lanes) { return first_lanes((lanes - 1) % kLanes + 1); }

// All of one walk: src_channels x `lanes` neighbouring lanes.
template <class Op>
void all_lanes(const Walk &all, int src_channels, int lanes, int most_vectors, float *sum, int64_t channel_stride,
               bool add) {
    const Split vectors((lanes + kLanes - 1) / kLanes, most_vectors);
    Walk walk = merged(all);
    for (int i = 0; i < vectors.parts; i++) {
        const __mmask16 mask = i + 1 == vectors.parts ? last_lanes(lanes) : __mmask16(0xffff);
        const int lane = vectors.begin(i) * kLanes;
        const Split channels(src_channels, most_channels(vectors.size(i)));
        walk.dst.data = all.dst.data + lane;
        for (int j = 0; j < channels.parts; j++) {
            walk.src.data = all.src.data + channels.begin(j);
            const Target target{sum + channels.begin(j) * channel_stride + lane, channel_stride, kLanes, add};
            lane_tile<Op>(vectors.size(i), channels.size(j), walk, mask, target);
        }
    }
}

// The same for the three taps of a row of the kernel, 16 output channels at a time.
template <class Op>
void all_taps_of_row(const Walk &all, const ConvShape &s, float *sum, int64_t channel_stride, int64_t tap_stride,
                     bool add) {
    Walk walk = all;
    const Split channels(s.src_channels, most_channels(3));
    for (int lane = 0; lane < s.dst_channels; lane += kLanes) {
        const __mmask16 mask = first_lanes(s.dst_channels - lane);
        walk.dst.data = all.dst.data + lane;
        for (int j = 0; j < channels.parts; j++) {
            walk.src.data = all.src.data + channels.begin(j);
            const Target target{sum + channels.begin(j) * channel_stride + lane, channel_stride, tap_stride, add};
            tile_of<Op, Vectors::kTaps, 3>(channels.size(j), walk, mask, target);
        }
    }
}

// ---- which way a shape goes -----------------------------------------------------------------------------------------

int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

enum class Way {
    kTap,    // tap by tap a matrix product; any kernel, stride and padding
    kRow,    // 3x3, stride 1: three taps of a row at once, so that a broadcast is used three times
    kWindow, // 3x3, stride 1, outputs that fill no vectors: all nine taps of all outputs side by side in packed lanes
};

// What the packing of all taps costs: per pixel three copies of its vectors, each as long as some products.
constexpr int kCopyProducts = 4;

Way way_of(const ConvShape &s) {
    if (s.kernel != 3 || s.stride != 1 || s.padding != 1 || s.width < 2) return Way::kTap;
    const int vectors = (s.dst_channels + kLanes - 1) / kLanes;
    const int saved = 9 * vectors - (9 * s.dst_channels + kLanes - 1) / kLanes;
    return saved * s.src_channels > 3 * vectors * kCopyProducts ? Way::kWindow : Way::kRow;
}

// sum[src channel][tap][dst channel]; the taps stand in the order in which a tile meets them.
struct SumLayout {
    int64_t tap_stride, channel_stride;
    Way way;
    explicit SumLayout(const ConvShape &s) : way(way_of(s)) {
        tap_stride = way == Way::kWindow ? s.dst_channels : round_up(s.dst_channels, kLanes);
        channel_stride = round_up(int(tap_stride) * s.kernel * s.kernel, kLanes);
    }
    int64_t tap(int ky, int kx, int kernel) const {
        const int index = way == Way::kTap ? ky * kernel + kx : way == Way::kRow ? ky * 3 + 2 - kx : (2 - kx) * 3 + ky;
        return index * tap_stride;
    }
};

// ---- blocks ---------------------------------------------------------------------------------------------------------

// A block is what is summed in registers at once: some images, or some output rows of one.
struct Block {
    int image, images, row, rows;
};

constexpr int kBlockPixels[3] = {256, 512, 256}; // about, by Way

// The largest block of a shape, whatever the number of images of a call.
Block largest_block(const ConvShape &s) {
    const int pixels = kBlockPixels[int(way_of(s))], row = s.dst_width(), image = row * s.dst_height();
    if (image > pixels) return {0, 1, 0, row > pixels ? 1 : pixels / row};
    return {0, pixels / image, 0, s.dst_height()};
}

// The output rows of a block whose input row for kernel row ky exists.
struct Rows {
    int begin, end;
};
Rows valid(int begin, int end, int k, int stride, int padding, int size) {
    const int low = padding - k; // o * stride >= low, o * stride < size + low
    const int first = low > 0 ? (low + stride - 1) / stride : 0;
    const int last = size + low > 0 ? (size + low - 1) / stride + 1 : 0;
    if (begin < first) begin = first;
    if (end > last) end = last;
    return {begin, end < begin ? begin : end};
}

// ---- packing --------------------------------------------------------------------------------------------------------

using Bits = uint16_t; // of a bf16

// A row of pixels; outside of it there are zeros.
template <class T> struct PixelRow {
    const T *data; // null: all zeros
    int64_t pitch;
    int width;
    bool has(int x) const { return data && x >= 0 && x < width; }
};

// Where a row of a panel takes its elements from: element i is pixel first + i * advance or, of bf16, the pair of it
// and the pixel `apart` further.
struct Columns {
    int first, advance, apart, count;
};

// 16 channels of a pixel, or fewer. kFull spares whole vectors their masks.
template <bool kFull> __m512i load(const float *p, __mmask16 mask) {
    return kFull ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi32(mask, p);
}
template <bool kFull> __m256i load(const Bits *p, __mmask16 mask) {
    return kFull ? _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)) : _mm256_maskz_loadu_epi16(mask, p);
}
template <bool kFull> void store(float *p, __m512i v, __mmask16 mask) {
    if (kFull) _mm512_storeu_si512(p, v);
    else _mm512_mask_storeu_epi32(p, mask, v);
}

// 16 channels of two pixels, channel by channel.
__m512i interleave(__m256i a, __m256i b) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                           21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1));
}

template <bool kFull> __m512i element(const float *p, int64_t, __mmask16 mask) { return load<kFull>(p, mask); }
template <bool kFull> __m512i element(const Bits *p, int64_t apart, __mmask16 mask) {
    return interleave(load<kFull>(p, mask), load<kFull>(p + apart, mask));
}

// `count` elements of pixels inside of the row, `advance` apart. kWhole: whole vectors of channels (-1: any number).
template <int kWhole, bool kPart, class T>
[[gnu::noinline]] void pack_inner(float *panel, int64_t panel_pitch, const T *p, int64_t advance, int64_t apart,
                                  int channels, int count) {
    const __mmask16 last = last_lanes(channels);
    const int whole = kWhole < 0 ? channels / kLanes : kWhole;
    for (; count > 0; count--, panel += panel_pitch, p += advance) {
        for (int c = 0; c < whole * kLanes; c += kLanes)
            store<true>(panel + c, element<true>(p + c, apart, last), last);
        if (kPart) store<false>(panel + whole * kLanes, element<false>(p + whole * kLanes, apart, last), last);
    }
}
template <class T> auto inner_packer(int channels) {
    if (channels < kLanes) return pack_inner<0, true, T>;
    if (channels == kLanes) return pack_inner<1, false, T>;
    if (channels < 2 * kLanes) return pack_inner<1, true, T>;
    if (channels == 2 * kLanes) return pack_inner<2, false, T>;
    return channels % kLanes ? pack_inner<-1, true, T> : pack_inner<-1, false, T>;
}

// Beside the row.
void pack_border(float *panel, const PixelRow<float> &, int, int, int channels, __mmask16 last) {
    int c = 0;
    for (; c + kLanes <= channels; c += kLanes) store<true>(panel + c, _mm512_setzero_si512(), last);
    if (c < channels) store<false>(panel + c, _mm512_setzero_si512(), last);
}
void pack_border(float *panel, const PixelRow<Bits> &row, int x, int apart, int channels, __mmask16 last) {
    for (int c = 0; c < channels; c += kLanes) {
        const __mmask16 mask = c + kLanes > channels ? last : __mmask16(0xffff);
        const auto pixel = [&](int at) {
            return row.has(at) ? load<false>(row.data + at * row.pitch + c, mask) : _mm256_setzero_si256();
        };
        store<false>(panel + c, interleave(pixel(x), pixel(x + apart)), mask);
    }
}

template <class T>
void pack_row(float *panel, int64_t panel_pitch, const PixelRow<T> &row, int channels, Columns columns) {
    const __mmask16 last = last_lanes(channels);
    int i = 0, x = columns.first;
    const auto border = [&](int end) {
        for (; i < end; i++, x += columns.advance)
            pack_border(panel + i * panel_pitch, row, x, columns.apart, channels, last);
    };
    if (row.data) {
        const int before = x < 0 ? (columns.advance - 1 - x) / columns.advance : 0;
        border(before < columns.count ? before : columns.count);
        const int room = row.width - columns.apart - x; // for elements that begin and end within the row
        int inner = room > 0 ? (room + columns.advance - 1) / columns.advance : 0;
        if (inner > columns.count - i) inner = columns.count - i;
        if (inner > 0) {
            inner_packer<T>(channels)(panel + i * panel_pitch, panel_pitch, row.data + x * row.pitch,
                                      columns.advance * row.pitch, columns.apart * row.pitch, channels, inner);
            i += inner, x += inner * columns.advance;
        }
    }
    border(columns.count);
}

// ---- operands: what a tile reads, made from the slices --------------------------------------------------------------

template <class T> struct Slices {
    const ConvShape &s;
    const T *src, *dst;
    int64_t src_pitch, dst_pitch;
    Slices(const ConvShape &s, ConstSlice src, ConstSlice dst)
        : s(s), src(static_cast<const T *>(src.data)), dst(static_cast<const T *>(dst.data)), src_pitch(src.pitch),
          dst_pitch(dst.pitch) {}
    PixelRow<T> src_row(int image, int y) const {
        if (y < 0 || y >= s.height) return {nullptr, 0, 0};
        return {src + (int64_t(image) * s.height + y) * s.width * src_pitch, src_pitch, s.width};
    }
    PixelRow<T> dst_row(int image, int y) const {
        const int height = s.dst_height(), width = s.dst_width();
        if (y < 0 || y >= height) return {nullptr, 0, 0};
        return {dst + (int64_t(image) * height + y) * width * dst_pitch, dst_pitch, width};
    }
    // ddst of a block for Way::kWindow: rows y + 1, y, y - 1, which tap rows 0, 1, 2 meet, element by element.
    void pack_window(float *panel, const Block &block, Columns columns) const {
        const int64_t pitch = 3 * s.dst_channels;
        for (int i = block.image; i < block.image + block.images; i++)
            for (int y = block.row; y < block.row + block.rows; y++, panel += columns.count * pitch)
                for (int ky = 0; ky < 3; ky++)
                    pack_row(panel + ky * s.dst_channels, pitch, dst_row(i, y + 1 - ky), s.dst_channels, columns);
    }
};

template <class Op> class Operands;

template <> class Operands<Floats> {
  public:
    static size_t scratch_floats(const ConvShape &s, const Block &largest) {
        if (way_of(s) != Way::kWindow) return 0;
        return size_t(largest.images) * largest.rows * (s.width + 2) * 3 * s.dst_channels + kLanes;
    }
    Operands(const ConvShape &s, ConstSlice src, ConstSlice dst, const Block &, float *scratch)
        : s_(s), slices_(s, src, dst), panel_(scratch) {}

    void pack(const Block &block) {
        block_ = block;
        if (way_of(s_) == Way::kWindow) slices_.pack_window(panel_, block, {-1, 1, 0, s_.width + 2});
    }
    Walk tap(int ky, int kx) const {
        const Rows rows = valid(block_.row, block_.row + block_.rows, ky, s_.stride, s_.padding, s_.height);
        const Rows columns = valid(0, s_.dst_width(), kx, s_.stride, s_.padding, s_.width);
        return {src(rows.begin * s_.stride + ky - s_.padding, columns.begin * s_.stride + kx - s_.padding, s_.stride),
                dst(rows.begin, columns.begin),
                0,
                block_.images,
                rows.end - rows.begin,
                columns.end - columns.begin};
    }
    Walk row(int ky) const {
        const Rows rows = valid(block_.row, block_.row + block_.rows, ky, 1, 1, s_.height);
        return {src(rows.begin + ky - 1, 0, 1),
                dst(rows.begin, -1),
                slices_.dst_pitch,
                block_.images,
                rows.end - rows.begin,
                s_.width};
    }
    Walk window() const {
        const int64_t step = 3 * s_.dst_channels, row = (s_.width + 2) * step;
        return {src(block_.row, 0, 1), {panel_, block_.rows * row, row, step}, 0, block_.images, block_.rows, s_.width};
    }

  private:
    Operand src(int y, int x, int stride) const {
        const int64_t pitch = slices_.src_pitch, row = s_.width * pitch, image = s_.height * row;
        return {slices_.src + block_.image * image + y * row + x * pitch, image, stride * row, stride * pitch};
    }
    Operand dst(int y, int x) const {
        const int64_t pitch = slices_.dst_pitch, row = s_.dst_width() * pitch, image = s_.dst_height() * row;
        return {slices_.dst + block_.image * image + y * row + x * pitch, image, row, pitch};
    }
    const ConvShape &s_;
    const Slices<float> slices_;
    float *const panel_;
    Block block_{};
};

// src is packed as pairs of the pixels that meet neighbouring outputs; ddst as pairs of neighbouring outputs, at stride
// 1 also those that begin at odd pixels, which are what shifted taps meet.
template <> class Operands<Pairs> {
  public:
    static size_t scratch_floats(const ConvShape &s, const Block &largest) {
        const Operands o(s, {nullptr, 0}, {nullptr, 0}, largest, nullptr);
        return o.src_panel_floats() + size_t(largest.images) * largest.rows * o.dst_row_ + kLanes;
    }
    Operands(const ConvShape &s, ConstSlice src, ConstSlice dst, const Block &largest, float *scratch)
        : s_(s), way_(way_of(s)), slices_(s, src, dst), pairs_((s.dst_width() + 1) / 2), block_(largest) {
        src_row_ = int64_t(pairs_) * s.src_channels;
        const int lanes = round_up(s.dst_channels, kLanes);
        if (way_ == Way::kTap) dst_row_ = int64_t(pairs_) * lanes;
        if (way_ == Way::kRow) dst_row_ = int64_t(2 * pairs_ + 1) * lanes;
        if (way_ == Way::kWindow) dst_row_ = int64_t(2 * pairs_ + 1) * 3 * s.dst_channels;
        src_panel_ = scratch, dst_panel_ = scratch ? scratch + src_panel_floats() : nullptr;
    }

    void pack(const Block &block) {
        block_ = block;
        pack_src();
        pack_dst();
    }
    Walk tap(int ky, int kx) const {
        const Rows rows = valid(block_.row, block_.row + block_.rows, ky, s_.stride, s_.padding, s_.height);
        return walk(rows, src_panel_ + kx * block_.images * src_rows() * src_row_, ky, s_.kernel == 1 ? 1 : s_.stride,
                    round_up(s_.dst_channels, kLanes));
    }
    Walk row(int ky) const {
        const int lanes = round_up(s_.dst_channels, kLanes);
        Walk w = walk(valid(block_.row, block_.row + block_.rows, ky, 1, 1, s_.height), src_panel_, ky, 1, 2 * lanes);
        w.dst_vector = lanes;
        return w;
    }
    Walk window() const { return walk({block_.row, block_.row + block_.rows}, src_panel_, 0, 1, 6 * s_.dst_channels); }

  private:
    // Input rows of a block's panel, the first of which is first_src_row(); those outside of the image are not packed,
    // and no walk meets them.
    int src_rows() const {
        if (way_ == Way::kWindow || s_.kernel == 1) return block_.rows;
        return (block_.rows - 1) * s_.stride + s_.kernel;
    }
    int first_src_row() const { return way_ == Way::kWindow ? block_.row : block_.row * s_.stride - s_.padding; }
    size_t src_panel_floats() const {
        const int panels = way_ == Way::kTap ? s_.kernel : 1;
        return size_t(panels) * block_.images * src_rows() * src_row_ + kLanes;
    }
    Walk walk(Rows rows, const float *src, int first_row, int stride, int64_t dst_step) const {
        const int row = rows.begin - block_.row;
        return {{src + (int64_t(row) * stride + first_row) * src_row_, src_rows() * src_row_, stride * src_row_,
                 s_.src_channels},
                {dst_panel_ + row * dst_row_, block_.rows * dst_row_, dst_row_, dst_step},
                0,
                block_.images,
                rows.end - rows.begin,
                pairs_};
    }
    void pack_src() const {
        float *panel = src_panel_;
        const int panels = way_ == Way::kTap ? s_.kernel : 1;
        const int row_step = s_.kernel == 1 ? s_.stride : 1; // between the rows that are used
        // Rows without a border that hold whole pairs follow each other like one row.
        const bool joined = s_.stride == 1 && s_.width % 2 == 0 && panels == 1;
        int begin = 0, end = src_rows();
        while (first_src_row() + begin * row_step < 0) begin++;
        while (first_src_row() + (end - 1) * row_step >= s_.height) end--;
        for (int kx = 0; kx < panels; kx++) {
            const Columns columns{way_ == Way::kTap ? kx - s_.padding : 0, 2 * s_.stride, s_.stride, pairs_};
            for (int i = block_.image; i < block_.image + block_.images; i++, panel += src_rows() * src_row_)
                for (int j = begin; j < end; j++) {
                    PixelRow<Bits> row = slices_.src_row(i, first_src_row() + j * row_step);
                    Columns all = columns;
                    if (joined) row.width *= end - begin, all.count *= end - begin;
                    pack_row(panel + j * src_row_, s_.src_channels, row, s_.src_channels, all);
                    if (joined) break;
                }
        }
    }
    void pack_dst() const {
        const Columns disjoint{0, 2, 1, pairs_}, overlapping{-1, 1, 1, 2 * pairs_ + 1};
        if (way_ == Way::kWindow) return slices_.pack_window(dst_panel_, block_, overlapping);
        float *panel = dst_panel_;
        for (int i = block_.image; i < block_.image + block_.images; i++)
            for (int y = block_.row; y < block_.row + block_.rows; y++, panel += dst_row_)
                pack_row(panel, round_up(s_.dst_channels, kLanes), slices_.dst_row(i, y), s_.dst_channels,
                         way_ == Way::kTap ? disjoint : overlapping);
    }

    const ConvShape &s_;
    const Way way_;
    const Slices<Bits> slices_;
    const int pairs_;
    int64_t src_row_ = 0, dst_row_ = 0;
    float *src_panel_ = nullptr, *dst_panel_ = nullptr;
    Block block_;
};

// ---- the table ------------------------------------------------------------------------------------------------------

template <class Op> void add_block(const ConvShape &s, const Operands<Op> &operands, float *sum, bool add) {
    const SumLayout layout(s);
    switch (layout.way) {
    case Way::kTap:
        for (int ky = 0; ky < s.kernel; ky++)
            for (int kx = 0; kx < s.kernel; kx++)
                all_lanes<Op>(operands.tap(ky, kx), s.src_channels, s.dst_channels, 4,
                              sum + layout.tap(ky, kx, s.kernel), layout.channel_stride, add);
        break;
    case Way::kRow:
        for (int ky = 0; ky < 3; ky++)
            all_taps_of_row<Op>(operands.row(ky), s, sum + layout.tap(ky, 2, 3), layout.channel_stride,
                                layout.tap_stride, add);
        break;
    case Way::kWindow:
        // rounded up: what the last vector holds beyond the ninth tap is never read
        all_lanes<Op>(operands.window(), s.src_channels, round_up(9 * s.dst_channels, kLanes), kMostVectors, sum,
                      layout.channel_stride, add);
        break;
    }
}

// Input rows that a block meets: of whole images all of them.
Rows src_rows(const ConvShape &s, const Block &block) {
    if (block.images > 1) return {0, s.height};
    const int first = block.row * s.stride - (way_of(s) == Way::kWindow ? 0 : s.padding);
    const int count = way_of(s) == Way::kWindow ? block.rows : (block.rows - 1) * s.stride + s.kernel;
    return {first < 0 ? 0 : first, first + count > s.height ? s.height : first + count};
}
size_t normalised_bytes(const ConvShape &s, const Block &largest, size_t element) {
    const int rows = largest.images > 1 ? largest.images * s.height : (largest.rows - 1) * s.stride + s.kernel;
    return (size_t(rows) * s.width * s.src_channels * element + 63) / 64 * 64;
}

// What a block meets of src, behind the prologue, as a slice that begins where src does: `to` holds the block's rows
// alone.
template <class Op>
ConstSlice normalised(const ConvShape &s, const Block &block, ConstSlice src, const ConvPrologue &prologue, void *to) {
    using T = typename Op::E::T;
    const Rows rows = src_rows(s, block);
    const int64_t first = (int64_t(block.image) * s.height + rows.begin) * s.width;
    const int64_t pixels = int64_t(block.images) * (rows.end - rows.begin) * s.width;
    T *dst = static_cast<T *>(to);
    apply<typename Op::E>(prologue, dst, s.src_channels, static_cast<const T *>(src.data) + first * src.pitch,
                          src.pitch, pixels, s.src_channels);
    return {dst - first * s.src_channels, s.src_channels};
}

template <class Op>
void run(const ConvShape &shape, int n, ConstSlice src, const ConvPrologue &prologue, ConstSlice ddst, float *sum,
         bool add, void *scratch) {
    const Block largest = largest_block(shape);
    float *panels = reinterpret_cast<float *>(static_cast<char *>(scratch) +
                                              normalised_bytes(shape, largest, sizeof(typename Op::E::T)));
    const int height = shape.dst_height();
    for (int image = 0; image < n; image += largest.images)
        for (int row = 0; row < height; row += largest.rows) {
            const Block block{image, n - image < largest.images ? n - image : largest.images, row,
                              height - row < largest.rows ? height - row : largest.rows};
            Operands<Op> operands(shape, prologue.scale ? normalised<Op>(shape, block, src, prologue, scratch) : src,
                                  ddst, largest, panels);
            operands.pack(block);
            add_block<Op>(shape, operands, sum, add);
            add = true;
        }
}

bool supports(const ConvShape &s, bool bf16) {
    return s.bf16 == bf16 && s.kernel > 0 && s.stride > 0 && s.padding >= 0 && s.padding < s.kernel &&
           s.height + 2 * s.padding >= s.kernel && s.width + 2 * s.padding >= s.kernel;
}

size_t sum_floats(const ConvShape &s) { return size_t(SumLayout(s).channel_stride) * s.src_channels; }

template <class Op> size_t scratch_bytes(const ConvShape &s) {
    const Block largest = largest_block(s);
    return normalised_bytes(s, largest, sizeof(typename Op::E::T)) +
           Operands<Op>::scratch_floats(s, largest) * sizeof(float);
}

void unpack(const ConvShape &s, const float *sum, float *oihw) {
    const SumLayout layout(s);
    for (int o = 0; o < s.dst_channels; o++)
        for (int i = 0; i < s.src_channels; i++)
            for (int ky = 0; ky < s.kernel; ky++)
                for (int kx = 0; kx < s.kernel; kx++)
                    *oihw++ = sum[i * layout.channel_stride + layout.tap(ky, kx, s.kernel) + o];
}

} // namespace

const ConvWeightKernels &conv_weights_f32_avx512() {
    static const ConvWeightKernels kernels{[](const ConvShape &s) { return supports(s, false); }, sum_floats,
                                           scratch_bytes<Floats>, run<Floats>, unpack};
    return kernels;
}
const ConvWeightKernels &conv_weights_bf16_avx512() {
    static const ConvWeightKernels kernels{[](const ConvShape &s) { return supports(s, true); }, sum_floats,
                                           scratch_bytes<Pairs>, run<Pairs>, unpack};
    return kernels;
}

} // namespace ist::cpu
