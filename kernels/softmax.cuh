// softmax.cuh - loss, error, gradient and log-probabilities of one image's logits, by one warp.
//
// Log-sum-exp in double about the largest logit. The loss is log_sum - logit of the label; the image is wrong where
// another logit is the (first) largest or the loss is NaN.
#pragma once

#include <cuda_runtime.h>

#include "softmax_loss.h"

namespace ist::cuda {

// For all lanes of a warp, which share the classes; `label` -1: counts as nothing. dlogits = (p - onehot) * factor;
// dlogits, log_probabilities: nullptr: not wanted. Valid in every lane.
__device__ __forceinline__ LossPart softmax_of_image(const float *logits, int n_classes, int label, float factor,
                                                     float *dlogits, float *log_probabilities) {
    constexpr unsigned kAllLanes = 0xffffffffu;
    const int lane = int(threadIdx.x) % 32;
    float best = -INFINITY;
    int best_class = n_classes;
    for (int c = lane; c < n_classes; c += 32)
        if (best_class == n_classes || logits[c] > best) best = logits[c], best_class = c;
    for (int mask = 16; mask > 0; mask /= 2) {
        const float other = __shfl_xor_sync(kAllLanes, best, mask);
        const int other_class = __shfl_xor_sync(kAllLanes, best_class, mask);
        if (other > best || (other == best && other_class < best_class)) best = other, best_class = other_class;
    }
    double sum = 0;
#pragma unroll 1
    for (int c = lane; c < n_classes; c += 32) sum += exp(double(logits[c]) - double(best));
    for (int mask = 16; mask > 0; mask /= 2) sum += __shfl_xor_sync(kAllLanes, sum, mask);
    const double log_sum = log(sum) + double(best);

    LossPart part{0, 0};
    if (label >= 0) {
        part.loss = log_sum - double(logits[label]);
        part.errors = best_class != label || part.loss != part.loss ? 1 : 0;
    }
    if (dlogits)
#pragma unroll 1
        for (int c = lane; c < n_classes; c += 32) {
            const double probability = exp(double(logits[c]) - log_sum);
            dlogits[c] = label < 0 ? 0.f : float(probability - (c == label ? 1.0 : 0.0)) * factor;
        }
    if (log_probabilities)
        for (int c = lane; c < n_classes; c += 32) log_probabilities[c] = float(double(logits[c]) - log_sum);
    return part;
}

// The part of a block's kLossPartImages images, in their order.
__device__ __forceinline__ void write_part(const SoftmaxLossParams &p, int point, const LossPart *images) {
    LossPart part{0, 0};
    for (int i = 0; i < kLossPartImages; ++i) part.loss += images[i].loss, part.errors += images[i].errors;
    const int64_t chunk = p.first_image_on_device ? *p.first_image_on_device / kLossPartImages : 0;
    p.parts[point * p.parts_stride + p.first_part + chunk + blockIdx.x] = part;
}

} // namespace ist::cuda
