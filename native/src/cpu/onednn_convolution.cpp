// onednn_convolution.cpp - see onednn_convolution.h.
#include "onednn_convolution.h"

#include <algorithm>

#include "../error.h"

namespace ist::cpu {

using dnnl::memory;

OneDnnConvolution::OneDnnConvolution(const dnnl::engine &engine, const ConvShape &s, Fusion fusion,
                                     const OneDnnConvolution *like)
    : shape(s), fusion(fusion) {
    // Found by the op tests: the gradient of the taps that only meet padding is not 0 but whatever lies in memory.
    if (s.bf16 && !fusion.inference && s.width == 1 && s.stride > 1)
        throw Error(IST_UNSUPPORTED, "a strided convolution on images of width 1 has no exact bf16 weight gradient in "
                                     "oneDNN; use fp32, or images that are wider");
    const auto type = s.bf16 ? memory::data_type::bf16 : memory::data_type::f32;
    const auto f32 = memory::data_type::f32;
    src = {{s.n, s.src_channels, s.height, s.width}, type, memory::format_tag::nhwc};
    dst = {{s.n, s.dst_channels, s.dst_height(), s.dst_width()}, type, memory::format_tag::nhwc};
    const memory::dims wdims{s.dst_channels, s.src_channels, s.kernel, s.kernel};
    const memory::dims strides{s.stride, s.stride}, padding{s.padding, s.padding};
    oihw = {wdims, f32, memory::format_tag::oihw};
    const memory::desc any(wdims, type, memory::format_tag::any), any32(wdims, f32, memory::format_tag::any);
    bias = {{s.dst_channels}, f32, memory::format_tag::x};

    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const auto keep = [&](const memory::desc &scratch) { scratch_bytes = std::max(scratch_bytes, scratch.get_size()); };

    if (fusion.inference) {
        dnnl::primitive_attr fused = attr;
        dnnl::post_ops post;
        if (fusion.residual) post.append_binary(dnnl::algorithm::binary_add, dst);
        if (fusion.relu) post.append_eltwise(dnnl::algorithm::eltwise_relu, 0.f, 0.f);
        fused.set_post_ops(post);
        dnnl::convolution_forward::primitive_desc pd(
            engine, dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, src,
            like ? like->forward_weights : any, bias, dst, strides, padding, padding, fused);
        forward = dnnl::convolution_forward(pd);
        forward_weights = pd.weights_desc();
        keep(pd.scratchpad_desc());
        to_forward = dnnl::reorder(dnnl::reorder::primitive_desc(engine, oihw, engine, forward_weights));
        return;
    }
    dnnl::convolution_forward::primitive_desc fpd(
        engine, dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_direct, src,
        like ? like->forward_weights : any, dst, strides, padding, padding, attr);
    dnnl::convolution_backward_data::primitive_desc dpd(engine, dnnl::algorithm::convolution_direct, src,
                                                        like ? like->backward_weights : any, dst, strides, padding,
                                                        padding, fpd, attr);
    dnnl::convolution_backward_weights::primitive_desc wpd(engine, dnnl::algorithm::convolution_direct, src,
                                                           like ? like->diff_weights : any32, dst, strides, padding,
                                                           padding, fpd, attr);
    forward = dnnl::convolution_forward(fpd);
    backward_data = dnnl::convolution_backward_data(dpd);
    backward_weight = dnnl::convolution_backward_weights(wpd);
    forward_weights = fpd.weights_desc();
    backward_weights = dpd.weights_desc();
    diff_weights = wpd.diff_weights_desc();
    keep(fpd.scratchpad_desc());
    keep(dpd.scratchpad_desc());
    keep(wpd.scratchpad_desc());
    to_forward = dnnl::reorder(dnnl::reorder::primitive_desc(engine, oihw, engine, forward_weights));
    to_backward = dnnl::reorder(dnnl::reorder::primitive_desc(engine, oihw, engine, backward_weights));
    from_diff = dnnl::reorder(dnnl::reorder::primitive_desc(engine, diff_weights, engine, oihw));
}

OneDnnRunner::OneDnnRunner(const dnnl::engine &engine, std::shared_ptr<const OneDnnConvolution> conv)
    : stream_(engine), conv_(std::move(conv)) {
    const OneDnnConvolution &c = *conv_;
    const auto handle = [&](const memory::desc &desc) { return memory(desc, engine, nullptr); };
    const memory::desc scratch({int64_t(c.scratch_bytes)}, memory::data_type::u8, memory::format_tag::x);
    src_ = handle(c.src), dst_ = handle(c.dst), weights_f_ = handle(c.forward_weights), oihw_ = handle(c.oihw);
    scratch_ = handle(scratch);
    forward_args_ = {
        {DNNL_ARG_SRC, src_}, {DNNL_ARG_WEIGHTS, weights_f_}, {DNNL_ARG_DST, dst_}, {DNNL_ARG_SCRATCHPAD, scratch_}};
    if (c.fusion.inference) {
        bias_ = handle(c.bias), residual_ = handle(c.dst);
        forward_args_[DNNL_ARG_BIAS] = bias_;
        if (c.fusion.residual) forward_args_[DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1] = residual_;
        return;
    }
    dsrc_ = handle(c.src), ddst_ = handle(c.dst), weights_b_ = handle(c.backward_weights);
    dweights_ = handle(c.diff_weights);
    data_args_ = {{DNNL_ARG_DIFF_DST, ddst_},
                  {DNNL_ARG_WEIGHTS, weights_b_},
                  {DNNL_ARG_DIFF_SRC, dsrc_},
                  {DNNL_ARG_SCRATCHPAD, scratch_}};
    weight_args_ = {{DNNL_ARG_SRC, src_},
                    {DNNL_ARG_DIFF_DST, ddst_},
                    {DNNL_ARG_DIFF_WEIGHTS, dweights_},
                    {DNNL_ARG_SCRATCHPAD, scratch_}};
}

void OneDnnRunner::forward(const void *src, const void *weights, void *dst, void *scratch) {
    src_.set_data_handle(const_cast<void *>(src));
    weights_f_.set_data_handle(const_cast<void *>(weights));
    dst_.set_data_handle(dst);
    scratch_.set_data_handle(scratch);
    conv_->forward.execute(stream_, forward_args_);
}

void OneDnnRunner::forward_fused(const void *src, const void *weights, const float *bias, const void *residual,
                                 void *dst, void *scratch) {
    bias_.set_data_handle(const_cast<float *>(bias));
    residual_.set_data_handle(const_cast<void *>(residual));
    forward(src, weights, dst, scratch);
}

void OneDnnRunner::backward_data(const void *ddst, const void *weights, void *dsrc, void *scratch) {
    ddst_.set_data_handle(const_cast<void *>(ddst));
    weights_b_.set_data_handle(const_cast<void *>(weights));
    dsrc_.set_data_handle(dsrc);
    scratch_.set_data_handle(scratch);
    conv_->backward_data.execute(stream_, data_args_);
}

void OneDnnRunner::backward_weights(const void *src, const void *ddst, float *dweights, void *scratch) {
    src_.set_data_handle(const_cast<void *>(src));
    ddst_.set_data_handle(const_cast<void *>(ddst));
    dweights_.set_data_handle(dweights);
    scratch_.set_data_handle(scratch);
    conv_->backward_weight.execute(stream_, weight_args_);
}

void OneDnnRunner::reorder_forward(const float *oihw, void *weights) {
    oihw_.set_data_handle(const_cast<float *>(oihw));
    weights_f_.set_data_handle(weights);
    dnnl::reorder(conv_->to_forward).execute(stream_, oihw_, weights_f_);
}

void OneDnnRunner::reorder_backward(const float *oihw, void *weights) {
    oihw_.set_data_handle(const_cast<float *>(oihw));
    weights_b_.set_data_handle(weights);
    dnnl::reorder(conv_->to_backward).execute(stream_, oihw_, weights_b_);
}

void OneDnnRunner::reorder_gradient(const float *dweights, float *oihw) {
    dweights_.set_data_handle(const_cast<float *>(dweights));
    oihw_.set_data_handle(oihw);
    dnnl::reorder(conv_->from_diff).execute(stream_, dweights_, oihw_);
}

} // namespace ist::cpu
