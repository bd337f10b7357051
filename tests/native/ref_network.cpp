// ref_network.cpp - see ref_network.h. Clarity before speed: a loop per index, a line per formula.
#include "ref_network.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace ist::ref {
namespace {

constexpr double kEpsilon = 1e-5; // of batch norm
constexpr double kMomentum = 0.1; // of the running statistics

double activate(Activation activation, double z) {
    switch (activation) {
    case Activation::kNone: return z;
    case Activation::kRelu: return z > 0 || std::isnan(z) ? z : 0.0;
    case Activation::kTanh: return std::tanh(z);
    case Activation::kSigmoid: return 1.0 / (1.0 + std::exp(-z));
    }
    throw std::logic_error("unknown activation");
}

// d activate / dz, from y = activate(z).
double slope(Activation activation, double y) {
    switch (activation) {
    case Activation::kNone: return 1.0;
    case Activation::kRelu: return y > 0 ? 1.0 : 0.0;
    case Activation::kTanh: return 1.0 - y * y;
    case Activation::kSigmoid: return y * (1.0 - y);
    }
    throw std::logic_error("unknown activation");
}

// One activation tensor of the whole batch, with its gradient.
struct Tensor {
    int n = 0, c = 0, h = 0, w = 0;
    std::vector<double> x, g;
    size_t at(int i, int k, int row, int column) const { return ((size_t(i) * c + k) * h + row) * w + column; }
};

class Interpreter {
  public:
    Interpreter(const Network &network, const std::vector<double> &point, const Batch &batch, bool training,
                Noise noise)
        : network_(network), point_(point), batch_(batch), training_(training), noise_(noise) {
        if (int64_t(point.size()) != network.size()) throw std::invalid_argument("ref: wrong size of point");
        for (const Value &v : network.values) {
            Tensor t;
            t.n = batch.n, t.c = v.channels, t.h = v.height, t.w = v.width;
            t.x.assign(size_t(batch.n) * v.elements(), 0.0);
            t.g.assign(t.x.size(), 0.0);
            values_.push_back(std::move(t));
        }
        if (batch.pixels.size() != values_[0].x.size()) throw std::invalid_argument("ref: wrong size of batch");
        values_[0].x = batch.pixels;
        pass_.kink_margin = std::numeric_limits<double>::infinity();
    }

    Pass run() {
        if (training_) {
            pass_.gradient.assign(network_.n_params, 0.0);
            pass_.batch_statistics.assign(network_.n_statistics, 0.0);
            pass_.statistics.assign(point_.begin() + network_.n_params, point_.end());
        }
        disturb(values_[0].x);
        for (int64_t j = 0; j < network_.n_params; ++j) disturb(point_[j]);
        for (const Op &op : network_.ops) {
            forward(op);
            if (op.dst >= 0) disturb(values_[op.dst].x);
        }
        if (training_) {
            for (auto op = network_.ops.rbegin(); op != network_.ops.rend(); ++op) {
                if (op->dst >= 0) disturb(values_[op->dst].g);
                backward(*op);
            }
            pass_.input_gradient = values_[0].g;
        }
        return std::move(pass_);
    }

  private:
    void disturb(double &x) {
        if (noise_.amplitude == 0) return;
        noise_.seed = noise_.seed * 6364136223846793005ULL + 1442695040888963407ULL; // Knuth's generator
        x *= 1 + noise_.amplitude * (double(noise_.seed >> 11) * 0x1p-52 - 1);
    }
    void disturb(std::vector<double> &values) {
        for (double &x : values) disturb(x);
    }

    const double *tensor(int index) const { return &point_[network_.tensors.at(index).offset]; }
    double *gradient(int index) { return &pass_.gradient[network_.tensors.at(index).offset]; }
    // Index of a statistic's first value within the statistics part of a point.
    int64_t statistic(int index) const { return network_.tensors.at(index).offset - network_.n_params; }

