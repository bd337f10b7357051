// conv_backward_weights.cu - the gradient of a convolution's weights.
//
//   dw[f][c][ky][kx] = sum over n, y, x of dz[n][y][x][f] * a[n][y * stride + ky - padding][x * stride + kx -
//   padding][c] a = activation(norm(x) + norm(residual)), dz = [gamma * invstd *] g + slope * z + offset
//
// Grid: parts of the tiles x slices of weights x points. A warp holds 16 filters x 16 channels x all taps in registers
// over all its tiles; up to 8 such squares are a slice, and where there are fewer, warps share a square by pixels.
// Passes: g, z, x and the residual once per slice (1 up to 32 x 64 or 16 x 128 weights of a tap); partial sums are
// written once and read once by sum_weight_parts.
// Determinism: float32 sums of a warp in the order of its tiles, warps of a square one after the other, parts in order
// in float64. The parts are a function of shapes alone. Source: implicit matrix product over pixels on mma.sync;
// operands are transposed by ldmatrix.trans as they are read.
#include <algorithm>

#include "conv_weight_square.cuh"

namespace ist::cuda {
namespace {

constexpr int kMostTileBytes = 88 * 1024; // two blocks per SM, one on consumer cards
constexpr int kMostUnits = 16;
template <class T> constexpr int kStageAhead = sizeof(T) == 2 ? 2 : 1; // as many as registers are left for

struct Arguments {
    Source dz, src;
    DrawnImages images; // staged in place of src by a kernel for images
    Tiling dz_tiling, src_tiling;
    PixelSteps dz_steps, src_steps;
    int kernel, parts;
    int log_filters, log_channels; // squares of a slice along both directions
    int filter_slices, channel_slices;
    int dz_chunks, src_chunks; // of a staged pixel
    Division by_dz_chunks, by_src_chunks;
    int dz_stride, src_stride; // of the coefficients
    int filters_padded, channels_padded;
    size_t dz_bytes; // of the staged dz, a pixel of zeros at its end
    float *partial;  // [point][part][tap][filters_padded][channels_padded]
    int64_t partial_stride;
};

__device__ __forceinline__ int log_squares(const Arguments &arg) { return arg.log_filters + arg.log_channels; }

// kKernel 0: one tap per block, any kernel and stride.
template <class T, int kKernel, int kStride, bool kImages = false>
__global__ void __launch_bounds__(kConvThreads, kKernel == 3 ? 1 : kConvBlocks<T>)
    conv_backward_weights_kernel(const __grid_constant__ Arguments arg) {
    constexpr int kTaps = kKernel ? kKernel * kKernel : 1, kSide = kKernel ? kKernel : 1;
    const int point = int(blockIdx.z), part = int(blockIdx.x), lane = int(threadIdx.x) & 31;
    const int warp = int(threadIdx.x) >> 5;
    const int slices = arg.filter_slices * arg.channel_slices;
    const int slice = int(blockIdx.y) % slices, tap = int(blockIdx.y) / slices;
    const int channel_slice = slice % arg.channel_slices, filter_slice = slice / arg.channel_slices;
    const int first_filter = (filter_slice << arg.log_filters) * 16;
    const int first_channel = (channel_slice << arg.log_channels) * 16;
    const int squares = 1 << log_squares(arg), square = warp & (squares - 1), share = warp >> log_squares(arg);
    const int shares = kConvWarps >> log_squares(arg);
    const int square_filter = (square >> arg.log_channels) * 16;
    const int square_channel = (square & ((1 << arg.log_channels) - 1)) * 16;
    const int filter = first_filter + square_filter, channel = first_channel + square_channel;
    const bool active = filter < arg.filters_padded && channel < arg.channels_padded; // others have nothing staged

    char *shared = shared_memory();
    const CoefficientTable dz_coefficients{reinterpret_cast<float *>(shared), arg.dz_stride, 0};
    const CoefficientTable src_coefficients{dz_coefficients.data + coefficient_floats(arg.dz_stride), arg.src_stride,
                                            0};
    char *dz_tile = reinterpret_cast<char *>(src_coefficients.data + coefficient_floats(arg.src_stride)),
         *src_tile = dz_tile + arg.dz_bytes;
    load_coefficients(dz_coefficients, arg.dz, point);
    if (!kImages) load_coefficients(src_coefficients, arg.src, point);
    const int dz_pitch = pixel_pitch(arg.dz_chunks);
    const Tiling &dt = arg.dz_tiling;
    const Tiling &st = arg.src_tiling;
    const int tap_y = kKernel ? 0 : tap / arg.kernel, tap_x = kKernel ? 0 : tap % arg.kernel;
    const int zero_pixel = int(arg.dz_bytes) - dz_pitch;
    for (int i = int(threadIdx.x) * 16; i < dz_pitch; i += int(blockDim.x) * 16)
        *reinterpret_cast<uint4 *>(dz_tile + zero_pixel + i) = make_uint4(0, 0, 0, 0);

    WeightSquares<T, kSide, kStride> weights;
    const SharedAddress dz = shared_address(dz_tile) + SharedAddress(square_filter * int(sizeof(T)));
    const SharedAddress src = shared_address(src_tile) + SharedAddress(square_channel * int(sizeof(T)));
    const SharedAddress zero = shared_address(dz_tile) + SharedAddress(zero_pixel);
    for (int index = part; index < dt.n_tiles; index += arg.parts) {
        const TileAt at = tile_at(dt, index);
        __syncthreads();
        stage<T, kStageAhead<T>>(dz_tile, arg.dz_chunks, arg.by_dz_chunks, dz_coefficients, arg.dz, nullptr, 0, dt, at,
                                 point, first_filter, 0, 0, int(threadIdx.x), kConvThreads);
        if constexpr (kImages) stage_images<T>(src_tile, arg.src_chunks, arg.images, st, at, point, first_channel);
        else
            stage<T, kStageAhead<T>>(src_tile, arg.src_chunks, arg.by_src_chunks, src_coefficients, arg.src, nullptr, 0,
                                     st, at, point, first_channel, tap_y, tap_x, int(threadIdx.x), kConvThreads);
        __syncthreads();
#pragma unroll 1
        for (int unit = share; active && unit < dt.units(); unit += shares) {
            const int group = unit / dt.strips, strip = unit - group * dt.strips;
            weights.add(dt, strip, group, dz, arg.dz_steps, src, arg.src_steps, zero, lane);
        }
    }
    weights.join(reinterpret_cast<float *>(dz_tile) + square * kTaps * 8 * 32, share, shares, lane, kConvThreads);
    if (share > 0 || !active) return;
    const int taps = arg.kernel * arg.kernel;
    weights.write(arg.partial + point * arg.partial_stride +
                      ((int64_t(part) * taps + tap) * arg.filters_padded + filter) * arg.channels_padded + channel,
                  arg.filters_padded, arg.channels_padded, lane);
}

struct Plan {
    Tiling dz, src;
    int log_filters, log_channels, filter_slices, channel_slices, dz_chunks, src_chunks;
    int filters_padded, channels_padded, parts;
    bool one_tap;
};

Plan plan_weights(const ConvShape &shape, Element element, int n_images) {
    Plan p;
    const int filter_squares = (shape.filters + 15) / 16;
    const int channel_squares = (shape.in_channels + 15) / 16;
    p.log_filters = std::min(2, log2_up(filter_squares));
    p.log_channels = std::min(3 - p.log_filters, log2_up(channel_squares));
    p.filter_slices = (filter_squares + (1 << p.log_filters) - 1) >> p.log_filters;
    p.channel_slices = (channel_squares + (1 << p.log_channels) - 1) >> p.log_channels;
    p.dz_chunks = chunks_of(element, 16 * std::min(1 << p.log_filters, filter_squares));
    p.src_chunks = chunks_of(element, 16 * std::min(1 << p.log_channels, channel_squares));
    p.filters_padded = filter_squares * 16, p.channels_padded = channel_squares * 16;
    p.one_tap = !(shape.kernel == 3 && shape.stride <= 2) && !(shape.kernel == 1 && shape.stride == 1);
    Tiling t;
    t.height = shape.height, t.width = shape.width, t.n_images = n_images;
    t.step = shape.stride, t.first_y = t.first_x = -shape.padding, t.span = p.one_tap ? 1 : shape.kernel;
    t.choose(kMostUnits, pixel_pitch(p.dz_chunks) + pixel_pitch(p.src_chunks), kMostTileBytes);
    p.src = t;
    p.dz = t.seen(1, 0, 1);
    p.parts = weight_parts(shape, n_images, t.n_tiles);
    return p;
}

} // namespace

int64_t conv_weights_partial_floats(const ConvShape &shape, Element element, int n_images) {
    const Plan p = plan_weights(shape, element, n_images);
    return int64_t(p.parts) * shape.taps() * p.filters_padded * p.channels_padded;
}

void conv_backward_weights(const ConvBackwardWeights &conv, int n_points, Stream stream) {
    const Element element = conv.src.x.element;
    expect_images(conv.images, conv.shape);
    const Plan p = plan_weights(conv.shape, element, conv.n_images);
    Arguments arg{};
    arg.dz = Source::of(conv.dz, conv.params), arg.src = Source::of(conv.src, conv.params);
    arg.images = conv.images;
    arg.dz_tiling = p.dz, arg.src_tiling = p.src;
    arg.dz_steps = PixelSteps(p.dz, pixel_pitch(p.dz_chunks), false);
    arg.src_steps = PixelSteps(p.src, pixel_pitch(p.src_chunks), p.one_tap || conv.shape.kernel == 1);
    arg.kernel = conv.shape.kernel, arg.parts = p.parts;
    arg.log_filters = p.log_filters, arg.log_channels = p.log_channels;
    arg.filter_slices = p.filter_slices, arg.channel_slices = p.channel_slices;
    arg.dz_chunks = p.dz_chunks, arg.src_chunks = p.src_chunks;
    arg.by_dz_chunks = Division(p.dz_chunks), arg.by_src_chunks = Division(p.src_chunks);
    arg.dz_stride = p.filters_padded, arg.src_stride = p.channels_padded;
    arg.filters_padded = p.filters_padded, arg.channels_padded = p.channels_padded;
    arg.dz_bytes = size_t(p.dz.halo_pixels() + 1) * size_t(pixel_pitch(p.dz_chunks));
    arg.partial = conv.partial;
    arg.partial_stride = conv_weights_partial_floats(conv.shape, element, conv.n_images);
    const int taps = conv.shape.taps();
    const size_t staged = arg.dz_bytes + size_t(p.src.halo_pixels()) * size_t(pixel_pitch(p.src_chunks));
    const size_t exchanged = size_t(1 << (p.log_filters + p.log_channels)) * size_t(p.one_tap ? 1 : taps) * 8 * 32 * 4;
    const size_t shared =
        size_t(coefficient_floats(arg.dz_stride + arg.src_stride)) * sizeof(float) + std::max(staged, exchanged);
    const dim3 grid(unsigned(p.parts), unsigned(p.filter_slices * p.channel_slices * (p.one_tap ? taps : 1)),
                    unsigned(n_points));
    with_element(element, [&](auto zero) {
        using T = decltype(zero);
        const auto run = [&](auto entry) { launch(entry, grid, dim3(kConvThreads), shared, stream, arg); };
        if (conv.images.bytes.pixels) run(conv_backward_weights_kernel<T, 3, 1, true>);
        else if (p.one_tap) run(conv_backward_weights_kernel<T, 0, 1>);
        else if (conv.shape.kernel == 1) run(conv_backward_weights_kernel<T, 1, 1>);
        else if (conv.shape.stride == 1) run(conv_backward_weights_kernel<T, 3, 1>);
        else run(conv_backward_weights_kernel<T, 3, 2>);
    });
    sum_weight_parts({conv.partial, arg.partial_stride, p.parts, taps, conv.shape.filters, conv.shape.in_channels,
                      p.filters_padded, p.channels_padded, conv.gradient, conv.weight, conv.unscale},
                     n_points, stream);
}

} // namespace ist::cuda
