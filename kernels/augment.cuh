// augment.cuh - pixels of an augmented image, read from the bytes of a data set.
#pragma once

#include <cuda_runtime.h>

#include "augment.h"

namespace ist::cuda {

// Where pixel (y, x) of a slot's image is in the bytes; nullptr: outside, all its channels are 0.
__device__ __forceinline__ const uint8_t *augmented_pixel(const ImageBytes &images, const DrawnSample &sample, int y,
                                                          int x) {
    const int from_y = y + sample.dy, from_x = (sample.flip ? images.width - 1 - x : x) + sample.dx;
    if (sample.image < 0 || from_y < 0 || from_y >= images.height || from_x < 0 || from_x >= images.width)
        return nullptr;
    return images.pixels + ((int64_t(sample.image) * images.height + from_y) * images.width + from_x) * images.channels;
}

// Its value in channel c.
__device__ __forceinline__ float augmented_value(const ImageBytes &images, const uint8_t *pixel, int c) {
    return pixel ? __ldg(images.table + c * 256 + __ldg(pixel + c)) : 0.f;
}

} // namespace ist::cuda
