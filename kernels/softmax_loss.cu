// softmax_loss.cu - see softmax_loss.h.
//
// A warp per image (softmax.cuh), a block per part; the losses of a part are added in the order of its images, parts in
// a fixed tree.
#include "softmax_loss.h"

#include <cuda_runtime.h>

#include "channels.cuh"
#include "softmax.cuh"

namespace ist::cuda {
namespace {

constexpr int kLossThreads = 32 * kLossPartImages, kFinishThreads = 256;

__global__ void __launch_bounds__(kLossThreads) softmax_loss_kernel(SoftmaxLossParams p) {
    LossPart *shared = reinterpret_cast<LossPart *>(shared_memory());
    const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32, point = int(blockIdx.z);
    const int image = int(blockIdx.x) * kLossPartImages + warp, n_classes = p.logits.channels;
    LossPart mine{0, 0};
    if (image < p.n_images) {
        float *log_p = p.log_probabilities;
        if (log_p) log_p += point * p.log_probabilities_stride + int64_t(image) * n_classes;
        mine = softmax_of_image(at<const float>(p.logits, point, image, 0), n_classes,
                                p.samples.data[point * p.samples.stride + image].label, p.gradient_factor,
                                p.dlogits.data ? at<float>(p.dlogits, point, image, 0) : nullptr, log_p);
    }
    if (lane == 0) shared[warp] = mine;
    __syncthreads();
    if (threadIdx.x == 0) write_part(p, point, shared);
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
           kLossPartImages * sizeof(LossPart), stream, params);
}

void finish_loss(const FinishLossParams &params, int n_points, Stream stream) {
    launch(finish_loss_kernel, dim3(1, 1, unsigned(n_points)), dim3(kFinishThreads), kFinishThreads * sizeof(LossPart),
           stream, params);
}

} // namespace ist::cuda
