// augment.cu - see augment.h.
//
// A thread per pixel: its bytes are read once (neighbouring threads on neighbouring bytes) and its whole pitch is
// written in 16-byte chunks.
#include "augment.cuh"

#include "channels.cuh"
#include "partition.h"

namespace ist::cuda {
namespace {

constexpr int kThreads = 128;

template <class T> __global__ void __launch_bounds__(kThreads) augment_kernel(AugmentParams p, int64_t rows) {
    const int64_t row = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    const int point = int(blockIdx.z);
    if (row >= rows) return;
    const int line = int(row) / p.images.width, x = int(row) % p.images.width;
    const int slot = line / p.images.height, y = line % p.images.height;
    const uint8_t *pixel = augmented_pixel(p.images, p.samples.data[point * p.samples.stride + slot], y, x);
    for (int first = 0; first < p.dst.pitch; first += kPerChunk<T>) {
        float values[kPerChunk<T>];
#pragma unroll
        for (int i = 0; i < kPerChunk<T>; ++i)
            values[i] = first + i < p.images.channels ? augmented_value(p.images, pixel, first + i) : 0.f;
        store_run<T, kPerChunk<T>>(at<T>(p.dst, point, row, first), values);
    }
}

} // namespace

void augment(const AugmentParams &params, int n_points, Stream stream) {
    expect(pixels_aligned(params.dst, 16), "The storage of the input must have pixels of whole 16-byte chunks.");
    const int64_t rows = rows_of(params.dst, params.n_images);
    const dim3 grid(unsigned((rows + kThreads - 1) / kThreads), 1, unsigned(n_points));
    with_element(params.dst.element,
                 [&](auto t) { launch(augment_kernel<decltype(t)>, grid, dim3(kThreads), 0, stream, params, rows); });
}

} // namespace ist::cuda
