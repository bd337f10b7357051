// elementwise.cu - see elementwise.h.
//
// One pass: every input element is read once and every output written once, in runs of up to 8 channels per thread,
// consecutive threads on consecutive runs. No sums.
#include "elementwise.h"

#include <cuda_runtime.h>

#include "operand.cuh"
#include "partition.h"

namespace ist::cuda {
namespace {

constexpr int kRowsPerThread = 4;

template <class S, class D, int W>
__global__ void __launch_bounds__(kChannelThreads) materialise_kernel(MaterialiseParams p, Runs runs, int64_t rows) {
    const RunPlace place = run_place<W>(runs);
    const bool has_residual = residual_in_run(p.from, place.channel);
    const int64_t first = int64_t(blockIdx.x) * runs.block_rows * kRowsPerThread + place.row;
    const int64_t end = place.active ? rows : 0;
    RawOperand<S, W> raw[kRowsPerThread]{};
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i) {
        const int64_t row = first + i * runs.block_rows;
        if (row < end)
            raw[i] =
                load_operand<S, W>(p.from, has_residual, place.point, row, place.channel, p.dst.height, p.dst.width);
    }
    const RunOperand<W> operand = run_operand<W>(p.from, p.params, place.point, runs);
#pragma unroll
    for (int i = 0; i < kRowsPerThread; ++i) {
        const int64_t row = first + i * runs.block_rows;
        if (row >= end) break;
        float values[W];
        operand_run<S, W>(p.from, operand, has_residual, raw[i], values);
        store_run<D, W>(at<D>(p.dst, place.point, row, place.channel), values);
    }
}

template <class S, class D> void materialise_as(const MaterialiseParams &p, int n_points, Stream stream) {
    const int width = operand_width(p.from, p.dst).width();
    const Runs runs = runs_of(p.dst.channels, width);
    const int64_t rows = rows_of(p.dst, p.n_images), per_block = int64_t(runs.block_rows) * kRowsPerThread;
    const dim3 grid(unsigned((rows + per_block - 1) / per_block), unsigned(runs.groups), unsigned(n_points));
    using Wider = std::conditional_t<sizeof(S) == 4, S, D>;
    with_width<Wider>(width, [&](auto w) {
        launch(materialise_kernel<S, D, decltype(w)::value>, grid, dim3(kChannelThreads), constants_shared(runs, width),
               stream, p, runs, rows);
    });
}

} // namespace

void materialise(const MaterialiseParams &params, int n_points, Stream stream) {
    const Tensor &source = params.from.x.data ? params.from.x : params.from.residual;
    with_element(params.dst.element, [&](auto d) {
        using D = decltype(d);
        if (!source.data || source.element == params.dst.element) materialise_as<D, D>(params, n_points, stream);
        else if (source.element == Element::kFp32) materialise_as<float, D>(params, n_points, stream);
        else if constexpr (sizeof(D) == 4)
            with_element(source.element, [&](auto s) { materialise_as<decltype(s), D>(params, n_points, stream); });
        else expect(false, "Activations are not cast between bfloat16 and float16.");
    });
}

void pad_shortcut(const PadShortcutParams &params, int n_points, Stream stream) {
    MaterialiseParams p;
    p.from.residual = params.src;
    p.from.residual_step = params.step;
    p.from.residual_first = params.first;
    p.dst = params.dst;
    p.n_images = params.n_images;
    materialise(p, n_points, stream);
}

void clear_channels(const Tensor &tensor, int n_images, int n_points, Stream stream) {
    MaterialiseParams p;
    p.dst = tensor;
    p.n_images = n_images;
    materialise(p, n_points, stream);
}

} // namespace ist::cuda
