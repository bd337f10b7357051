// conv_backward.cu - data gradient and weight gradient of a convolution in one kernel, for stride 1 and outputs of the
// input's size.
//
// Formulas: conv_backward_data.cu, conv_backward_weights.cu. Both need dz with its batch norm's backward in front and
// the convolution's input with the batch norm in front of it. One half of the warps stages both, halos included, and
// computes the data gradient and what lies behind it; the others, whose registers are full of sums, compute the weight
// gradient. There are two tiles in shared memory: the next is staged while this one is worked on, with one barrier per
// tile.
//
// Grid: parts of the tiles x slices of input channels x points. A slice is what the registers of the weight warps hold:
// each has 16 filters x 16 channels x 9 taps, or 48 filters x 32 channels (64 x 16) of a 1x1 kernel; where a slice is
// smaller, warps share the pixels. One block per SM: 16 warps of 128 registers. Passes: g, z, the input, added and x
// once per slice, dst once; partial weights once each way. Determinism: as in the two kernels. Against the two kernels
// one after the other, a residual block of a ResNet reads 8 tensors instead of 14.
//
// Tried, predicted for an H200 from what the emulation counted, us a point of DRAM / L2 / L1 and shared memory:
//   slices of 4 squares, 12 warps of 168 registers, 8 bytes a staging thread, against this kernel:
//     1x1, 204 to 48 channels, 32x32, batch 64: 24 / 55 / 49, now 24 / 28 / 24
//     3x3, 16 channels, 32x32, batch 512: 17 / 13 / 17, now 17 / 13 / 15
//     3x3, 64 channels, 8x8, batch 512: 5 / 11 / 14, now 4 / 6 / 11
//     3x3, 156 to 12 channels, 32x32, batch 64: 21 / 25 / 29, now 19 / 23 / 24
//   of these, slices of 8 squares gave most; 32 channels a data warp in place of 16, for whole lines of what lies
//   behind, 10 % of the last row's L1; coefficients staged by eights, each warp for one tensor alone, 5 to 10 %.
// 13 to 15 warps have no more registers than 16. What a thread needs beside its sums is computed again from its number
// (thread_again()), else 16 to 120 bytes are spilled.
#include <algorithm>

#include "conv_input_gradient.cuh"
#include "conv_weight_square.cuh"

