// slice_ops.cpp - see slice_ops.h.
#include "slice_ops.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ist::cpu {

void forward_slice_op(const Op &op, int64_t n, const SliceOf &src, const SliceOf &residual, const SliceOf &dst) {
    const CpuKernels &k = *src.kernels;
    const Spatial in{n, src.height, src.width};
    switch (op.kind) {
    case OpKind::kAdd:
    case OpKind::kActivation:
        k.affine(dst.slice, src.slice, op.kind == OpKind::kAdd ? ConstSlice(residual.slice) : ConstSlice(),
                 n * src.rows_per_image(), src.channels, nullptr, nullptr, op.activation);
        break;
    case OpKind::kConcat:
        k.copy(dst.part(0, src.channels).slice, src.slice, n * src.rows_per_image(), src.channels);
        k.copy(dst.part(src.channels, residual.channels).slice, residual.slice, n * src.rows_per_image(),
               residual.channels);
        break;
    case OpKind::kPadShortcut: k.pad_shortcut(dst.slice, src.slice, in, op.stride, src.channels, dst.channels); break;
    case OpKind::kAvgPool: k.avg_pool(dst.slice, src.slice, in, op.window, src.channels); break;
    case OpKind::kMaxPool: k.max_pool(dst.slice, src.slice, in, op.window, src.channels); break;
    case OpKind::kGlobalAvgPool:
        k.global_avg_pool(static_cast<float *>(dst.slice.data), src.slice, in, src.channels);
        break;
    default: break; // the passes run convolutions, batch norms, linear layers and the loss themselves
    }
}

void backward_slice_op(const Op &op, int64_t n, const SliceOf &g_dst, const SliceOf &src, const SliceOf &dst,
                       const GradientOut &g_src, const GradientOut &g_residual) {
    const CpuKernels &k = *src.kernels;
    const Spatial in{n, src.height, src.width};
    const int64_t rows = n * src.rows_per_image();
    if (op.kind == OpKind::kAdd || op.kind == OpKind::kActivation) {
        k.affine_backward(g_src.g.slice, g_src.add, g_residual.g.slice, g_residual.add, g_dst.slice, dst.slice,
                          ConstSlice(), rows, src.channels, nullptr, nullptr, op.activation, nullptr, nullptr);
        return;
    }
    if (op.kind == OpKind::kConcat) {
        const auto pass = [&](const GradientOut &out, int channel) {
            if (!out.g.slice.data) return;
            const SliceOf part = g_dst.part(channel, out.g.channels);
            (out.add ? k.add : k.copy)(out.g.slice, part.slice, rows, out.g.channels);
        };
        pass(g_src, 0);
        pass(g_residual, src.channels);
        return;
    }
    if (!g_src.g.slice.data) return;
    const Slice d = g_src.g.slice;
    switch (op.kind) {
    case OpKind::kPadShortcut:
        k.pad_shortcut_backward(d, g_src.add, g_dst.slice, in, op.stride, src.channels, g_dst.channels);
        break;
    case OpKind::kAvgPool: k.avg_pool_backward(d, g_src.add, g_dst.slice, in, op.window, src.channels); break;
    case OpKind::kMaxPool:
        k.max_pool_backward(d, g_src.add, g_dst.slice, src.slice, in, op.window, src.channels);
        break;
    case OpKind::kGlobalAvgPool:
        k.global_avg_pool_backward(d, g_src.add, static_cast<const float *>(g_dst.slice.data), in, src.channels);
        break;
    default: break;
    }
}

void flatten(int64_t n, const SliceOf &src, float *dst) {
    const int64_t rows = src.rows_per_image();
    std::vector<float> row(size_t(src.channels));
    for (int64_t i = 0; i < n; i++)
        for (int64_t r = 0; r < rows; r++) {
            float *out = rows == 1 ? dst + i * src.channels : row.data();
            src.kernels->to_float(out, src.at(i * rows + r, 0), src.channels);
            if (rows > 1)
                for (int c = 0; c < src.channels; c++) dst[(i * src.channels + c) * rows + r] = row[size_t(c)];
        }
}

void unflatten(int64_t n, const float *src, const SliceOf &dst, bool add) {
    const int64_t rows = dst.rows_per_image();
    std::vector<float> row(size_t(dst.channels)), there(size_t(dst.channels));
    for (int64_t i = 0; i < n; i++)
        for (int64_t r = 0; r < rows; r++) {
            for (int c = 0; c < dst.channels; c++) row[size_t(c)] = src[(i * dst.channels + c) * rows + r];
            if (add) {
                dst.kernels->to_float(there.data(), dst.at(i * rows + r, 0), dst.channels);
                for (int c = 0; c < dst.channels; c++) row[size_t(c)] += there[size_t(c)];
            }
            dst.kernels->from_float(dst.at(i * rows + r, 0), row.data(), dst.channels);
        }
}

void softmax_loss(int64_t n, int n_classes, const float *logits, const int *labels, float scale, double *loss,
                  int *errors, float *d_logits, float *log_probabilities) {
    for (int64_t i = 0; i < n; i++, logits += n_classes) {
        int best = 0;
        for (int c = 1; c < n_classes; c++)
            if (logits[c] > logits[best]) best = c;
        double sum = 0;
        for (int c = 0; c < n_classes; c++) sum += std::exp(double(logits[c]) - double(logits[best]));
        const double log_sum = std::log(sum) + double(logits[best]);
        const double own = log_sum - double(logits[labels[i]]);
        *loss += own;
        *errors += best != labels[i] || own != own;
        if (d_logits)
            for (int c = 0; c < n_classes; c++)
                *d_logits++ = float((std::exp(double(logits[c]) - log_sum) - (c == labels[i] ? 1.0 : 0.0))) * scale;
        if (log_probabilities)
            for (int c = 0; c < n_classes; c++) *log_probabilities++ = float(double(logits[c]) - log_sum);
    }
}

} // namespace ist::cpu