    // dst = act(z), element by element; z is in dst.x.
    void finish(const Op &op) {
        Tensor &dst = values_.at(op.dst);
        if (op.activation == Activation::kRelu) {
            double scale = rms(dst.x);
            for (double z : dst.x)
                if (z != 0) pass_.kink_margin = std::min(pass_.kink_margin, std::fabs(z) / scale);
        }
        for (double &z : dst.x) z = activate(op.activation, z);
    }
    // dL/dz of an op that ended in finish().
    std::vector<double> start(const Op &op) const {
        const Tensor &dst = values_.at(op.dst);
        std::vector<double> dz(dst.g.size());
        for (size_t j = 0; j < dz.size(); ++j) dz[j] = dst.g[j] * slope(op.activation, dst.x[j]);
        return dz;
    }
    static double rms(const std::vector<double> &x) {
        double sum = 0;
        for (double v : x) sum += v * v;
        return std::sqrt(sum / double(x.size())) + 1e-300;
    }

    void forward(const Op &op) {
        switch (op.kind) {
        case OpKind::kConv: return conv(op, false);
        case OpKind::kBatchNorm: return batch_norm_forward(op);
        case OpKind::kAdd: return add_forward(op);
        case OpKind::kActivation: values_.at(op.dst).x = values_.at(op.src).x; return finish(op);
        case OpKind::kConcat: return concat(op, false);
        case OpKind::kPadShortcut: return pad_shortcut(op, false);
        case OpKind::kAvgPool: return average_pool(op, op.window, op.window, false);
        case OpKind::kGlobalAvgPool: return average_pool(op, values_.at(op.src).h, values_.at(op.src).w, false);
        case OpKind::kMaxPool: return max_pool(op, false);
        case OpKind::kLinear: return linear(op, false);
        case OpKind::kSoftmaxLoss: return softmax_loss_forward(op);
        }
        throw std::logic_error("ref: unknown op");
    }

    void backward(const Op &op) {
        switch (op.kind) {
        case OpKind::kConv: return conv(op, true);
        case OpKind::kBatchNorm: return batch_norm_backward(op);
        case OpKind::kAdd: return add_backward(op);
        case OpKind::kActivation: return accumulate(values_.at(op.src).g, start(op));
        case OpKind::kConcat: return concat(op, true);
        case OpKind::kPadShortcut: return pad_shortcut(op, true);
        case OpKind::kAvgPool: return average_pool(op, op.window, op.window, true);
        case OpKind::kGlobalAvgPool: return average_pool(op, values_.at(op.src).h, values_.at(op.src).w, true);
        case OpKind::kMaxPool: return max_pool(op, true);
        case OpKind::kLinear: return linear(op, true);
        case OpKind::kSoftmaxLoss: return softmax_loss_backward(op);
        }
        throw std::logic_error("ref: unknown op");
    }

    static void accumulate(std::vector<double> &to, const std::vector<double> &what) {
        for (size_t j = 0; j < to.size(); ++j) to[j] += what[j];
    }

    // Tap by tap: output (y, x) meets input (y * stride - padding + v, x * stride - padding + u) through weight (v, u).
    void conv(const Op &op, bool back) {
        Tensor &src = values_.at(op.src), &dst = values_.at(op.dst);
        for (int i = 0; i < dst.n; ++i)
            for (int k = 0; k < dst.c; ++k) {
                for (int y = 0; y < dst.h && op.bias >= 0; ++y)
                    for (int x = 0; x < dst.w; ++x) {
                        if (back) gradient(op.bias)[k] += dst.g[dst.at(i, k, y, x)];
                        else dst.x[dst.at(i, k, y, x)] = tensor(op.bias)[k];
                    }
                for (int c = 0; c < src.c; ++c)
                    for (int v = 0; v < op.kernel; ++v)
                        for (int u = 0; u < op.kernel; ++u) {
                            const size_t tap = ((size_t(k) * src.c + c) * op.kernel + v) * op.kernel + u; // OIHW
                            conv_tap(op, back, i, k, c, v, u, tap);
                        }
            }
    }
    void conv_tap(const Op &op, bool back, int i, int k, int c, int v, int u, size_t tap) {
        Tensor &src = values_.at(op.src), &dst = values_.at(op.dst);
        const double weight = tensor(op.weight)[tap];
        double weight_gradient = 0;
        // The outputs whose input column x * stride - padding + u is inside the image.
        int first = 0, end = dst.w;
        while (first < end && first * op.stride - op.padding + u < 0) ++first;
        while (end > first && (end - 1) * op.stride - op.padding + u >= src.w) --end;
        for (int y = 0; y < dst.h; ++y) {
            const int row = y * op.stride - op.padding + v;
            if (row < 0 || row >= src.h || first == end) continue;
            const size_t in = src.at(i, c, row, first * op.stride - op.padding + u), out = dst.at(i, k, y, first);
            if (back)
                for (int x = 0; x < end - first; ++x) {
                    src.g[in + x * op.stride] += weight * dst.g[out + x];
                    weight_gradient += src.x[in + x * op.stride] * dst.g[out + x];
                }
            else
                for (int x = 0; x < end - first; ++x) dst.x[out + x] += weight * src.x[in + x * op.stride];
        }
        if (back) gradient(op.weight)[tap] += weight_gradient;
    }