namespace ist::cuda {
namespace {

// As many as leave registers enough: 128 for each thread, 255 of float32.
template <class T> constexpr int kDataWarps = sizeof(T) == 2 ? 8 : 4;
template <class T> constexpr int kWeightWarps = sizeof(T) == 2 ? 8 : 4;
template <class T> constexpr int kThreads = 32 * (kDataWarps<T> + kWeightWarps<T>);
constexpr int kMostTileBytes = 72 * 1024; // two tiles in the shared memory of an A100
constexpr int kMostUnits = 16;

// Squares of a weight warp: of a 3x3 kernel one with all taps; of a 1x1 kernel all filters, to 48 of two slices of 16
// channels, to 64 of one.
template <class T, int kKernel, int kFilters>
using Squares = WeightSquares<T, kKernel, 1, kFilters, kFilters == 3 ? 2 : 1>;
int most_squares(const ConvShape &shape) { return shape.kernel == 1 && shape.filters <= 48 ? 2 : 1; }

struct Arguments {
    Source dz, src;
    InputGradientArguments input;
    Tiling tiling; // positions of dz and of the input; both with the halo of the kernel
    PixelSteps dz_steps, src_steps;
    PackedWeights weights; // of the data gradient
    int n_steps;           // k-steps over the filters
    int interior_dz;       // bytes from the first staged pixel of dz to that of the first position
    int interior_src;
    int parts;
    int filter_squares, channel_squares; // 16 filters, 16 channels of the whole convolution
    int slice_squares;                   // of 16 channels, of a slice
    int log_data_groups;                 // data warps side by side for a slice
    int log_filters, log_channels;       // weight warps side by side along both
    int squares_of_warp;                 // along channels
    int dz_chunks, src_chunks;
    Division by_dz_chunks, by_src_chunks;
    bool dz_whole;  // chunks of dz can be read whole
    int dz_warps;   // data warps that stage dz; the others stage the input
    int dz_bytes;   // of the staged dz, a pixel of zeros at its end (of the first tile's)
    int tile_bytes; // of dz and input
    float *partial;
    int64_t partial_stride;
};

// S: slices of 16 channels of the data gradient that a warp holds of R rows at once.
template <class T, int kKernel, int S, int kFilters>
__global__ void __launch_bounds__(kThreads<T>, 1) conv_backward_kernel(const __grid_constant__ Arguments arg) {
    constexpr int kTaps = kKernel * kKernel, kWarps = kDataWarps<T>, R = kRows / S, N = 4 * S;
    constexpr int kTogether = S == 1 ? 2 : 1; // rows whose other tensors are under way together
    const Tiling &t = arg.tiling;
    const int point = int(blockIdx.z), part = int(blockIdx.x);
    const int first_square = int(blockIdx.y) * arg.slice_squares, first_channel = first_square * 16;
    const int squares = min(arg.slice_squares, arg.channel_squares - first_square);
    const CoefficientTable dz_coefficients{reinterpret_cast<float *>(shared_memory()), arg.filter_squares * 16, 0};
    const CoefficientTable src_coefficients{dz_coefficients.data + coefficient_floats(dz_coefficients.channels),
                                            arg.slice_squares * 16, first_channel};
    float *sums = src_coefficients.data + coefficient_floats(src_coefficients.channels); // [data warps][4 N][2]
    char *tiles = reinterpret_cast<char *>(sums + kWarps * 8 * N);
    load_coefficients(dz_coefficients, arg.dz, point);
    load_coefficients(src_coefficients, arg.src, point);
    const int zero_pixel = arg.dz_bytes - arg.dz_steps.pixel;
    for (int i = int(threadIdx.x) * 16; i < arg.dz_steps.pixel; i += kThreads<T> * 16)
        *reinterpret_cast<uint4 *>(tiles + zero_pixel + i) = make_uint4(0, 0, 0, 0);
    __syncthreads();

    if (int(threadIdx.x) < kWarps * 32) {
        // Warps take the groups of 16 S channels in turn; those of one group share the strips.
        const int lane = int(threadIdx.x) & 31, warp = int(threadIdx.x) >> 5;
        const int n_groups = 1 << arg.log_data_groups, workers = kWarps >> arg.log_data_groups;
        const int worker = warp >> arg.log_data_groups, own = warp & (n_groups - 1);
        const bool active = own * S < squares;
        const auto own_channel = [&](int thread) { // within the slice
            return ((thread >> 5) & (n_groups - 1)) * 16 * S + (thread & 3) * N;
        };
        const auto stage_both = [&](int index, char *tile) {
            const TileAt at = tile_at(t, index);
            const int thread = thread_again(), for_src = thread - arg.dz_warps * 32, src_warps = kWarps - arg.dz_warps;
            if (for_src >= 0)
                stage<T, kAhead<T>>(tile + arg.dz_bytes, arg.src_chunks, arg.by_src_chunks, src_coefficients, arg.src,
                                    nullptr, 0, t, at, point, first_channel, 0, 0, for_src, src_warps * 32);
            else if (sizeof(T) == 4 || arg.dz_whole)
                stage<T, kAhead<T>>(tile, arg.dz_chunks, arg.by_dz_chunks, dz_coefficients, arg.dz, nullptr, 0, t, at,
                                    point, 0, 0, 0, thread, arg.dz_warps * 32);
            else
                stage<T, kAhead<T>, 4>(tile, arg.dz_chunks, arg.by_dz_chunks, dz_coefficients, arg.dz, nullptr, 0, t,
                                       at, point, 0, 0, 0, thread, arg.dz_warps * 32);
        };
        InputGradientOut<T, N> out(arg.input, point, first_channel + own_channel(int(threadIdx.x)));
        const int n_units = t.units() * (kRows / R);
        // Each round stages a tile and works on the one before.
        for (int index = part - arg.parts, offset = arg.tile_bytes; index < t.n_tiles;
             index += arg.parts, offset = arg.tile_bytes - offset) {
            if (index >= 0) barrier(2, kThreads<T>);
            if (index + arg.parts < t.n_tiles) stage_both(index + arg.parts, tiles + arg.tile_bytes - offset);
            if (index < 0) continue;
            const TileAt at = tile_at(t, index);
            const char *dz_tile = tiles + offset, *src_tile = dz_tile + arg.dz_bytes;
#pragma unroll 1
            for (int unit = worker; active && unit < n_units; unit += workers) {
                const int lane = thread_again() & 31, group = unit / t.strips, strip = unit - group * t.strips;
                const int mine = min(strip * 16 + (lane & 15), t.images * t.columns - 1);
                const int image = t.by_columns.quotient(mine), x = mine - image * t.columns;
                // A lane's weights, so that it ends up with N neighbouring channels: of 32, it takes columns of both
                // slices.
                const int square = first_square + (S == 1 ? own : 2 * own + (lane >> 4));
                const int as_lane = S == 1 ? lane : (lane & 8) << 1 | (lane & 7);
                const uint4 *weights = lane_weights(arg.weights, point, min(square, arg.channel_squares - 1),
                                                    arg.n_steps, kTaps, as_lane) +
                                       (kTaps - 1) * 32;
                float acc[R][S][2][4];
#pragma unroll
                for (int i = 0; i < R * S * 8; ++i) acc[i / (8 * S)][i / 8 % S][(i >> 2) & 1][i & 3] = 0.f;
                strip_taps<T, kKernel, 1>(acc,
                                          shared_address(dz_tile) +
                                              SharedAddress(image * arg.dz_steps.image + group * R * arg.dz_steps.row +
                                                            x * arg.dz_steps.pixel + (lane >> 4) * 16),
                                          arg.dz_steps.row, arg.dz_steps.pixel, arg.n_steps, weights, -32, kTaps * 32);
                const int thread = thread_again();
                out.begin_at(first_channel + own_channel(thread));
                const auto constants = out.constants();
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    const int column = strip * 16 + ((thread & 31) >> 2) + 8 * half;
                    const int in_tile = t.by_columns.quotient(column), px = column - in_tile * t.columns;
                    if (in_tile >= t.images || at.image + in_tile >= t.n_images) continue;
                    const char *activated = src_tile + arg.interior_src + in_tile * arg.src_steps.image +
                                            group * R * arg.src_steps.row + px * arg.src_steps.pixel +
                                            own_channel(thread) * int(sizeof(T));
#pragma unroll
                    for (int first = 0; first < R; first += kTogether) {
                        typename InputGradientOut<T, N>::Read read[kTogether];
#pragma unroll
                        for (int i = 0; i < kTogether; ++i)
                            read[i] = out.read(at.image + in_tile, at.y + group * R + first + i, at.x + px);
#pragma unroll
                        for (int row = first; row < first + kTogether; ++row) {
                            float v[N];
#pragma unroll
                            for (int i = 0; i < N; ++i) v[i] = acc[row][i >> 2][(i >> 1) & 1][2 * half + (i & 1)];
                            out.template leave<true>(constants, read[row - first], at.image + in_tile,
                                                     at.y + group * R + row, at.x + px, v,
                                                     reinterpret_cast<const T *>(activated + row * arg.src_steps.row));
                        }
                    }
                }
            }
        }
        if (arg.input.input.sums.data) {
            out.gather(sums + warp * 8 * N, lane);
            barrier(1, kWarps * 32);
            write_input_sums(arg.input, sums, workers, n_groups, 4 * N, first_channel,
                             min(first_channel + squares * 16, arg.input.channels), point, part, kWarps * 32);
        }
        Squares<T, kKernel, kFilters>::wait_for_join(kWeightWarps<T> >> (arg.log_filters + arg.log_channels),
                                                     kThreads<T>);
    } else {
        const int lane = int(threadIdx.x) & 31, warp = (int(threadIdx.x) >> 5) - kWarps;
        const int log_groups = arg.log_filters + arg.log_channels, own = warp & ((1 << log_groups) - 1);
        const int share = warp >> log_groups, shares = kWeightWarps<T> >> log_groups;
        const int filter = own >> arg.log_channels,
                  channel = (own & ((1 << arg.log_channels) - 1)) * arg.squares_of_warp;
        const int n_filters = arg.filter_squares - filter, n_channels = min(arg.squares_of_warp, squares - channel);
        const bool active = n_filters > 0 && n_channels > 0;
        Squares<T, kKernel, kFilters> weights;
        for (int index = part, offset = 0; index < t.n_tiles; index += arg.parts, offset = arg.tile_bytes - offset) {
            barrier(2, kThreads<T>);
#pragma unroll 1
            for (int unit = share; active && unit < t.units(); unit += shares) {
                const int group = unit / t.strips, strip = unit - group * t.strips;
                weights.add(
                    t, strip, group,
                    shared_address(tiles) + SharedAddress(offset + arg.interior_dz + filter * 16 * int(sizeof(T))),
                    arg.dz_steps,
                    shared_address(tiles) + SharedAddress(offset + arg.dz_bytes + channel * 16 * int(sizeof(T))),
                    arg.src_steps, shared_address(tiles) + SharedAddress(zero_pixel), lane, n_filters, n_channels);
            }
        }
        weights.join(reinterpret_cast<float *>(tiles) + own * Squares<T, kKernel, kFilters>::kFloats * 32, share,
                     shares, lane, kThreads<T>);
        if (share == 0 && active)
            weights.write(arg.partial + point * arg.partial_stride +
                              (int64_t(part) * kTaps * arg.filter_squares + filter) * 16 * arg.channel_squares * 16 +
                              first_channel + channel * 16,
                          arg.filter_squares * 16, arg.channel_squares * 16, lane, n_filters, n_channels);
    }
}

int ceil_div(int a, int b) { return (a + b - 1) / b; }

struct Plan {
    Tiling tiling;
    int filter_squares, channel_squares, slice_squares, n_slices;
    int side_by_side; // slices of 16 channels of a data warp
    int log_data_groups, log_filters, log_channels, squares_of_warp;
    int dz_chunks, src_chunks, data_warps, parts;
    int dz_bytes, tile_bytes; // of the staged dz, and with the input
    size_t shared_bytes;
};

Plan plan_backward(const ConvShape &shape, Element element, int n_images) {
    Plan p;
    const bool wide = element == Element::kFp32;
    const int weight_warps = wide ? kWeightWarps<float> : kWeightWarps<bf16>;
    const int data_warps = p.data_warps = wide ? kDataWarps<float> : kDataWarps<bf16>;
    p.filter_squares = (shape.filters + 15) / 16, p.channel_squares = (shape.in_channels + 15) / 16;
    p.log_filters = shape.kernel == 1 ? 0 : log2_up(p.filter_squares);
    const int held = weight_warps * most_squares(shape) >> p.log_filters;
    p.side_by_side = shape.kernel == 1 || std::min(held, p.channel_squares) > 1 ? 2 : 1;
    const int most = std::min(held, data_warps * p.side_by_side);
    p.n_slices = ceil_div(p.channel_squares, most);
    p.slice_squares = ceil_div(ceil_div(p.channel_squares, p.n_slices), p.side_by_side) * p.side_by_side;
    p.n_slices = ceil_div(p.channel_squares, p.slice_squares);
    p.squares_of_warp = p.slice_squares > weight_warps ? 2 : 1;
    p.log_channels = log2_up(ceil_div(p.slice_squares, p.squares_of_warp));
    p.log_data_groups = log2_up(p.slice_squares / p.side_by_side);
    p.dz_chunks = chunks_of(element, 16 * p.filter_squares), p.src_chunks = chunks_of(element, 16 * p.slice_squares);
    Tiling &t = p.tiling;
    t.height = shape.height, t.width = shape.width, t.n_images = n_images;
    t.first_y = t.first_x = -shape.padding, t.span = shape.kernel;
    t.choose_compact(kMostUnits, pixel_pitch(p.dz_chunks) + pixel_pitch(p.src_chunks), kMostTileBytes);
    p.parts = weight_parts(shape, n_images, t.n_tiles);
    p.dz_bytes = (t.halo_pixels() + 1) * pixel_pitch(p.dz_chunks);
    p.tile_bytes = p.dz_bytes + t.halo_pixels() * pixel_pitch(p.src_chunks);
    const int sharing = 1 << (p.log_filters + p.log_channels); // weight warps with squares of their own
    const int floats = shape.kernel == 3          ? Squares<bf16, 3, 1>::kFloats
                       : most_squares(shape) == 2 ? Squares<bf16, 1, 3>::kFloats
                                                  : Squares<bf16, 1, 4>::kFloats;
    const int exchanged = sharing < weight_warps ? sharing * floats * 32 * 4 : 0;
    const int coefficients = coefficient_floats(16 * (p.filter_squares + p.slice_squares)),
              sums = data_warps * 32 * p.side_by_side;
    p.shared_bytes = size_t((coefficients + sums) * 4 + std::max(2 * p.tile_bytes, exchanged));
    return p;
}

} // namespace

