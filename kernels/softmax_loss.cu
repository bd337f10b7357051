// softmax_loss.cu - see softmax_loss.h.
//
// A warp per image, its lanes on the classes: log-sum-exp in double about the largest logit. The image's loss is
// log_sum - logit of its label; it is wrong where another logit is the (first) largest or the loss is NaN. A block
// takes the 32 images of a part; their losses are added in the order of the warps, parts in a fixed tree.
#include "softmax_loss.h"

#include <cuda_runtime.h>

#include "channels.cuh"

namespace ist::cuda {
namespace {

constexpr int kWarps = 8, kLossThreads = 32 * kWarps, kFinishThreads = 256;
constexpr unsigned kAllLanes = 0xffffffffu;

__global__ void __launch_bounds__(kLossThreads) softmax_loss_kernel(SoftmaxLossParams p) {
    LossPart *shared = reinterpret_cast<LossPart *>(shared_memory());
    const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32, point = int(blockIdx.z);
    const int n_classes = p.logits.channels;
    LossPart mine{0, 0};
    for (int i = warp; i < kLossPartImages; i += kWarps) {
        const int image = int(blockIdx.x) * kLossPartImages + i;
        if (image >= p.n_images) break;
        const int label = p.samples.data[point * p.samples.stride + image].label;
        const float *logits = at<const float>(p.logits, point, image, 0);

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
        for (int c = lane; c < n_classes; c += 32) sum += exp(double(logits[c]) - double(best));
        for (int mask = 16; mask > 0; mask /= 2) sum += __shfl_xor_sync(kAllLanes, sum, mask);
        const double log_sum = log(sum) + double(best);

        if (label >= 0) {
            const double own = log_sum - double(logits[label]);
            mine.loss += own;
            mine.errors += best_class != label || own != own ? 1 : 0;
        }
        if (p.dlogits.data) {
            float *out = at<float>(p.dlogits, point, image, 0);
            for (int c = lane; c < n_classes; c += 32) {
                const double probability = exp(double(logits[c]) - log_sum);
                out[c] = label < 0 ? 0.f : float(probability - (c == label ? 1.0 : 0.0)) * p.gradient_factor;
            }
        }
        if (p.log_probabilities) {
            float *out = p.log_probabilities + point * p.log_probabilities_stride + int64_t(image) * n_classes;
            for (int c = lane; c < n_classes; c += 32) out[c] = float(double(logits[c]) - log_sum);
        }
    }
    if (lane == 0) shared[warp] = mine;
    __syncthreads();
    if (threadIdx.x != 0) return;
    LossPart part{0, 0};
    for (int i = 0; i < kWarps; ++i) part.loss += shared[i].loss, part.errors += shared[i].errors;
    const int64_t chunk = p.first_image_on_device ? *p.first_image_on_device / kLossPartImages : 0;
    p.parts[point * p.parts_stride + p.first_part + chunk + blockIdx.x] = part;
}

__global__ void __launch_bounds__(kFinishThreads) finish_loss_kernel(FinishLossParams p) {
    LossPart *shared = reinterpret_cast<LossPart *>(shared_memory());
    const int thread = int(threadIdx.x), point = int(blockIdx.z);
    LossPart sum{0, 0};
    for (int64_t i = thread; i < p.n_parts; i += kFinishThreads) {
        const LossPart part = p.parts[point * p.parts_stride + i];
        sum.loss += part.loss, sum.errors += part.errors;
    }
    shared[thread] = sum;
    __syncthreads();
    for (int half = kFinishThreads / 2; half > 0; half /= 2) {
        if (thread < half) {
            shared[thread].loss += shared[thread + half].loss;
            shared[thread].errors += shared[thread + half].errors;
        }
        __syncthreads();
    }
    if (thread != 0) return;
    p.loss[point] = shared[0].loss / double(p.count);
    p.error[point] = shared[0].errors / double(p.count);
}

} // namespace

void softmax_loss(const SoftmaxLossParams &params, int n_points, Stream stream) {
    expect(params.logits.element == Element::kFp32 &&
               (!params.dlogits.data || params.dlogits.element == Element::kFp32),
           "Logits and their gradient are float32.");
    launch(softmax_loss_kernel, dim3(unsigned(loss_parts(params.n_images)), 1, unsigned(n_points)), dim3(kLossThreads),
           kWarps * sizeof(LossPart), stream, params);
}

void finish_loss(const FinishLossParams &params, int n_points, Stream stream) {
    launch(finish_loss_kernel, dim3(1, 1, unsigned(n_points)), dim3(kFinishThreads), kFinishThreads * sizeof(LossPart),
           stream, params);
}

} // namespace ist::cuda
