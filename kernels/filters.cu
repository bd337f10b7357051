// filters.cu - see filters.h. A thread per element of the rows or of the dense filters; one pass, no sums.
#include "filters.h"

#include "element.cuh"
#include "launch.cuh"

namespace ist::cuda {
namespace {

constexpr int kThreads = 256;

template <class T> __global__ void __launch_bounds__(kThreads) lay_out_filters_kernel(Filters f, ConstRows params) {
    const int64_t n = int64_t(f.filter_pitch) * f.taps * f.channel_pitch;
    const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    if (i >= n) return;
    const int point = int(blockIdx.z), channel = int(i % f.channel_pitch);
    const int64_t rest = i / f.channel_pitch, filter = rest / f.taps, tap = rest % f.taps;
    const bool inside = filter < f.filters && channel < f.channels;
    const float w = inside ? params[point][f.weight + (filter * f.channels + channel) * f.taps + tap] : 0.f;
    static_cast<T *>(f.dense)[point * f.point_stride + i] = from_float<T>(w);
}

template <class T>
__global__ void __launch_bounds__(kThreads) take_filter_gradients_kernel(Filters f, Rows gradient, float unscale) {
    const int64_t n = int64_t(f.filters) * f.channels * f.taps;
    const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    if (i >= n) return;
    const int point = int(blockIdx.z);
    const int64_t tap = i % f.taps, rest = i / f.taps, channel = rest % f.channels, filter = rest / f.channels;
    const int64_t from = (filter * f.taps + tap) * f.channel_pitch + channel;
    gradient[point][f.weight + i] = to_float(static_cast<const T *>(f.dense)[point * f.point_stride + from]) * unscale;
}

dim3 grid_of(int64_t n, int n_points) { return dim3(unsigned((n + kThreads - 1) / kThreads), 1, unsigned(n_points)); }

} // namespace

void lay_out_filters(const Filters &filters, ConstRows params, int n_points, Stream stream) {
    const int64_t n = int64_t(filters.filter_pitch) * filters.taps * filters.channel_pitch;
    with_element(filters.element, [&](auto zero) {
        launch(lay_out_filters_kernel<decltype(zero)>, grid_of(n, n_points), dim3(kThreads), 0, stream, filters,
               params);
    });
}

void take_filter_gradients(const Filters &filters, Rows gradient, float unscale, int n_points, Stream stream) {
    const int64_t n = int64_t(filters.filters) * filters.channels * filters.taps;
    with_element(filters.element, [&](auto zero) {
        launch(take_filter_gradients_kernel<decltype(zero)>, grid_of(n, n_points), dim3(kThreads), 0, stream, filters,
               gradient, unscale);
    });
}

} // namespace ist::cuda
