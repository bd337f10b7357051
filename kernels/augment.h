// augment.h - a batch of normalised, cropped and mirrored images from the bytes of a data set.
#pragma once

#include "samples.h"

namespace ist::cuda {

struct ImageBytes {
    const uint8_t *pixels = nullptr; // [image][y][x][channel]
    const float *table = nullptr;    // [channel][256]: the normalised value of a byte
    int height = 0, width = 0, channels = 0;
};

// Images as slots of a batch see them.
struct DrawnImages {
    ImageBytes bytes; // pixels nullptr: none
    Samples samples;
};

// Writes whole pixels: the channels from images.channels to dst.pitch become 0, so dst is a storage of its own.
struct AugmentParams {
    ImageBytes images;
    Samples samples;
    Tensor dst;
    int n_images = 0; // slots of a point
};
void augment(const AugmentParams &params, int n_points, Stream stream);

} // namespace ist::cuda
