// samples.h - which image fills each slot of a batch, and how it is augmented, in device memory.
#pragma once

#include <cstdint>

#include "isthmus/isthmus.h"
#include "tensor.h"

namespace ist::cuda {

// ist::Sample with its label. image = label = -1: an empty slot behind the last image of a data set; its pixels are 0
// and it counts in no loss.
struct alignas(16) DrawnSample {
    int32_t image, label;
    int16_t dy, dx;
    int32_t flip;
};

// Of n points, [point][slot]; stride 0: all points see the same images.
struct Samples {
    DrawnSample *data = nullptr;
    int64_t stride = 0; // samples between points
};

// Training: the batch of step *step of every point's stream (draw_sample of random.h).
struct DrawSamplesParams {
    ist_sampling sampling{};
    int64_t n_images = 0;
    const int32_t *labels = nullptr;   // [n_images]
    const uint64_t *streams = nullptr; // [n_points]
    const int64_t *step = nullptr;
    Samples samples; // [n_points][batch_size]
};
void draw_samples(const DrawSamplesParams &params, int n_points, Stream stream);

// Inference: images first .. first + n_slots - 1 in order, not augmented, where first = params.first +
// *first_on_device.
struct ListSamplesParams {
    int64_t n_images = 0;
    const int32_t *labels = nullptr;
    int64_t first = 0;
    const int64_t *first_on_device = nullptr; // nullptr: 0
    int n_slots = 0;
    Samples samples; // stride 0: written once
};
void list_samples(const ListSamplesParams &params, int n_points, Stream stream);

} // namespace ist::cuda