    struct Moments {
        double mean = 0, variance = 0; // biased
    };
    static Moments moments(const Tensor &t, int k) {
        Moments m;
        const double count = double(t.n) * t.h * t.w;
        for (int i = 0; i < t.n; ++i)
            for (int y = 0; y < t.h; ++y)
                for (int x = 0; x < t.w; ++x) m.mean += t.x[t.at(i, k, y, x)] / count;
        for (int i = 0; i < t.n; ++i)
            for (int y = 0; y < t.h; ++y)
                for (int x = 0; x < t.w; ++x) {
                    const double d = t.x[t.at(i, k, y, x)] - m.mean;
                    m.variance += d * d / count;
                }
        return m;
    }

    void batch_norm_forward(const Op &op) {
        const Tensor &src = values_.at(op.src);
        Tensor &dst = values_.at(op.dst);
        const double *gamma = tensor(op.weight), *beta = tensor(op.bias);
        for (int k = 0; k < src.c; ++k) {
            Moments m{tensor(op.mean)[k], tensor(op.variance)[k]};
            if (training_) {
                m = moments(src, k);
                const double count = double(src.n) * src.h * src.w;
                const double unbiased = m.variance * count / (count - 1);
                const int64_t at_mean = statistic(op.mean) + k, at_variance = statistic(op.variance) + k;
                pass_.batch_statistics[at_mean] = m.mean;
                pass_.batch_statistics[at_variance] = unbiased;
                double &running_mean = pass_.statistics[at_mean], &running_variance = pass_.statistics[at_variance];
                running_mean = (1 - kMomentum) * running_mean + kMomentum * m.mean;
                running_variance = (1 - kMomentum) * running_variance + kMomentum * unbiased;
            }
            for (int i = 0; i < src.n; ++i)
                for (int y = 0; y < src.h; ++y)
                    for (int x = 0; x < src.w; ++x) {
                        const size_t j = src.at(i, k, y, x);
                        dst.x[j] = gamma[k] * (src.x[j] - m.mean) / std::sqrt(m.variance + kEpsilon) + beta[k];
                        if (op.residual >= 0) dst.x[j] += values_.at(op.residual).x[j];
                    }
        }
        finish(op);
    }

