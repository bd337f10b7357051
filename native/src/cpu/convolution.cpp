// convolution.cpp - see convolution.h.
#include "convolution.h"

#include <algorithm>

namespace ist::cpu {
namespace {

template <class Kernels>
const Kernels *first_for(const std::vector<const Kernels *> &candidates, const ConvShape &shape) {
    for (const Kernels *kernels : candidates)
        if (kernels->supports(shape)) return kernels;
    return nullptr;
}

size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

} // namespace

Convolution::Convolution(const dnnl::engine &engine, const CpuKernels &elements, const ConvKernels &own,
                         const ConvShape &shape, const ConvUse &use)
    : shape(shape), engine_(engine), elements_(elements), forward_(first_for(own.forward, shape)) {
    const bool training = use.pass == ConvUse::Pass::kTraining;
    if (training) {
        data_ = first_for(own.data, shape);
        weights_ = first_for(own.weights, shape);
    }
    size_t own_bytes = 0;
    if (!forward_ || (training && (!data_ || !weights_))) {
        OneDnnConvolution::Fusion fusion;
        fusion.inference = !training, fusion.relu = use.relu, fusion.residual = use.residual;
        for (int n : use.images) {
            ConvShape sized = shape;
            sized.n = n;
            onednn_.push_back(std::make_shared<OneDnnConvolution>(engine, sized, fusion,
                                                                  onednn_.empty() ? nullptr : onednn_[0].get()));
            primitive_bytes_ = std::max(primitive_bytes_, round_up(onednn_.back()->scratch_bytes));
            dense_bytes_ = std::max(
                {dense_bytes_, round_up(onednn_.back()->src.get_size()), round_up(onednn_.back()->dst.get_size())});
        }
    }
    if (forward_) forward_bytes = forward_->packed_bytes(shape), own_bytes = forward_->scratch_bytes(shape);
    else forward_bytes = onednn_[0]->forward_weights.get_size();
    if (training) {
        if (data_)
            backward_bytes = data_->packed_bytes(shape), own_bytes = std::max(own_bytes, data_->scratch_bytes(shape));
        else backward_bytes = onednn_[0]->backward_weights.get_size();
        if (weights_) {
            sum_floats = weights_->sum_floats(shape);
            own_bytes = std::max(own_bytes, weights_->scratch_bytes(shape));
        } else {
            sum_floats = onednn_[0]->diff_weights.get_size() / sizeof(float);
            partial_bytes_ = round_up(onednn_[0]->diff_weights.get_size());
        }
    }
    scratch_bytes = std::max(own_bytes, primitive_bytes_ + 2 * dense_bytes_ + partial_bytes_);
}

ConvolutionRunner::ConvolutionRunner(std::shared_ptr<const Convolution> conv) : conv_(std::move(conv)) {
    for (const auto &c : conv_->onednn_) onednn_.push_back(std::make_unique<OneDnnRunner>(conv_->engine_, c));
}

OneDnnRunner &ConvolutionRunner::onednn(int n) {
    const auto &sizes = conv_->onednn_;
    const auto at = std::find_if(sizes.begin(), sizes.end(), [&](const auto &c) { return c->shape.n == n; });
    return *onednn_[size_t(at - sizes.begin())];
}

void *ConvolutionRunner::dense_place(int place, void *scratch) const {
    return static_cast<char *>(scratch) + conv_->primitive_bytes_ + size_t(place) * conv_->dense_bytes_;
}

const void *ConvolutionRunner::dense(int place, ConstSlice slice, int64_t rows, int channels, void *scratch) const {
    if (slice.pitch == channels) return slice.data;
    void *copy = dense_place(place, scratch);
    conv_->elements_.copy({copy, channels}, slice, rows, channels);
    return copy;
}

void ConvolutionRunner::pack_forward(const float *oihw, void *packed) {
    if (conv_->forward_) conv_->forward_->pack(conv_->shape, oihw, packed);
    else onednn_[0]->reorder_forward(oihw, packed);
}

void ConvolutionRunner::pack_backward(const float *oihw, void *packed) {
    if (conv_->data_) conv_->data_->pack(conv_->shape, oihw, packed);
    else onednn_[0]->reorder_backward(oihw, packed);
}

void ConvolutionRunner::forward(int n, ConstSlice src, const ConvPrologue &prologue, const void *packed,
                                const ConvEpilogue &epilogue, Slice dst, void *scratch) {
    const Convolution &c = *conv_;
    const ConvShape &s = c.shape;
    if (c.forward_) return c.forward_->run(s, n, src, prologue, packed, epilogue, dst, scratch);
    const int64_t src_rows = int64_t(n) * s.height * s.width, dst_rows = int64_t(n) * s.dst_height() * s.dst_width();
    const void *from = dense(0, src, src_rows, s.src_channels, scratch);
    const bool direct = dst.pitch == s.dst_channels;
    void *to = direct ? dst.data : dense_place(1, scratch);
    const bool fused = c.onednn_[0]->fusion.inference;
    if (fused) onednn(n).forward_fused(from, packed, epilogue.bias, epilogue.residual.data, to, scratch);
    else onednn(n).forward(from, packed, to, scratch);
    if (!fused && epilogue.bias)
        c.elements_.affine(dst, {to, s.dst_channels}, {}, dst_rows, s.dst_channels, nullptr, epilogue.bias,
                           Activation::kNone);
    else if (!direct) c.elements_.copy(dst, {to, s.dst_channels}, dst_rows, s.dst_channels);
}

void ConvolutionRunner::backward_data(int n, ConstSlice ddst, const void *packed, const ConvDataEpilogue &epilogue,
                                      Slice dsrc, void *scratch) {
    const Convolution &c = *conv_;
    const ConvShape &s = c.shape;
    if (c.data_) return c.data_->run(s, n, ddst, packed, epilogue, dsrc, scratch);
    const int64_t src_rows = int64_t(n) * s.height * s.width, dst_rows = int64_t(n) * s.dst_height() * s.dst_width();
    const void *from = dense(0, ddst, dst_rows, s.dst_channels, scratch);
    const bool direct = !epilogue.add && dsrc.pitch == s.src_channels;
    void *to = direct ? dsrc.data : dense_place(1, scratch);
    onednn(n).backward_data(from, packed, to, scratch);
    if (!direct)
        (epilogue.add ? c.elements_.add : c.elements_.copy)(dsrc, {to, s.src_channels}, src_rows, s.src_channels);
}

void ConvolutionRunner::backward_weights(int n, ConstSlice src, const ConvPrologue &prologue, ConstSlice ddst,
                                         float *sum, bool add, void *scratch) {
    const Convolution &c = *conv_;
    const ConvShape &s = c.shape;
    if (c.weights_) return c.weights_->run(s, n, src, prologue, ddst, sum, add, scratch);
    const int64_t src_rows = int64_t(n) * s.height * s.width, dst_rows = int64_t(n) * s.dst_height() * s.dst_width();
    const void *x = dense(0, src, src_rows, s.src_channels, scratch);
    const void *dy = dense(1, ddst, dst_rows, s.dst_channels, scratch);
    float *partial = static_cast<float *>(dense_place(2, scratch));
    onednn(n).backward_weights(x, dy, add ? partial : sum, scratch);
    if (!add) return;
    for (size_t i = 0; i < c.sum_floats; i++) sum[i] += partial[i];
}

void ConvolutionRunner::unpack_gradient(const float *sum, float *oihw) {
    if (conv_->weights_) conv_->weights_->unpack(conv_->shape, sum, oihw);
    else onednn_[0]->reorder_gradient(sum, oihw);
}

} // namespace ist::cpu