bool conv_backward_fits(const ConvShape &shape) {
    return shape.stride == 1 && (shape.kernel == 3 || shape.kernel == 1) && 2 * shape.padding == shape.kernel - 1 &&
           shape.filters <= 64;
}

size_t conv_backward_shared_bytes(const ConvShape &shape, Element element, int n_images) {
    return plan_backward(shape, element, n_images).shared_bytes;
}

int conv_backward_parts(const ConvShape &shape, Element element, int n_images) {
    return plan_backward(shape, element, n_images).parts;
}

int64_t conv_backward_partial_floats(const ConvShape &shape, Element element, int n_images) {
    return int64_t(conv_backward_parts(shape, element, n_images)) * shape.taps() * ((shape.filters + 15) / 16 * 16) *
           ((shape.in_channels + 15) / 16 * 16);
}

void conv_backward(const ConvBackwardWeights &weights, const ConvBackwardData &data, int n_points, Stream stream) {
    const ConvShape &shape = weights.shape;
    const Element element = weights.src.x.element;
    const Plan p = plan_backward(shape, element, weights.n_images);
    Arguments arg{};
    arg.dz = Source::of(weights.dz, weights.params), arg.src = Source::of(weights.src, weights.params);
    arg.input = InputGradientArguments(data.input, shape, data.params);
    arg.tiling = p.tiling;
    arg.dz_steps = PixelSteps(p.tiling, pixel_pitch(p.dz_chunks), false);
    arg.src_steps = PixelSteps(p.tiling, pixel_pitch(p.src_chunks), false);
    arg.weights = data.weights;
    arg.n_steps = (shape.filters * bytes_of(element) + 31) / 32;
    arg.interior_dz = shape.padding * (arg.dz_steps.row + arg.dz_steps.pixel);
    arg.interior_src = shape.padding * (arg.src_steps.row + arg.src_steps.pixel);
    arg.parts = p.parts;
    arg.filter_squares = p.filter_squares, arg.channel_squares = p.channel_squares;
    arg.slice_squares = p.slice_squares, arg.squares_of_warp = p.squares_of_warp;
    arg.log_data_groups = p.log_data_groups, arg.log_filters = p.log_filters, arg.log_channels = p.log_channels;
    arg.dz_chunks = p.dz_chunks, arg.src_chunks = p.src_chunks;
    arg.by_dz_chunks = Division(p.dz_chunks), arg.by_src_chunks = Division(p.src_chunks);
    const int loads = p.dz_chunks * (arg.dz.r.data ? 2 : 1),
              all_loads = loads + p.src_chunks * (arg.src.r.data ? 2 : 1);
    arg.dz_warps = std::clamp((2 * p.data_warps * loads + all_loads) / (2 * all_loads), 1, p.data_warps - 1);
    arg.dz_whole = arg.dz.x_alignment == 16 && (!arg.dz.r.data || arg.dz.r_alignment == 16);
    arg.dz_bytes = p.dz_bytes, arg.tile_bytes = p.tile_bytes;
    arg.partial = weights.partial;
    arg.partial_stride = conv_backward_partial_floats(shape, element, weights.n_images);
    const dim3 grid(unsigned(p.parts), unsigned(p.n_slices), unsigned(n_points));
    with_element(element, [&](auto zero) {
        using T = decltype(zero);
        const auto run = [&](auto entry) { launch(entry, grid, dim3(kThreads<T>), p.shared_bytes, stream, arg); };
        if (shape.kernel == 3 && p.side_by_side == 1) run(conv_backward_kernel<T, 3, 1, 1>);
        else if (shape.kernel == 3) run(conv_backward_kernel<T, 3, 2, 1>);
        else if (most_squares(shape) == 2) run(conv_backward_kernel<T, 1, 2, 3>);
        else run(conv_backward_kernel<T, 1, 2, 4>);
    });
    sum_weight_parts({weights.partial, arg.partial_stride, p.parts, shape.taps(), shape.filters, shape.in_channels,
                      p.filter_squares * 16, p.channel_squares * 16, weights.gradient, weights.weight, weights.unscale},
                     n_points, stream);
}

} // namespace ist::cuda