    // With xhat = (x - mean) * invstd and y = gamma * xhat + beta (Ioffe & Szegedy 2015):
    // dx = gamma * invstd * (dy - mean(dy) - xhat * mean(dy * xhat)).
    void batch_norm_backward(const Op &op) {
        Tensor &src = values_.at(op.src);
        const std::vector<double> dy = start(op);
        if (op.residual >= 0) accumulate(values_.at(op.residual).g, dy);
        const double *gamma = tensor(op.weight);
        const double count = double(src.n) * src.h * src.w;
        for (int k = 0; k < src.c; ++k) {
            const Moments m = moments(src, k);
            const double invstd = 1.0 / std::sqrt(m.variance + kEpsilon);
            double sum_dy = 0, sum_dy_xhat = 0;
            for (int i = 0; i < src.n; ++i)
                for (int y = 0; y < src.h; ++y)
                    for (int x = 0; x < src.w; ++x) {
                        const size_t j = src.at(i, k, y, x);
                        sum_dy += dy[j];
                        sum_dy_xhat += dy[j] * (src.x[j] - m.mean) * invstd;
                    }
            gradient(op.weight)[k] += sum_dy_xhat;
            gradient(op.bias)[k] += sum_dy;
            for (int i = 0; i < src.n; ++i)
                for (int y = 0; y < src.h; ++y)
                    for (int x = 0; x < src.w; ++x) {
                        const size_t j = src.at(i, k, y, x);
                        const double xhat = (src.x[j] - m.mean) * invstd;
                        src.g[j] += gamma[k] * invstd * (dy[j] - sum_dy / count - xhat * sum_dy_xhat / count);
                    }
        }
    }

    void add_forward(const Op &op) {
        Tensor &dst = values_.at(op.dst);
        for (size_t j = 0; j < dst.x.size(); ++j) dst.x[j] = values_.at(op.src).x[j] + values_.at(op.residual).x[j];
        finish(op);
    }
    void add_backward(const Op &op) {
        const std::vector<double> dz = start(op);
        accumulate(values_.at(op.src).g, dz);
        accumulate(values_.at(op.residual).g, dz);
    }

    void concat(const Op &op, bool back) {
        Tensor &dst = values_.at(op.dst), &first = values_.at(op.src), &second = values_.at(op.residual);
        for (int i = 0; i < dst.n; ++i)
            for (int k = 0; k < dst.c; ++k)
                for (int y = 0; y < dst.h; ++y)
                    for (int x = 0; x < dst.w; ++x) {
                        const size_t out = dst.at(i, k, y, x);
                        Tensor &src = k < first.c ? first : second;
                        const size_t in = src.at(i, k < first.c ? k : k - first.c, y, x);
                        if (back) src.g[in] += dst.g[out];
                        else dst.x[out] = src.x[in];
                    }
    }

    void pad_shortcut(const Op &op, bool back) {
        Tensor &dst = values_.at(op.dst), &src = values_.at(op.src);
        const int before = (dst.c - src.c) / 2;
        for (int i = 0; i < dst.n; ++i)
            for (int k = 0; k < dst.c; ++k)
                for (int y = 0; y < dst.h; ++y)
                    for (int x = 0; x < dst.w; ++x) {
                        const size_t out = dst.at(i, k, y, x);
                        const bool inside = k >= before && k < before + src.c;
                        if (!inside && !back) dst.x[out] = 0;
                        if (!inside) continue;
                        const size_t in = src.at(i, k - before, y * op.stride, x * op.stride);
                        if (back) src.g[in] += dst.g[out];
                        else dst.x[out] = src.x[in];
                    }
    }

    void average_pool(const Op &op, int window_h, int window_w, bool back) {
        Tensor &dst = values_.at(op.dst), &src = values_.at(op.src);
        for (int i = 0; i < dst.n; ++i)
            for (int k = 0; k < dst.c; ++k)
                for (int y = 0; y < dst.h; ++y)
                    for (int x = 0; x < dst.w; ++x) {
                        const size_t out = dst.at(i, k, y, x);
                        double sum = 0;
                        for (int v = 0; v < window_h; ++v)
                            for (int u = 0; u < window_w; ++u) {
                                const size_t in = src.at(i, k, y * window_h + v, x * window_w + u);
                                sum += src.x[in];
                                if (back) src.g[in] += dst.g[out] / (window_h * window_w);
                            }
                        if (!back) dst.x[out] = sum / (window_h * window_w);
                    }
    }

