// norm_statistics.h - batch norm: statistics of values, the gradients of gamma and beta, running statistics.
//
// Statistics belong to values, gamma and beta to the ops that read them (network.h). Vectors and sums here start at the
// first channel of the value they are of, unless said otherwise.
#pragma once

#include "partition.h"

namespace ist::cuda {

// Parts of a tensor's pixels as [point][part][3][channels]: count, mean, sum of (x - mean)^2. Convolutions write the
// same from their epilogue, in a partition of their own.
struct TensorStatisticsParams {
    Tensor x;
    int n_images = 0;
    float *parts = nullptr;
};
void tensor_statistics(const TensorStatisticsParams &params, int n_points, Stream stream);

inline int tensor_statistics_parts(const Tensor &x, int n_images) { return partition_of(x, n_images).parts; }

// Sums over the batch norms that read a value, for the value's correction.
struct NormSums {
    double *sum = nullptr, *xhat = nullptr; // of gamma * dy, of gamma * dy * xhat
    int64_t stride = 0;                     // doubles between points
};

// parts -> mean, invstd = 1 / sqrt(variance + 1e-5), biased variance; clears `sums` where given.
struct FinishStatisticsParams {
    const float *parts = nullptr; // [point][n_parts][3][channels]
    int n_parts = 0, channels = 0;
    Vectors mean, invstd, variance;
    NormSums sums;
};
void finish_statistics(const FinishStatisticsParams &params, int n_points, Stream stream);

// The parts of one batch norm (sums of dy and dy * (x - mean)) -> dbeta and dgamma = invstd * sum, times unscale, in
// the gradient rows; adds gamma times both to `sums` of the value; slope and offset of the value's correction so far.
// Batch norms of one value are finished one after the other; the last leaves the whole correction.
struct FinishNormBackwardParams {
    const float *parts = nullptr; // [point][n_parts][2][channels]
    int n_parts = 0, channels = 0;
    int64_t count = 0; // pixels of the batch: images * height * width
    ConstRows params = nullptr;
    Rows gradient = nullptr;
    int64_t gamma = 0, beta = 0; // offsets in both rows
    float unscale = 1;
    Vectors mean, invstd;
    NormSums sums;
    Vectors slope, offset;
};
void finish_norm_backward(const FinishNormBackwardParams &params, int n_points, Stream stream);

// One batch norm in a table of a network's.
struct RunningNorm {
    int channels;
    int64_t mean, variance; // offsets in a row of running statistics
    int64_t value;          // of its value's channels in the vectors of batch statistics
    int64_t norm;           // of its channels in the vectors of running_norms
    int64_t count;          // pixels of the batch
};
struct NormTable {
    const RunningNorm *norms = nullptr; // device memory
    int n_norms = 0, max_channels = 0;
};

// statistics = 0.9 statistics + 0.1 (batch mean, unbiased batch variance), for every batch norm of the network.
struct UpdateRunningStatisticsParams {
    NormTable table;
    Vectors mean, variance; // of all values
    Rows statistics = nullptr;
    const uint8_t *wanted = nullptr; // [n_points], 0: leave the point as it is; nullptr: all
};
void update_running_statistics(const UpdateRunningStatisticsParams &params, int n_points, Stream stream);

// sums += (batch mean, unbiased batch variance), in the places of the running statistics.
struct SumStatisticsParams {
    NormTable table;
    Vectors mean, variance;
    double *sums = nullptr; // [n_points][n_statistics]
    int64_t n_statistics = 0;
};
void sum_statistics(const SumStatisticsParams &params, int n_points, Stream stream);

// statistics = sums / n_batches.
struct AverageStatisticsParams {
    const double *sums = nullptr; // [n_points][n_statistics]
    int64_t n_statistics = 0;
    int n_batches = 1;
    Rows statistics = nullptr;
};
void average_statistics(const AverageStatisticsParams &params, int n_points, Stream stream);

// mean and invstd of every batch norm from running statistics, at RunningNorm::norm, for inference.
struct RunningNormsParams {
    NormTable table;
    ConstRows statistics = nullptr;
    Vectors mean, invstd;
};
void running_norms(const RunningNormsParams &params, int n_points, Stream stream);

} // namespace ist::cuda
