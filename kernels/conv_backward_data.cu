// conv_backward_data.cu - the gradient of a convolution's input: batch norm's backward in front, the backward of ReLU,
// residual and batch norm behind.
//
//   dz = [gamma * invstd *] g + slope * z + offset
//   v[n][y][x][c] = sum over f, ky, kx of dz[n][(y + padding - ky) / stride][(x + padding - kx) / stride][f]
//                   * w[f][c][ky][kx], over the taps that divide
//   v = (v + added) where the ReLU in front was positive, else 0;  sums of v and v * (x - mean);  dst (+)= [scale *] v
//
// Grid and tiles as in conv_forward.cu; a strided convolution is walked class by class (remainders of y and x).
// Passes: g and z once per group of up to 64 input channels; added, mask, x and dst once.
// Determinism: as conv_forward.cu; sums are float32 per thread, then merged lane, warp, part in a fixed order.
#include "conv_input_gradient.cuh"

namespace ist::cuda {
namespace {

struct Arguments {
    Walk walk;
    InputGradientArguments input;
};

template <class T, int kKernel>
__global__ void __launch_bounds__(kConvThreads, kConvBlocks<T>)
    conv_backward_data_kernel(const __grid_constant__ Arguments arg) {
    const Place place(arg.walk);
    InputGradientOut<T, 4> out(arg.input, place.point, place.channel);
    walk_tiles<T, kKernel, 1>(arg.walk, place, [&](auto each) {
        const int thread = thread_again(), groups = arg.walk.log_groups;
        out.begin_at(((int(blockIdx.y) << groups) + ((thread >> 5) & ((1 << groups) - 1))) * 16 + (thread & 3) * 4);
        const auto constants = out.constants();
        each([&](int image, int y, int x, const float(&sums)[4], int) {
            out.template leave<false>(constants, out.read(image, y, x), image, y, x, sums, nullptr);
        });
    });
    if (!arg.input.input.sums.data) return;
    out.gather(place.moments + place.warp * 32, place.lane);
    __syncthreads();
    const int first = int(blockIdx.y) * place.groups * 16;
    write_input_sums(arg.input, place.moments, place.workers, place.groups, 16, first,
                     min(first + place.groups * 16, arg.input.channels), place.point, place.part, kConvThreads);
}

int floor_div(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

Walk plan_walk(const ConvShape &shape, Element element, int n_images) {
    Walk walk;
    const int stride = shape.stride;
    walk.outputs = shape.in_channels, walk.kernel = shape.kernel;
    walk.classes = stride, walk.padding = shape.padding, walk.flipped = true;
    Tiling &t = walk.tiling;
    t.height = (shape.in_height + stride - 1) / stride, t.width = (shape.in_width + stride - 1) / stride;
    t.n_images = n_images;
    // Offsets into dz over all classes and taps: (class + padding - tap) / stride where it divides.
    walk.first_d = floor_div(shape.padding - (shape.kernel - 1) + stride - 1, stride);
    t.span = floor_div(stride - 1 + shape.padding, stride) - walk.first_d + 1;
    t.first_y = t.first_x = walk.first_d;
    walk.choose(shape.filters, element);
    return walk;
}

} // namespace

int conv_backward_data_parts(const ConvShape &shape, Element element, int n_images) {
    return plan_walk(shape, element, n_images).parts;
}

void conv_backward_data(const ConvBackwardData &conv, int n_points, Stream stream) {
    const Element element = conv.dz.dz.g.element;
    Arguments arg{};
    arg.walk = plan_walk(conv.shape, element, conv.n_images);
    arg.walk.src = Source::of(conv.dz, conv.params);
    arg.walk.weights = conv.weights;
    arg.input = InputGradientArguments(conv.input, conv.shape, conv.params);
    with_element(element, [&](auto zero) {
        using T = decltype(zero);
        const auto run = [&](auto entry) {
            launch(entry, arg.walk.grid(n_points), dim3(kConvThreads), arg.walk.shared_bytes(), stream, arg);
        };
        if (conv.shape.stride > 1) run(conv_backward_data_kernel<T, 0>);
        else if (conv.shape.kernel == 3) run(conv_backward_data_kernel<T, 3>);
        else if (conv.shape.kernel == 1) run(conv_backward_data_kernel<T, 1>);
        else run(conv_backward_data_kernel<T, 0>);
    });
}

} // namespace ist::cuda
