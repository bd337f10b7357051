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
#include "conv_tile.cuh"

namespace ist::cuda {
namespace {

struct Arguments {
    Walk walk;
    InputGradient input;
    ConstRows params;
    int height, width;
    bool added_aligned, mask_aligned, x_aligned, dst_aligned; // four channels at a time
};

template <class T> __device__ __forceinline__ int64_t pixel_of(const Tensor &t, int point, int image, int y, int x) {
    return point * t.point_stride + ((int64_t(image) * t.height + y) * t.width + x) * t.pitch;
}

template <class T, int kKernel>
__global__ void __launch_bounds__(kConvThreads, kConvBlocks<T>)
    conv_backward_data_kernel(const __grid_constant__ Arguments arg) {
    const Place place(arg.walk);
    const InputGradient &in = arg.input;
    const int outputs = arg.walk.outputs, c = place.channel, left = outputs - c, point = place.point;
    float sum[4] = {0, 0, 0, 0}, product[4] = {0, 0, 0, 0};
    walk_tiles<T, kKernel, 1>(arg.walk, place, [&](auto each) {
        float scale[4], shift[4], mean[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            scale[i] = 1.f, shift[i] = mean[i] = 0.f;
            if (in.norm.applied && i < left) {
                const float2 norm = scale_and_shift(in.norm, arg.params[point], point, c + i);
                scale[i] = norm.x, shift[i] = norm.y;
                mean[i] = in.norm.mean.data[point * in.norm.mean.stride + c + i];
            }
        }
        each([&](int image, int y, int x, const float(&sums)[4]) {
            if (y >= arg.height || x >= arg.width) return;
            float v[4] = {sums[0], sums[1], sums[2], sums[3]}, x_values[4] = {0, 0, 0, 0};
            if (in.added.data) {
                const int step = in.added_step;
                const T *added = static_cast<const T *>(in.added.data);
                if (step == 1 && in.added_first == 0) {
                    float others[4];
                    load_four<T>(added + pixel_of<T>(in.added, point, image, y, x) + c, left, arg.added_aligned,
                                 others);
#pragma unroll
                    for (int i = 0; i < 4; ++i) v[i] += others[i];
                } else if (y % step == 0 && x % step == 0) {
                    added += pixel_of<T>(in.added, point, image, y / step, x / step) + in.added_first + c;
#pragma unroll
                    for (int i = 0; i < 4; ++i)
                        if (i < left) v[i] += to_float(added[i]);
                }
            }
            if (in.x.data)
                load_four<T>(static_cast<const T *>(in.x.data) + pixel_of<T>(in.x, point, image, y, x) + c, left,
                             arg.x_aligned, x_values);
            if (in.mask.data) {
                float mask[4];
                load_four<T>(static_cast<const T *>(in.mask.data) + pixel_of<T>(in.mask, point, image, y, x) + c, left,
                             arg.mask_aligned, mask);
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    if (!(mask[i] > 0.f)) v[i] = 0.f;
            } else if (in.mask_is_x) {
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    if (!(fmaf(scale[i], x_values[i], shift[i]) > 0.f)) v[i] = 0.f;
            }
            if (in.sums.data) {
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    if (!in.scaled) v[i] = rounded<T>(v[i]);
                    sum[i] += v[i];
                    product[i] = fmaf(v[i], x_values[i] - mean[i], product[i]);
                }
            }
            if (in.scaled) {
#pragma unroll
                for (int i = 0; i < 4; ++i) v[i] *= scale[i];
            }
            T *dst = static_cast<T *>(in.dst.g.data) + pixel_of<T>(in.dst.g, point, image, y, x) + c;
            if (in.dst.add) {
                float there[4];
                load_four<T>(dst, left, arg.dst_aligned, there);
#pragma unroll
                for (int i = 0; i < 4; ++i) v[i] += there[i];
            }
            store_four<T>(dst, left, arg.dst_aligned, v);
        });
    });
    if (!in.sums.data) return;

#pragma unroll
    for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int distance = 4; distance < 32; distance *= 2) {
            sum[i] += __shfl_xor_sync(~0u, sum[i], distance);
            product[i] += __shfl_xor_sync(~0u, product[i], distance);
        }
        if (place.lane < 4) {
            float *to = place.moments + (place.warp * 16 + place.lane * 4 + i) * 2;
            to[0] = sum[i], to[1] = product[i];
        }
    }
    __syncthreads();
    const int first = int(blockIdx.y) * place.groups * 16;
    float *out = in.sums.data + point * in.sums.stride + int64_t(place.part) * 2 * outputs;
    for (int own = int(threadIdx.x); own < place.groups * 16 && first + own < outputs; own += int(blockDim.x)) {
        float all = 0.f, all_products = 0.f;
        for (int w = 0; w < place.workers; ++w) {
            const float *from = place.moments + ((w * place.groups + (own >> 4)) * 16 + (own & 15)) * 2;
            all += from[0], all_products += from[1];
        }
        out[first + own] = all, out[outputs + first + own] = all_products;
    }
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
    arg.input = conv.input, arg.params = conv.params;
    arg.height = conv.shape.in_height, arg.width = conv.shape.in_width;
    const int four = 4 * bytes_of(element);
    arg.added_aligned = pixels_aligned(conv.input.added, four),
    arg.mask_aligned = pixels_aligned(conv.input.mask, four);
    arg.x_aligned = pixels_aligned(conv.input.x, four), arg.dst_aligned = pixels_aligned(conv.input.dst.g, four);
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
