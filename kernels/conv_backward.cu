// conv_backward.cu - data gradient and weight gradient of a convolution in one kernel, for stride 1 and outputs of the
// input's size.
//
// Formulas: conv_backward_data.cu, conv_backward_weights.cu. Both need dz with its batch norm's backward in front and
// the convolution's input with the batch norm in front of it. One group of warps stages both, halos included, and
// computes the data gradient and what lies behind it; four warps, whose registers are full of sums, compute the weight
// gradient. There are two tiles in shared memory: the next is staged while this one is worked on, with one barrier per
// tile.
//
// Grid: parts of the tiles x slices of input channels x points. A slice is 64, 32 or 16 channels, so that the weights
// of a slice fill the registers of four warps (16 filters x 16 channels x taps each, or a share of the pixels). One
// block per SM: 12 warps of up to 168 registers (two blocks of 8 warps of 128 registers spilled). Passes: g, z, the
// input, added and x once per slice, dst once; partial weights once each way. Determinism: as in the two kernels.
// Against the two kernels one after the other, a residual block of a ResNet reads 8 tensors instead of 14.
#include <algorithm>

#include "conv_input_gradient.cuh"
#include "conv_weight_square.cuh"

namespace ist::cuda {
namespace {

constexpr int kWeightWarps = 4;
template <class T> constexpr int kDataWarps = sizeof(T) == 2 ? 8 : 4; // fewer leave more registers
template <class T> constexpr int kThreads = 32 * (kDataWarps<T> + kWeightWarps);
constexpr int kMostTileBytes = 72 * 1024; // two tiles in the shared memory of an A100
constexpr int kMostUnits = 16;
constexpr int kAhead = 4; // pixels a staging thread has under way

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
    int log_filters, log_channels; // 16-filter and 16-channel squares of a slice
    int dz_fours, src_fours, dz_stride, src_stride;
    int filters_padded, channels_padded;
    int dz_bytes;   // of the staged dz, a pixel of zeros at its end (of the first tile's)
    int tile_bytes; // of dz and input
    float *partial;
    int64_t partial_stride;
};

template <class T, int kKernel>
__global__ void __launch_bounds__(kThreads<T>, 1) conv_backward_kernel(const __grid_constant__ Arguments arg) {
    constexpr int kTaps = kKernel * kKernel, kWarps = kDataWarps<T>;
    const Tiling &t = arg.tiling;
    const int point = int(blockIdx.z), part = int(blockIdx.x), slice = int(blockIdx.y);
    const int first_channel = (slice << arg.log_channels) * 16, n_slices = 1 << arg.log_channels;

    float *dz_coefficients = reinterpret_cast<float *>(shared_memory());
    float *src_coefficients = dz_coefficients + 3 * arg.dz_stride;
    float *sums = src_coefficients + 3 * arg.src_stride; // [data warps][16][2]
    char *tiles = reinterpret_cast<char *>(sums + kWarps * 32);
    load_coefficients(dz_coefficients, arg.dz_stride, arg.dz, point);
    load_coefficients(src_coefficients, arg.src_stride, arg.src, point);
    const int zero_pixel = arg.dz_bytes - arg.dz_steps.pixel;
    for (int i = int(threadIdx.x) * 16; i < arg.dz_steps.pixel; i += kThreads<T> * 16)
        *reinterpret_cast<uint4 *>(tiles + zero_pixel + i) = make_uint4(0, 0, 0, 0);
    __syncthreads();

    if (int(threadIdx.x) < kWarps * 32) {
        // Warps take the slices of 16 channels in turn; those of one slice share the strips.
        const int lane = int(threadIdx.x) & 31, warp = int(threadIdx.x) >> 5;
        const int own = warp & (n_slices - 1), worker = warp >> arg.log_channels, workers = kWarps >> arg.log_channels;
        const int channel = first_channel + own * 16 + (lane & 3) * 4;
        const bool active = first_channel + own * 16 < arg.input.channels;
        const uint4 *weights = reinterpret_cast<const uint4 *>(static_cast<const char *>(arg.weights.data) +
                                                               point * arg.weights.point_stride) +
                               int64_t(active ? slice * n_slices + own : 0) * arg.n_steps * kTaps * 32 + lane +
                               (kTaps - 1) * 32;
        const auto stage_both = [&](int index, char *tile) {
            const TileAt at = tile_at(t, index);
            stage<T, kAhead>(tile, arg.dz_fours, dz_coefficients, arg.dz_stride, arg.dz, nullptr, t, at, point, 0, 0, 0,
                             int(threadIdx.x), kWarps * 32);
            stage<T, kAhead>(tile + arg.dz_bytes, arg.src_fours, src_coefficients, arg.src_stride, arg.src, nullptr, t,
                             at, point, first_channel, 0, 0, int(threadIdx.x), kWarps * 32);
        };
        InputGradientOut<T> out(arg.input, point, channel);
        stage_both(part, tiles);
        for (int index = part, offset = 0; index < t.n_tiles; index += arg.parts, offset = arg.tile_bytes - offset) {
            barrier(2, kThreads<T>);
            if (index + arg.parts < t.n_tiles) stage_both(index + arg.parts, tiles + arg.tile_bytes - offset);
            const TileAt at = tile_at(t, index);
            const char *dz_tile = tiles + offset, *src_tile = dz_tile + arg.dz_bytes;
            for (int unit = worker; active && unit < t.units(); unit += workers) {
                const int group = unit / t.strips, strip = unit - group * t.strips;
                const int mine = min(strip * 16 + (lane & 15), t.images * t.columns - 1);
                const int image = t.by_columns.quotient(mine), x = mine - image * t.columns;
                float acc[kRows][2][4];
#pragma unroll
                for (int i = 0; i < kRows * 8; ++i) acc[i >> 3][(i >> 2) & 1][i & 3] = 0.f;
                strip_taps<T, kKernel, 1>(acc,
                                          shared_address(dz_tile) +
                                              SharedAddress(image * arg.dz_steps.image +
                                                            group * kRows * arg.dz_steps.row + x * arg.dz_steps.pixel +
                                                            (lane >> 4) * 16),
                                          arg.dz_steps.row, arg.dz_steps.pixel, arg.n_steps, weights, -32, kTaps * 32);
                const auto constants = out.constants();
#pragma unroll
                for (int half = 0; half < 2; ++half) {
                    const int column = strip * 16 + (lane >> 2) + 8 * half;
                    const int in_tile = t.by_columns.quotient(column), px = column - in_tile * t.columns;
                    if (in_tile >= t.images || at.image + in_tile >= t.n_images) continue;
                    const char *activated = src_tile + arg.interior_src + in_tile * arg.src_steps.image +
                                            group * kRows * arg.src_steps.row + px * arg.src_steps.pixel +
                                            (own * 16 + (lane & 3) * 4) * int(sizeof(T));
#pragma unroll
                    for (int row = 0; row < kRows; ++row) {
                        const float v[4] = {acc[row][0][2 * half], acc[row][0][2 * half + 1], acc[row][1][2 * half],
                                            acc[row][1][2 * half + 1]};
                        out.leave(constants, at.image + in_tile, at.y + group * kRows + row, at.x + px, v,
                                  reinterpret_cast<const T *>(activated + row * arg.src_steps.row));
                    }
                }
            }
        }
        if (arg.input.input.sums.data) {
            out.gather(sums + warp * 32, lane);
            barrier(1, kWarps * 32);
            write_input_sums(arg.input, sums, workers, n_slices, first_channel, point, part, kWarps * 32);
        }
        WeightSquare<T, kKernel, 1>::wait_for_join(kWeightWarps >> (arg.log_filters + arg.log_channels), kThreads<T>);
    } else {
        const int lane = int(threadIdx.x) & 31, warp = (int(threadIdx.x) >> 5) - kWarps;
        const int log_squares = arg.log_filters + arg.log_channels, square = warp & ((1 << log_squares) - 1);
        const int share = warp >> log_squares, shares = kWeightWarps >> log_squares;
        const int filter = (square >> arg.log_channels) * 16, in_slice = (square & (n_slices - 1)) * 16;
        WeightSquare<T, kKernel, 1> weights;
        for (int index = part, offset = 0; index < t.n_tiles; index += arg.parts, offset = arg.tile_bytes - offset) {
            barrier(2, kThreads<T>);
#pragma unroll 1
            for (int unit = share; unit < t.units(); unit += shares) {
                const int group = unit / t.strips, strip = unit - group * t.strips;
                weights.add(t, strip, group,
                            shared_address(tiles) + SharedAddress(offset + arg.interior_dz + filter * int(sizeof(T))),
                            arg.dz_steps,
                            shared_address(tiles) + SharedAddress(offset + arg.dz_bytes + in_slice * int(sizeof(T))),
                            arg.src_steps, shared_address(tiles) + SharedAddress(zero_pixel), lane);
            }
        }
        weights.join(reinterpret_cast<float *>(tiles) + square * kTaps * 8 * 32, share, shares, lane, kThreads<T>);
        if (share == 0 && filter < arg.filters_padded && first_channel + in_slice < arg.channels_padded)
            weights.write(arg.partial + point * arg.partial_stride +
                              (int64_t(part) * kTaps * arg.filters_padded + filter) * arg.channels_padded +
                              first_channel + in_slice,
                          arg.filters_padded, arg.channels_padded, lane);
    }
}

struct Plan {
    Tiling tiling;
    int log_filters, log_channels, n_slices, dz_fours, src_fours, parts;
    int dz_bytes, tile_bytes; // of the staged dz, and with the input
    size_t shared_bytes;
};

Plan plan_backward(const ConvShape &shape, Element element, int n_images) {
    Plan p;
    p.log_filters = log2_up((shape.filters + 15) / 16);
    const int channels = (shape.in_channels + 15) / 16;
    p.log_channels = std::min(2 - p.log_filters, log2_up(channels));
    p.n_slices = (channels + (1 << p.log_channels) - 1) >> p.log_channels;
    p.dz_fours = p.log_filters + 2, p.src_fours = p.log_channels + 2;
    Tiling &t = p.tiling;
    t.height = shape.height, t.width = shape.width, t.n_images = n_images;
    t.first_y = t.first_x = -shape.padding, t.span = shape.kernel;
    t.choose(kMostUnits, pixel_pitch(element, p.dz_fours) + pixel_pitch(element, p.src_fours), kMostTileBytes);
    p.parts = weight_parts(shape, n_images, t.n_tiles);
    const int dz_pixel = pixel_pitch(element, p.dz_fours), src_pixel = pixel_pitch(element, p.src_fours);
    p.dz_bytes = (t.halo_pixels() + 1) * dz_pixel;
    p.tile_bytes = p.dz_bytes + t.halo_pixels() * src_pixel;
    const int exchanged = (1 << (p.log_filters + p.log_channels)) * shape.taps() * 8 * 32 * 4;
    const int coefficients = 3 * 16 * ((shape.filters + 15) / 16 + channels);
    const int warps = element == Element::kFp32 ? kDataWarps<float> : kDataWarps<bf16>;
    p.shared_bytes = size_t((coefficients + warps * 32) * 4 + std::max(2 * p.tile_bytes, exchanged));
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
    arg.dz_steps = PixelSteps(p.tiling, pixel_pitch(element, p.dz_fours), false);
    arg.src_steps = PixelSteps(p.tiling, pixel_pitch(element, p.src_fours), false);
    arg.weights = data.weights;
    arg.n_steps = (shape.filters * bytes_of(element) + 31) / 32;
    arg.interior_dz = shape.padding * (arg.dz_steps.row + arg.dz_steps.pixel);
    arg.interior_src = shape.padding * (arg.src_steps.row + arg.src_steps.pixel);
    arg.parts = p.parts;
    arg.log_filters = p.log_filters, arg.log_channels = p.log_channels;
    arg.dz_fours = p.dz_fours, arg.src_fours = p.src_fours;
    arg.filters_padded = arg.dz_stride = (shape.filters + 15) / 16 * 16;
    arg.channels_padded = arg.src_stride = (shape.in_channels + 15) / 16 * 16;
    arg.dz_bytes = p.dz_bytes, arg.tile_bytes = p.tile_bytes;
    arg.partial = weights.partial;
    arg.partial_stride = conv_backward_partial_floats(shape, element, weights.n_images);
    const dim3 grid(unsigned(p.parts), unsigned(p.n_slices), unsigned(n_points));
    with_element(element, [&](auto zero) {
        using T = decltype(zero);
        const auto run = [&](auto entry) { launch(entry, grid, dim3(kThreads<T>), p.shared_bytes, stream, arg); };
        if (shape.kernel == 3) run(conv_backward_kernel<T, 3>);
        else run(conv_backward_kernel<T, 1>);
    });
    sum_weight_parts({weights.partial, arg.partial_stride, p.parts, shape.taps(), shape.filters, shape.in_channels,
                      arg.filters_padded, arg.channels_padded, weights.gradient, weights.weight, weights.unscale},
                     n_points, stream);
}

} // namespace ist::cuda
