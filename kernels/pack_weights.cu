// pack_weights.cu - float32 weights [filter][channel][ky][kx] to elements in the order of the matrix units' fragments.
//
// Layout: convolution.h, PackedWeights. Grid: words of 16 bytes x convolutions and passes x points. Passes: weights are
// read twice (forward and data gradient) and written twice, under 1 % of a step's traffic. No sums. The scale of a
// folded batch norm is multiplied in before weights are rounded.
#include "convolution.h"

#include "element.cuh"
#include "launch.cuh"
#include "matrix_unit.cuh"

namespace ist::cuda {
namespace {

constexpr int kThreads = 256;

// The 32-bit word of inputs first .. of output `out`; inputs beyond the last are 0.
template <class T, class Weight> __device__ __forceinline__ uint32_t word(Weight weight, int out, int first) {
    if constexpr (sizeof(T) == 4) return __float_as_uint(weight(out, first));
    else return pack_pair<T>(weight(out, first), weight(out, first + 1));
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    pack_weights_kernel(const PackJob *jobs, ConstRows params, PackedWeights packed) {
    const PackJob job = jobs[blockIdx.y >> 1];
    const bool for_data = blockIdx.y & 1;
    const int64_t offset = for_data ? job.data : job.forward;
    if (offset < 0) return;
    const int point = int(blockIdx.z);
    const int outputs = for_data ? job.channels : job.filters, inputs = for_data ? job.filters : job.channels;
    const int n_steps = (inputs + kStep<T> - 1) / kStep<T>, slices = (outputs + 15) / 16;
    const float *w = params[point] + job.weight;
    uint4 *to = reinterpret_cast<uint4 *>(static_cast<char *>(packed.data) + point * packed.point_stride + offset);
    const int n = slices * n_steps * job.taps * 32;
    const bool folded = job.folded.applied && !for_data;
    const float *gamma = params[point] + job.folded.gamma;
    const float *invstd = job.folded.invstd.data + point * job.folded.invstd.stride;
    for (int i = int(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += int(gridDim.x * blockDim.x)) {
        const int lane = i & 31, tap = (i >> 5) % job.taps, rest = (i >> 5) / job.taps;
        const int step = rest % n_steps, slice = rest / n_steps;
        const auto weight = [&](int out, int in) {
            if (out >= outputs || in >= inputs) return 0.f;
            const int64_t filter = for_data ? in : out, channel = for_data ? out : in;
            const float value = w[(filter * job.channels + channel) * job.taps + tap];
            return folded ? gamma[out] * invstd[out] * value : value;
        };
        const int g = lane >> 2, first = step * kStep<T> + (lane & 3) * (kStep<T> / 8), half = kStep<T> / 2;
        const int even = slice * 16 + 4 * (g >> 1) + (g & 1), odd = even + 2;
        to[i] = make_uint4(word<T>(weight, even, first), word<T>(weight, even, first + half),
                           word<T>(weight, odd, first), word<T>(weight, odd, first + half));
    }
}

} // namespace

size_t packed_bytes(const ConvShape &shape, Element element, bool for_data) {
    const int outputs = for_data ? shape.in_channels : shape.filters;
    const int inputs = for_data ? shape.filters : shape.in_channels;
    return size_t((outputs + 15) / 16) * size_t((inputs * bytes_of(element) + 31) / 32) * size_t(shape.taps()) * 512;
}

void pack_weights(const PackJob *jobs, int n_jobs, Element element, ConstRows params, PackedWeights packed,
                  int n_points, Stream stream) {
    if (n_jobs == 0) return;
    with_element(element, [&](auto zero) {
        launch(pack_weights_kernel<decltype(zero)>, dim3(8, unsigned(2 * n_jobs), unsigned(n_points)), dim3(kThreads),
               0, stream, jobs, params, packed);
    });
}

} // namespace ist::cuda