    void max_pool(const Op &op, bool back) {
        Tensor &dst = values_.at(op.dst), &src = values_.at(op.src);
        const double scale = rms(src.x);
        for (int i = 0; i < dst.n; ++i)
            for (int k = 0; k < dst.c; ++k)
                for (int y = 0; y < dst.h; ++y)
                    for (int x = 0; x < dst.w; ++x) {
                        size_t best = src.at(i, k, y * op.window, x * op.window);
                        double margin = std::numeric_limits<double>::infinity();
                        for (int v = 0; v < op.window; ++v)
                            for (int u = 0; u < op.window; ++u) {
                                const size_t in = src.at(i, k, y * op.window + v, x * op.window + u);
                                const double lead = src.x[in] - src.x[best];
                                const bool tied_zeros = lead == 0 && src.x[in] == 0; // of a ReLU, which stops both
                                if (lead > 0) margin = lead;
                                else if (in != best && !tied_zeros) margin = std::min(margin, -lead);
                                if (lead > 0) best = in; // strictly: the first maximum wins
                            }
                        pass_.kink_margin = std::min(pass_.kink_margin, margin / scale);
                        const size_t out = dst.at(i, k, y, x);
                        if (back) src.g[best] += dst.g[out];
                        else dst.x[out] = src.x[best];
                    }
    }

    void linear(const Op &op, bool back) {
        Tensor &dst = values_.at(op.dst), &src = values_.at(op.src);
        const double *weight = tensor(op.weight);
        const double *bias = op.bias >= 0 ? tensor(op.bias) : nullptr;
        const size_t n_in = size_t(src.c) * src.h * src.w, n_out = size_t(dst.c) * dst.h * dst.w;
        for (int i = 0; i < dst.n; ++i)
            for (size_t k = 0; k < n_out; ++k) {
                double sum = bias ? bias[k] : 0.0;
                const double g = dst.g[i * n_out + k];
                if (back && bias) gradient(op.bias)[k] += g;
                for (size_t j = 0; j < n_in; ++j) {
                    if (back) {
                        src.g[i * n_in + j] += weight[k * n_in + j] * g;
                        gradient(op.weight)[k * n_in + j] += src.x[i * n_in + j] * g;
                    } else {
                        sum += weight[k * n_in + j] * src.x[i * n_in + j];
                    }
                }
                if (!back) dst.x[i * n_out + k] = sum;
            }
    }

    void softmax_loss_forward(const Op &op) {
        const Tensor &logits = values_.at(op.src);
        const int classes = network_.n_classes;
        pass_.log_probabilities.resize(size_t(batch_.n) * classes);
        int wrong = 0;
        for (int i = 0; i < batch_.n; ++i) {
            const double *z = &logits.x[size_t(i) * classes];
            const double largest = *std::max_element(z, z + classes);
            double sum = 0;
            for (int k = 0; k < classes; ++k) sum += std::exp(z[k] - largest);
            for (int k = 0; k < classes; ++k)
                pass_.log_probabilities[size_t(i) * classes + k] = z[k] - largest - std::log(sum);
            pass_.loss -= pass_.log_probabilities[size_t(i) * classes + batch_.labels[i]] / batch_.n;
            wrong += int(std::max_element(z, z + classes) - z) != batch_.labels[i];
        }
        pass_.error = double(wrong) / batch_.n;
    }
    void softmax_loss_backward(const Op &op) {
        Tensor &logits = values_.at(op.src);
        const int classes = network_.n_classes;
        for (int i = 0; i < batch_.n; ++i)
            for (int k = 0; k < classes; ++k) {
                const size_t j = size_t(i) * classes + k;
                logits.g[j] += (std::exp(pass_.log_probabilities[j]) - (k == batch_.labels[i])) / batch_.n;
            }
    }

    const Network &network_;
    std::vector<double> point_;
    const Batch &batch_;
    const bool training_;
    Noise noise_;
    std::vector<Tensor> values_;
    Pass pass_;
};

} // namespace

Pass train(const Network &network, const std::vector<double> &point, const Batch &batch, Noise noise) {
    return Interpreter(network, point, batch, true, noise).run();
}

Pass infer(const Network &network, const std::vector<double> &point, const Batch &batch, Noise noise) {
    return Interpreter(network, point, batch, false, noise).run();
}

} // namespace ist::ref
