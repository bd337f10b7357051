// norm_statistics.cu - see norm_statistics.h.
//
// tensor_statistics reads the tensor once. A thread sums x - pivot and its square over its few pixels of a part, the
// pivot being its first x, so that a mean far from 0 costs no digits; threads are joined pairwise in a fixed tree
// (Chan, Golub & LeVeque 1979): with d = mean_b - mean_a, mean = mean_a + d n_b / n, M2 = M2_a + M2_b + d^2 n_a n_b /
// n. The finishing kernels add parts in double in a fixed order (part_sums.cuh).
#include "norm_statistics.h"

#include <cuda_runtime.h>

#include "channels.cuh"
#include "part_sums.cuh"

namespace ist::cuda {
namespace {

constexpr double kEps = 1e-5;     // batch norm
constexpr double kMomentum = 0.1; // of running statistics
constexpr int kTableThreads = 128;

template <class T, int W>
__global__ void __launch_bounds__(kChannelThreads)
    tensor_statistics_kernel(TensorStatisticsParams p, Runs runs, Partition partition) {
    const RunPlace place = run_place<W>(runs);
    const int64_t begin = int64_t(blockIdx.x) * partition.rows_per_part;
    const int64_t end = min(begin + partition.rows_per_part, partition.rows);
    float origin[W], pivot[W], sum[W], square[W];
    int count = 0;
#pragma unroll
    for (int i = 0; i < W; ++i) origin[i] = pivot[i] = sum[i] = square[i] = 0.f;
    if (place.active) {
        load_run<T, W>(at<const T>(p.x, place.point, begin, place.channel), origin);
        for (int64_t row = begin + place.row; row < end; row += runs.block_rows, ++count) {
            float x[W];
            load_run<T, W>(at<const T>(p.x, place.point, row, place.channel), x);
#pragma unroll
            for (int i = 0; i < W; ++i) {
                if (count == 0) pivot[i] = x[i];
                const float d = x[i] - pivot[i];
                sum[i] += d, square[i] = fmaf(d, d, square[i]);
            }
        }
    }

    float *counts = reinterpret_cast<float *>(shared_memory()), *means = counts + kChannelThreads;
    float *squares = means + W * kChannelThreads;
    const int thread = int(threadIdx.x);
    counts[thread] = float(count);
#pragma unroll
    for (int i = 0; i < W; ++i) {
        const float shift = count > 0 ? sum[i] / float(count) : 0.f, m2 = square[i] - sum[i] * shift;
        means[i * kChannelThreads + thread] = (pivot[i] - origin[i]) + shift;
        squares[i * kChannelThreads + thread] = m2 < 0.f ? 0.f : m2; // NaN stays
    }
    __syncthreads();
    for (int n = runs.block_rows; n > 1;) {
        const int half = (n + 1) / 2, other = thread + half * runs.lanes;
        if (place.active && place.row < n - half && counts[other] > 0.f) {
            const float a = counts[thread], b = counts[other], share = b / (a + b);
            counts[thread] = a + b;
#pragma unroll
            for (int i = 0; i < W; ++i) {
                float *mean = means + i * kChannelThreads, *m2 = squares + i * kChannelThreads;
                const float d = mean[other] - mean[thread];
                mean[thread] += d * share;
                m2[thread] += m2[other] + d * d * a * share;
            }
        }
        __syncthreads();
        n = half;
    }
    if (!place.active || place.row != 0) return;
    const int64_t part = int64_t(place.point) * partition.parts + blockIdx.x;
    float *out = p.parts + part * 3 * runs.channels + place.channel;
#pragma unroll
    for (int i = 0; i < W; ++i) {
        out[i] = counts[thread];
        out[runs.channels + i] = origin[i] + means[i * kChannelThreads + thread];
        out[2 * runs.channels + i] = squares[i * kChannelThreads + thread];
    }
}

__global__ void __launch_bounds__(kPartThreads) finish_statistics_kernel(FinishStatisticsParams p) {
    const PartPlace place = part_place(p.channels);
    const int64_t c = p.channels;
    const float *parts = p.parts + int64_t(place.point) * p.n_parts * 3 * c + place.channel;
    const double count = sum_parts(place, p.n_parts, [&](int part) { return double(parts[part * 3 * c]); });
    const double mean = sum_parts(place, p.n_parts,
                                  [&](int part) {
                                      const float *at = parts + part * 3 * c;
                                      return double(at[0]) * double(at[c]);
                                  }) /
                        count;
    const double m2 = sum_parts(place, p.n_parts, [&](int part) {
        const float *at = parts + part * 3 * c;
        const double d = double(at[c]) - mean;
        return double(at[2 * c]) + double(at[0]) * d * d;
    });
    if (!place.active || place.first != 0) return;
    const double variance = m2 / count;
    p.mean.data[place.point * p.mean.stride + place.channel] = float(mean);
    p.invstd.data[place.point * p.invstd.stride + place.channel] = float(1.0 / sqrt(variance + kEps));
    p.variance.data[place.point * p.variance.stride + place.channel] = float(variance);
    if (!p.sums.sum) return;
    p.sums.sum[place.point * p.sums.stride + place.channel] = 0;
    p.sums.xhat[place.point * p.sums.stride + place.channel] = 0;
}

// With G = sum over batch norms of gamma * invstd * dy, the gradient of x is G - invstd * sum(gamma dy) / m - (x -
// mean)
// * invstd^2 * sum(gamma dy xhat) / m.
__global__ void __launch_bounds__(kPartThreads) finish_norm_backward_kernel(FinishNormBackwardParams p) {
    const PartPlace place = part_place(p.channels);
    const int64_t c = p.channels;
    const float *parts = p.parts + int64_t(place.point) * p.n_parts * 2 * c + place.channel;
    const double dbeta = sum_parts(place, p.n_parts, [&](int part) { return double(parts[part * 2 * c]); });
    const double product = sum_parts(place, p.n_parts, [&](int part) { return double(parts[(part * 2 + 1) * c]); });
    if (!place.active || place.first != 0) return;
    const auto vector = [&](const Vectors &v) -> float & { return v.data[place.point * v.stride + place.channel]; };
    const double invstd = double(vector(p.invstd)), dgamma = invstd * product;
    float *gradient = p.gradient[place.point];
    gradient[p.beta + place.channel] = float(dbeta * double(p.unscale));
    gradient[p.gamma + place.channel] = float(dgamma * double(p.unscale));
    const double gamma = double(p.params[place.point][p.gamma + place.channel]);
    const int64_t at = place.point * p.sums.stride + place.channel;
    const double sum = p.sums.sum[at] + gamma * dbeta, xhat = p.sums.xhat[at] + gamma * dgamma;
    p.sums.sum[at] = sum, p.sums.xhat[at] = xhat;
    const double slope = -invstd * invstd * xhat / double(p.count);
    vector(p.slope) = float(slope);
    vector(p.offset) = float(-invstd * sum / double(p.count) - slope * double(vector(p.mean)));
}

// A thread's channel of one batch norm of the table.
struct TablePlace {
    RunningNorm norm;
    int channel, point;
    bool active;
};
__device__ __forceinline__ TablePlace table_place(const NormTable &table) {
    TablePlace place;
    place.norm = table.norms[blockIdx.y];
    place.channel = int(blockIdx.x * blockDim.x + threadIdx.x);
    place.point = int(blockIdx.z);
    place.active = place.channel < place.norm.channels;
    return place;
}

__device__ __forceinline__ double unbiased(float variance, int64_t count) {
    return double(variance) * (count > 1 ? double(count) / double(count - 1) : 1.0);
}

__global__ void __launch_bounds__(kTableThreads) update_running_statistics_kernel(UpdateRunningStatisticsParams p) {
    const TablePlace place = table_place(p.table);
    if (!place.active || (p.wanted && !p.wanted[place.point])) return;
    const int64_t value = place.norm.value + place.channel;
    float *row = p.statistics[place.point];
    float &mean = row[place.norm.mean + place.channel], &variance = row[place.norm.variance + place.channel];
    const double batch_mean = double(p.mean.data[place.point * p.mean.stride + value]);
    const double batch_variance = unbiased(p.variance.data[place.point * p.variance.stride + value], place.norm.count);
    mean = float((1 - kMomentum) * double(mean) + kMomentum * batch_mean);
    variance = float((1 - kMomentum) * double(variance) + kMomentum * batch_variance);
}

__global__ void __launch_bounds__(kTableThreads) sum_statistics_kernel(SumStatisticsParams p) {
    const TablePlace place = table_place(p.table);
    if (!place.active) return;
    const int64_t value = place.norm.value + place.channel;
    double *row = p.sums + place.point * p.n_statistics;
    row[place.norm.mean + place.channel] += double(p.mean.data[place.point * p.mean.stride + value]);
    row[place.norm.variance + place.channel] +=
        unbiased(p.variance.data[place.point * p.variance.stride + value], place.norm.count);
}

__global__ void __launch_bounds__(kTableThreads) average_statistics_kernel(AverageStatisticsParams p) {
    const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    const int point = int(blockIdx.z);
    if (i < p.n_statistics) p.statistics[point][i] = float(p.sums[point * p.n_statistics + i] / double(p.n_batches));
}

__global__ void __launch_bounds__(kTableThreads) running_norms_kernel(RunningNormsParams p) {
    const TablePlace place = table_place(p.table);
    if (!place.active) return;
    const float *row = p.statistics[place.point];
    const int64_t norm = place.norm.norm + place.channel;
    const double variance = double(row[place.norm.variance + place.channel]);
    p.mean.data[place.point * p.mean.stride + norm] = row[place.norm.mean + place.channel];
    p.invstd.data[place.point * p.invstd.stride + norm] = float(1.0 / sqrt(variance + kEps));
}

dim3 table_grid(const NormTable &table, int n_points) {
    return dim3(unsigned((table.max_channels + kTableThreads - 1) / kTableThreads), unsigned(table.n_norms),
                unsigned(n_points));
}

} // namespace

void tensor_statistics(const TensorStatisticsParams &params, int n_points, Stream stream) {
    const int width = RunWidth().fit(params.x).width();
    const Runs runs = runs_of(params.x.channels, width);
    const Partition partition = partition_of(params.x, params.n_images);
    const dim3 grid(unsigned(partition.parts), unsigned(runs.groups), unsigned(n_points));
    with_element(params.x.element, [&](auto t) {
        with_width<decltype(t)>(width, [&](auto w) {
            constexpr int W = decltype(w)::value;
            const size_t shared = size_t(2 * W + 1) * kChannelThreads * sizeof(float);
            launch(tensor_statistics_kernel<decltype(t), W>, grid, dim3(kChannelThreads), shared, stream, params, runs,
                   partition);
        });
    });
}

void finish_statistics(const FinishStatisticsParams &params, int n_points, Stream stream) {
    launch(finish_statistics_kernel, part_grid(params.channels, n_points), dim3(kPartThreads), kPartShared, stream,
           params);
}

void finish_norm_backward(const FinishNormBackwardParams &params, int n_points, Stream stream) {
    launch(finish_norm_backward_kernel, part_grid(params.channels, n_points), dim3(kPartThreads), kPartShared, stream,
           params);
}

void update_running_statistics(const UpdateRunningStatisticsParams &params, int n_points, Stream stream) {
    if (params.table.n_norms == 0) return;
    launch(update_running_statistics_kernel, table_grid(params.table, n_points), dim3(kTableThreads), 0, stream,
           params);
}

void sum_statistics(const SumStatisticsParams &params, int n_points, Stream stream) {
    if (params.table.n_norms == 0) return;
    launch(sum_statistics_kernel, table_grid(params.table, n_points), dim3(kTableThreads), 0, stream, params);
}

void average_statistics(const AverageStatisticsParams &params, int n_points, Stream stream) {
    if (params.n_statistics == 0) return;
    const int64_t blocks = (params.n_statistics + kTableThreads - 1) / kTableThreads;
    launch(average_statistics_kernel, dim3(unsigned(blocks), 1, unsigned(n_points)), dim3(kTableThreads), 0, stream,
           params);
}

void running_norms(const RunningNormsParams &params, int n_points, Stream stream) {
    if (params.table.n_norms == 0) return;
    launch(running_norms_kernel, table_grid(params.table, n_points), dim3(kTableThreads), 0, stream, params);
}

} // namespace ist::cuda
