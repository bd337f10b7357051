// finite_points.h - a point that is not finite has no loss: ReLU and max pooling may hide an infinity.
#pragma once

#include <cstdint>

#include "tensor.h"

namespace ist::cuda {

// loss[point] = NaN where one of params[point][0 .. n_params) or statistics[point][0 .. n_statistics) is not finite.
struct FinitePointsParams {
    ConstRows params = nullptr;
    int64_t n_params = 0;
    ConstRows statistics = nullptr; // nullptr where n_statistics is 0
    int64_t n_statistics = 0;
    double *loss = nullptr;
};
void lose_points_that_are_not_finite(const FinitePointsParams &params, int n_points, Stream stream);

} // namespace ist::cuda
