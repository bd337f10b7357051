// softmax_loss.h - cross-entropy and error of logits, their gradient, log-probabilities.
#pragma once

#include "samples.h"

namespace ist::cuda {

constexpr int kLossPartImages = 4; // images of a part

inline int loss_parts(int n_images) { return (n_images + kLossPartImages - 1) / kLossPartImages; }

struct LossPart {
    double loss, errors; // sums over images
};

struct SoftmaxLossParams {
    Tensor logits; // float32, 1 x 1
    Samples samples;
    int n_images = 0;
    // Part i of this launch goes to parts[point * parts_stride + first_part + i], first_part + loss_parts(n_images) <=
    // parts_stride: a data set may come in chunks of whole parts. *first_image_on_device / kLossPartImages is added
    // to first_part.
    LossPart *parts = nullptr;
    int64_t parts_stride = 0, first_part = 0;
    const int64_t *first_image_on_device = nullptr; // nullptr: 0
    Tensor dlogits;                                 // data nullptr: none; (p - onehot) * gradient_factor
    float gradient_factor = 1;                      // gradient_scale / batch
    float *log_probabilities = nullptr;             // [point][image][class], float32; nullptr: none
    int64_t log_probabilities_stride = 0;           // floats between points
};
void softmax_loss(const SoftmaxLossParams &params, int n_points, Stream stream);

// parts -> means over `count` images: loss [point], error [point].
struct FinishLossParams {
    const LossPart *parts = nullptr;
    int64_t parts_stride = 0, n_parts = 0;
    int64_t count = 1;
    double *loss = nullptr, *error = nullptr;
};
void finish_loss(const FinishLossParams &params, int n_points, Stream stream);

} // namespace ist::cuda
