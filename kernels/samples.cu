// samples.cu - see samples.h.
//
// A thread per slot: a handful of rounds of Philox and of the permutation, 16 bytes written. Draws depend on (seed,
// stream, step, slot) alone.
#include "samples.h"

#include <cuda_runtime.h>

#include "../native/src/error.h"
#include "../native/src/random.h"
#include "launch.cuh"

namespace ist::cuda {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) draw_samples_kernel(DrawSamplesParams p) {
    const int slot = int(blockIdx.x * blockDim.x + threadIdx.x), point = int(blockIdx.z);
    if (slot >= p.sampling.batch_size) return;
    const Sample sample = draw_sample(p.sampling, p.n_images, p.streams[point], *p.step, slot);
    DrawnSample out;
    out.image = int32_t(sample.image), out.label = p.labels[sample.image];
    out.dy = int16_t(sample.dy), out.dx = int16_t(sample.dx), out.flip = sample.flip ? 1 : 0;
    p.samples.data[point * p.samples.stride + slot] = out;
}

__global__ void __launch_bounds__(kThreads) list_samples_kernel(ListSamplesParams p) {
    const int slot = int(blockIdx.x * blockDim.x + threadIdx.x), point = int(blockIdx.z);
    if (slot >= p.n_slots) return;
    const int64_t image = p.first + (p.first_on_device ? *p.first_on_device : 0) + slot;
    const bool exists = image < p.n_images;
    DrawnSample out;
    out.image = exists ? int32_t(image) : -1, out.label = exists ? p.labels[image] : -1;
    out.dy = 0, out.dx = 0, out.flip = 0;
    p.samples.data[point * p.samples.stride + slot] = out;
}

dim3 slot_grid(int slots, int n_points) {
    return dim3(unsigned((slots + kThreads - 1) / kThreads), 1, unsigned(n_points));
}

} // namespace

void draw_samples(const DrawSamplesParams &params, int n_points, Stream stream) {
    if (params.n_images > INT32_MAX)
        throw Error(IST_UNSUPPORTED, "A data set on a GPU holds fewer than 2^31 images; use a part of it.");
    if (params.sampling.crop_padding > INT16_MAX)
        throw Error(IST_UNSUPPORTED, "A crop padding on a GPU is below 32768 pixels; choose a smaller one.");
    launch(draw_samples_kernel, slot_grid(params.sampling.batch_size, n_points), dim3(kThreads), 0, stream, params);
}

void list_samples(const ListSamplesParams &params, int n_points, Stream stream) {
    if (params.n_images > INT32_MAX)
        throw Error(IST_UNSUPPORTED, "A data set on a GPU holds fewer than 2^31 images; use a part of it.");
    launch(list_samples_kernel, slot_grid(params.n_slots, params.samples.stride == 0 ? 1 : n_points), dim3(kThreads), 0,
           stream, params);
}

} // namespace ist::cuda
