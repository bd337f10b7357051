// partition.h - how sums over the pixels of a tensor are cut: a function of its shape alone, so that their bits are
// too.
#pragma once

#include <algorithm>
#include <cstdint>

#include "../native/src/error.h"
#include "tensor.h"

namespace ist::cuda {

// Rows (pixels of a point's images) are cut into parts of rows_per_part; the last may be shorter.
struct Partition {
    int64_t rows = 0;
    int rows_per_part = 1, parts = 0;
};

// About 16384 elements in a part: enough blocks for a few points to fill a device, few enough roundings within one.
inline Partition partition_of(int64_t rows, int channels) {
    constexpr int64_t kElements = 16384, kMaxParts = 1024, kMinRows = 64;
    Partition p;
    p.rows = rows;
    p.rows_per_part = int(std::max({kElements / channels, kMinRows, (rows + kMaxParts - 1) / kMaxParts}));
    p.parts = int((rows + p.rows_per_part - 1) / p.rows_per_part);
    return p;
}

// Pixels of a point: below 2^31, so that kernels may divide them as int.
inline int64_t rows_of(const Tensor &t, int n_images) {
    const int64_t rows = int64_t(n_images) * t.height * t.width;
    if (rows > INT32_MAX)
        throw Error(IST_UNSUPPORTED, "A batch on a GPU has fewer than 2^31 pixels; use a smaller one.");
    return rows;
}

inline Partition partition_of(const Tensor &t, int n_images) { return partition_of(rows_of(t, n_images), t.channels); }

} // namespace ist::cuda
