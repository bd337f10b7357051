// training_pass.cpp - see training_pass.h.
#include "training_pass.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "../error.h"
#include "matrix_product.h"

namespace ist::cpu {
namespace {

constexpr double kEps = 1e-5;     // batch norm
constexpr double kMomentum = 0.1; // of running statistics

size_t round_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

} // namespace

// ---- plan ---------------------------------------------------------------------------------------------------------

TrainingPlan::TrainingPlan(const NetworkPlan &network, const KernelChoice &kernels, const dnnl::engine &engine,
                           int batch)
    : network(network), kernels(kernels), engine(engine), batch(batch),
      n_slices((batch + network.slice_images - 1) / network.slice_images), n_lanes(std::min(kLanes, n_slices)) {
    const auto element = [&](const Storage &s) { return s.wide ? sizeof(float) : kernels.storage->element_size; };
    const int whole = std::min(batch, network.slice_images), rest = batch % network.slice_images;
    const bool split = batch > network.slice_images && rest != 0;

    convs.resize(network.ops.size());
    size_t dense = 0;
    for (size_t k = 0; k < network.ops.size(); k++) {
        const Op &op = network.network.ops[k];
        if (op.kind == OpKind::kLinear) {
            const Value &in = network.network.values[size_t(op.src)], &out = network.network.values[size_t(op.dst)];
            float_elements = std::max(float_elements, size_t(whole) * size_t(std::max(in.elements(), out.elements())));
        }
        if (op.kind != OpKind::kConv) continue;
        const Value &in = network.network.values[size_t(op.src)], &out = network.network.values[size_t(op.dst)];
        const ConvShape shape{whole,     in.height, in.width,   in.channels, out.channels,
                              op.kernel, op.stride, op.padding, kernels.bf16};
        ConvUse use;
        use.pass = ConvUse::Pass::kTraining;
        use.images = split ? std::vector<int>{whole, rest} : std::vector<int>{whole};
        convs[k] = std::make_shared<Convolution>(engine, *kernels.storage, kernels.convolutions, shape, use);
        conv_scratch_bytes = std::max(conv_scratch_bytes, convs[k]->scratch_bytes);
    }
    for (const Value &v : network.network.values)
        dense = std::max(dense, size_t(v.elements()) * size_t(whole) * sizeof(float));
    dense_bytes = dense;

    // A batch norm without residual, whose output only a convolution reads, is done by the convolution's kernels, in
    // the backward pass if they are next to each other.
    prologue_of_conv.assign(network.ops.size(), -1);
    weights_prologue_of_conv.assign(network.ops.size(), -1);
    norm_of_conv.assign(network.ops.size(), -1);
    for (size_t k = 0; k < network.ops.size(); k++) {
        if (convs[k] && convs[k]->takes_prologue()) prologue_of_conv[k] = network.absorbable_norm(int(k));
        if (convs[k] && convs[k]->takes_weights_prologue())
            weights_prologue_of_conv[k] = network.absorbable_norm(int(k));
    }
    for (const std::vector<int> &segment : network.backward)
        for (size_t i = 0; i + 1 < segment.size(); i++) {
            const size_t conv = size_t(segment[i]);
            const int norm = network.absorbable_norm(int(conv));
            if (norm >= 0 && norm == segment[i + 1] && convs[conv]->takes_norm_backward()) norm_of_conv[conv] = norm;
        }

    storage_bytes.resize(network.storages.size());
    for (size_t s = 0; s < network.storages.size(); s++)
        if (!network.storages[s].transient)
            storage_bytes[s] =
                round_up(size_t(network.storages[s].elements()) * size_t(batch) * element(network.storages[s]));

    // Transient values: an offset each within their segment.
    const auto lay_out = [&](const std::vector<std::vector<int>> &segments, std::vector<SegmentScratch> &out,
                             bool with_gradient) {
        for (const std::vector<int> &segment : segments) {
            SegmentScratch scratch;
            scratch.value.assign(network.storages.size(), 0);
            scratch.gradient.assign(network.storages.size(), 0);
            size_t used = 0;
            for (int k : segment) {
                const int dst = network.op(k).dst;
                if (dst < 0) continue;
                const int s = network.values[size_t(dst)].storage;
                if (!network.storages[size_t(s)].transient) continue;
                const size_t bytes = round_up(size_t(network.storages[size_t(s)].elements()) * size_t(whole) *
                                              element(network.storages[size_t(s)]));
                scratch.value[size_t(s)] = used;
                used += bytes;
                if (with_gradient) {
                    scratch.gradient[size_t(s)] = used;
                    used += bytes;
                }
            }
            transient_bytes = std::max(transient_bytes, used);
            out.push_back(std::move(scratch));
        }
    };
    lay_out(network.forward, forward_scratch, false);
    lay_out(network.backward, backward_scratch, true);

    // Gradients of stored values share buffers where their lives do not overlap (in backward segments).
    struct Life {
        int first = -1, last = -1;
    };
    std::vector<Life> lives(network.storages.size());
    for (int seg = 0; seg < int(network.backward.size()); seg++)
        for (int k : network.backward[size_t(seg)]) {
            const Op &op = network.op(k);
            const auto touch = [&](int value) {
                if (value < 0 || !network.values[size_t(value)].needs_gradient) return;
                Life &life = lives[size_t(network.values[size_t(value)].storage)];
                if (life.first < 0) life.first = seg;
                life.last = seg;
            };
            touch(op.src), touch(op.residual), touch(op.dst);
        }
    gradient_buffer.assign(network.storages.size(), -1);
    std::vector<int> busy_until;
    std::vector<size_t> order;
    for (size_t s = 0; s < lives.size(); s++)
        if (lives[s].first >= 0 && !network.storages[s].transient) order.push_back(s);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return lives[a].first < lives[b].first; });
    for (size_t s : order) {
        int best = -1; // a free buffer, the smallest that is large enough, else the largest
        for (int b = 0; b < int(busy_until.size()); b++) {
            if (busy_until[size_t(b)] >= lives[s].first) continue;
            if (best < 0) {
                best = b;
                continue;
            }
            const size_t have = gradient_bytes[size_t(b)], best_have = gradient_bytes[size_t(best)];
            const bool fits = have >= storage_bytes[s], best_fits = best_have >= storage_bytes[s];
            if (fits != best_fits ? fits : (fits ? have < best_have : have > best_have)) best = b;
        }
        if (best < 0) {
            best = int(busy_until.size());
            busy_until.push_back(-1);
            gradient_bytes.push_back(0);
        }
        busy_until[size_t(best)] = lives[s].last;
        gradient_bytes[size_t(best)] = std::max(gradient_bytes[size_t(best)], storage_bytes[s]);
        gradient_buffer[s] = best;
    }
}

// ---- team ---------------------------------------------------------------------------------------------------------

TrainingTeam::TrainingTeam(std::shared_ptr<const TrainingPlan> plan) : plan_(std::move(plan)), net_(plan_->network) {
    const TrainingPlan &p = *plan_;
    const size_t slices = size_t(p.n_slices), stats = size_t(net_.n_statistics), norms = size_t(net_.n_norm_channels);
    for (size_t bytes : p.storage_bytes) storage_.emplace_back(bytes);
    weights_forward_.resize(net_.ops.size());
    weights_backward_.resize(net_.ops.size());
    for (size_t k = 0; k < net_.ops.size(); k++) {
        if (!p.convs[k]) continue;
        weights_forward_[k] = Buffer(p.convs[k]->forward_bytes);
        weights_backward_[k] = Buffer(p.convs[k]->backward_bytes);
    }
    sum_.resize(slices * stats), square_.resize(slices * stats), pivot_.resize(slices * stats);
    dbeta_.resize(slices * norms), dgamma_.resize(slices * norms);
    g_sum_.resize(stats), g_xhat_sum_.resize(stats), variance_.resize(stats);
    mean_.resize(stats), invstd_.resize(stats), slope_.resize(stats), offset_.resize(stats);
    scale_.resize(norms), shift_.resize(norms);
    losses_.resize(slices), errors_.resize(slices), labels_.resize(size_t(p.batch));
}

void TrainingTeam::reserve(int team) {
    const TrainingPlan &p = *plan_;
    while (int(threads_.size()) < team) {
        auto state = std::make_unique<ThreadState>();
        state->transient = Buffer(p.transient_bytes);
        state->dense = Buffer(p.dense_bytes);
        state->conv_scratch = Buffer(p.conv_scratch_bytes);
        state->floats_a = Buffer(p.float_elements * sizeof(float));
        state->floats_b = Buffer(p.float_elements * sizeof(float));
        for (const auto &conv : p.convs)
            state->convs.push_back(conv ? std::make_unique<ConvolutionRunner>(conv) : nullptr);
        threads_.push_back(std::move(state));
    }
    if (gradient_.empty())
        for (size_t bytes : p.gradient_bytes) gradient_.emplace_back(bytes);
    while (int(lanes_.size()) < p.n_lanes) {
        Lane lane;
        lane.weight.resize(net_.ops.size());
        lane.bias.resize(net_.ops.size());
        for (size_t k = 0; k < net_.ops.size(); k++) {
            const Op &op = net_.op(int(k));
            if (op.kind == OpKind::kConv) lane.weight[k] = Buffer(p.convs[k]->sum_floats * sizeof(float));
            if (op.kind == OpKind::kLinear)
                lane.weight[k] = Buffer(size_t(net_.network.tensors[size_t(op.weight)].size()) * sizeof(float));
            if ((op.kind == OpKind::kConv || op.kind == OpKind::kLinear) && op.bias >= 0)
                lane.bias[k] = Buffer(size_t(net_.value(op.dst).channels) * sizeof(double));
        }
        lanes_.push_back(std::move(lane));
    }
}

SliceOf TrainingTeam::view(const ThreadState &state, const std::vector<size_t> &offsets, int value, int slice) const {
    const ValuePlan &v = net_.values[size_t(value)];
    const Storage &s = net_.storages[size_t(v.storage)];
    SliceOf out;
    out.kernels = &kernels_of(v.storage);
    out.height = s.height, out.width = s.width, out.channels = net_.value(value).channels;
    out.slice.pitch = s.channels;
    if (s.transient) {
        out.slice.data = state.transient.bytes_at(offsets[size_t(v.storage)]);
    } else {
        const int64_t row = int64_t(plan_->slice_begin(slice)) * s.rows();
        out.slice.data =
            storage_[size_t(v.storage)].bytes_at(size_t(row * s.channels + v.channel) * out.kernels->element_size);
    }
    return out;
}

SliceOf TrainingTeam::gradient_view(const ThreadState &state, int segment, int value, int slice) const {
    const ValuePlan &v = net_.values[size_t(value)];
    const Storage &s = net_.storages[size_t(v.storage)];
    SliceOf out = view(state, plan_->backward_scratch[size_t(segment)].gradient, value, slice);
    if (!s.transient) {
        const int64_t row = int64_t(plan_->slice_begin(slice)) * s.rows();
        out.slice.data = gradient_[size_t(plan_->gradient_buffer[size_t(v.storage)])].bytes_at(
            size_t(row * s.channels + v.channel) * out.kernels->element_size);
    }
    return out;
}

// ---- forward ------------------------------------------------------------------------------------------------------

void TrainingTeam::prepare_weights(int thread, int team) {
    ThreadState &state = *threads_[size_t(thread)];
    for (size_t k = size_t(thread); k < net_.ops.size(); k += size_t(team)) {
        if (!state.convs[k]) continue;
        const float *oihw = param(net_.op(int(k)).weight);
        state.convs[k]->pack_forward(oihw, weights_forward_[k].data());
        if (want_gradient_) state.convs[k]->pack_backward(oihw, weights_backward_[k].data());
    }
}

void TrainingTeam::assemble(ThreadState &state, int slice) {
    const SliceOf input = view(state, plan_->forward_scratch[0].value, 0, slice);
    const int64_t elements = net_.value(0).elements();
    state.row.resize(size_t(elements));
    for (int i = 0; i < plan_->slice_size(slice); i++) {
        const int slot = plan_->slice_begin(slice) + i;
        const Sample sample = draw_sample(*sampling_, images_->n_images, job_->stream, step_, slot);
        images_->assemble(sample, state.row.data());
        labels_[size_t(slot)] = images_->label(sample.image);
        input.kernels->from_float(input.at(i * input.rows_per_image(), 0), state.row.data(), elements);
    }
}

ConvPrologue TrainingTeam::prologue(int norm) const {
    if (norm < 0) return {};
    const size_t at = size_t(net_.ops[size_t(norm)].statistics);
    return {&scale_[at], &shift_[at], net_.op(norm).activation == Activation::kRelu};
}

void TrainingTeam::forward_conv(ThreadState &state, const std::vector<size_t> &offsets, int k, int slice) {
    const Op &op = net_.op(k);
    const int norm = plan_->prologue_of_conv[size_t(k)];
    const SliceOf src = view(state, offsets, norm < 0 ? op.src : net_.op(norm).src, slice);
    ConvEpilogue epilogue;
    epilogue.bias = op.bias >= 0 ? param(op.bias) : nullptr;
    state.convs[size_t(k)]->forward(plan_->slice_size(slice), src.slice, prologue(norm),
                                    weights_forward_[size_t(k)].data(), epilogue,
                                    view(state, offsets, op.dst, slice).slice, state.conv_scratch.data());
}

void TrainingTeam::forward_op(ThreadState &state, const std::vector<size_t> &offsets, int k, int slice) {
    const Op &op = net_.op(k);
    const int n = plan_->slice_size(slice);
    const SliceOf src = view(state, offsets, op.src, slice);
    if (op.kind == OpKind::kSoftmaxLoss) {
        double loss = 0;
        int errors = 0;
        softmax_loss(n, src.channels, static_cast<const float *>(src.slice.data),
                     labels_.data() + plan_->slice_begin(slice), 1.f, &loss, &errors, nullptr, nullptr);
        losses_[size_t(slice)] = loss;
        errors_[size_t(slice)] = errors;
        return;
    }
    const SliceOf dst = view(state, offsets, op.dst, slice);
    const SliceOf residual = op.residual >= 0 ? view(state, offsets, op.residual, slice) : SliceOf{};
    const int64_t rows = n * dst.rows_per_image();
    switch (op.kind) {
    case OpKind::kConv: forward_conv(state, offsets, k, slice); break;
    case OpKind::kBatchNorm: {
        const size_t at = size_t(net_.ops[size_t(k)].statistics);
        dst.kernels->affine(dst.slice, src.slice, residual.slice, rows, dst.channels, &scale_[at], &shift_[at],
                            op.activation);
        break;
    }
    case OpKind::kLinear: {
        const float *x = static_cast<const float *>(src.slice.data);
        if (!net_.storage_of(op.src).wide || src.rows_per_image() != 1) {
            flatten(n, src, state.floats_a.as<float>());
            x = state.floats_a.as<float>();
        }
        const int64_t in = net_.value(op.src).elements(), out = dst.channels;
        float *y = static_cast<float *>(dst.slice.data);
        if (op.bias >= 0)
            for (int i = 0; i < n; i++) std::memcpy(y + i * out, param(op.bias), size_t(out) * sizeof(float));
        matrix_product('N', 'T', n, out, in, x, in, param(op.weight), in, op.bias >= 0 ? 1.f : 0.f, y, out);
        break;
    }
    default: forward_slice_op(op, n, src, residual, dst);
    }

    const ValuePlan &v = net_.values[size_t(op.dst)];
    if (!v.normalised) return;
    const size_t at =
        size_t(slice) * size_t(net_.n_statistics) + size_t(net_.statistics_offset[size_t(v.storage)] + v.channel);
    dst.kernels->to_float(&pivot_[at], dst.slice.data, dst.channels);
    std::fill_n(&sum_[at], dst.channels, 0.0);
    std::fill_n(&square_[at], dst.channels, 0.0);
    dst.kernels->statistics(dst.slice, rows, dst.channels, &pivot_[at], &sum_[at], &square_[at]);
}

void TrainingTeam::forward_slice(ThreadState &state, int segment, int slice) {
    if (segment == 0) assemble(state, slice);
    for (int k : net_.forward[size_t(segment)]) {
        const int consumer =
            net_.op(k).kind == OpKind::kBatchNorm ? net_.values[size_t(net_.op(k).dst)].consumers[0] : -1;
        if (consumer >= 0 && plan_->prologue_of_conv[size_t(consumer)] == k) continue; // done by the convolution
        forward_op(state, plan_->forward_scratch[size_t(segment)].value, k, slice);
    }
}

// Batch mean and variance of the values a segment has produced: slices joined in order (Chan et al. 1979), in double.
void TrainingTeam::finish_forward(int segment) {
    for (int k : net_.forward[size_t(segment)]) {
        const int dst = net_.op(k).dst;
        if (dst < 0 || !net_.values[size_t(dst)].normalised) continue;
        const ValuePlan &v = net_.values[size_t(dst)];
        const int64_t rows = net_.storages[size_t(v.storage)].rows();
        const size_t first = size_t(net_.statistics_offset[size_t(v.storage)] + v.channel);
        for (size_t c = first; c < first + size_t(net_.value(dst).channels); c++) {
            double count = 0, mean = 0, m2 = 0;
            for (int s = 0; s < plan_->n_slices; s++) {
                const size_t at = size_t(s) * size_t(net_.n_statistics) + c;
                const double n = double(plan_->slice_size(s)) * double(rows);
                const double slice_mean = sum_[at] / n, slice_m2 = std::max(0.0, square_[at] - sum_[at] * slice_mean);
                const double delta = double(pivot_[at]) + slice_mean - mean;
                m2 += slice_m2 + delta * delta * count * n / (count + n);
                mean += delta * n / (count + n);
                count += n;
            }
            variance_[c] = m2 / count;
            mean_[c] = float(mean);
            invstd_[c] = float(1.0 / std::sqrt(m2 / count + kEps));
            g_sum_[c] = g_xhat_sum_[c] = 0;
        }
    }
}

void TrainingTeam::apply_scales(int segment) {
    for (int k : net_.forward[size_t(segment)]) {
        const Op &op = net_.op(k);
        if (op.kind != OpKind::kBatchNorm) continue;
        const ValuePlan &src = net_.values[size_t(op.src)];
        const size_t from = size_t(net_.statistics_offset[size_t(src.storage)] + src.channel);
        const size_t to = size_t(net_.ops[size_t(k)].statistics);
        for (int c = 0; c < net_.value(op.src).channels; c++) {
            scale_[to + size_t(c)] = param(op.weight)[c] * invstd_[from + size_t(c)];
            shift_[to + size_t(c)] = param(op.bias)[c] - mean_[from + size_t(c)] * scale_[to + size_t(c)];
        }
    }
}

// ---- backward -----------------------------------------------------------------------------------------------------

SliceOf TrainingTeam::incoming(ThreadState &state, int segment, int value, int slice) {
    SliceOf g = gradient_view(state, segment, value, slice);
    const ValuePlan &v = net_.values[size_t(value)];
    const int64_t rows = plan_->slice_size(slice) * g.rows_per_image();
    if (v.normalised) {
        const size_t at = size_t(net_.statistics_offset[size_t(v.storage)] + v.channel);
        const SliceOf x = view(state, plan_->backward_scratch[size_t(segment)].value, value, slice);
        const Slice dense{state.dense.data(), g.channels};
        g.kernels->correct(dense, g.slice, x.slice, rows, g.channels, &slope_[at], &offset_[at]);
        g.slice = dense;
    }
    return g;
}

GradientOut TrainingTeam::outgoing(ThreadState &state, int segment, int value, const GradientUse &gradient, int slice) {
    GradientOut out;
    if (!gradient.wanted) return out;
    out.g = gradient_view(state, segment, value, slice);
    out.add = gradient.add;
    if (gradient.zero_before)
        for (int c : gradient.unwritten)
            out.g.kernels->zero(out.g.part(c - net_.values[size_t(value)].channel, 1).slice,
                                plan_->slice_size(slice) * out.g.rows_per_image(), 1);
    return out;
}

void TrainingTeam::backward_conv(ThreadState &state, int segment, int k, int lane, int slice) {
    const Op &op = net_.op(k);
    const int n = plan_->slice_size(slice);
    const bool first = slice == plan_->lane_begin(lane);
    const SliceOf dz = incoming(state, segment, op.dst, slice);
    const int in_front = plan_->weights_prologue_of_conv[size_t(k)];
    const SliceOf src = view(state, plan_->backward_scratch[size_t(segment)].value,
                             in_front < 0 ? op.src : net_.op(in_front).src, slice);
    ConvolutionRunner &conv = *state.convs[size_t(k)];
    conv.backward_weights(n, src.slice, prologue(in_front), dz.slice,
                          lanes_[size_t(lane)].weight[size_t(k)].as<float>(), !first, state.conv_scratch.data());
    if (op.bias >= 0) {
        double *bias = lanes_[size_t(lane)].bias[size_t(k)].as<double>();
        if (first) std::fill_n(bias, dz.channels, 0.0);
        dz.kernels->channel_sums(dz.slice, n * dz.rows_per_image(), dz.channels, bias);
    }
    const int norm = plan_->norm_of_conv[size_t(k)];
    const GradientOut out = norm < 0 ? outgoing(state, segment, op.src, net_.ops[size_t(k)].src, slice)
                                     : outgoing(state, segment, net_.op(norm).src, net_.ops[size_t(norm)].src, slice);
    if (!out.g.slice.data) return;
    ConvDataEpilogue epilogue;
    if (norm >= 0) epilogue = norm_backward(state, segment, norm, slice);
    epilogue.add = out.add;
    conv.backward_data(n, dz.slice, weights_backward_[size_t(k)].data(), epilogue, out.g.slice,
                       state.conv_scratch.data());
}

// What the data gradient of the convolution behind a batch norm needs to go on through it; clears the norm's sums.
ConvDataEpilogue TrainingTeam::norm_backward(ThreadState &state, int segment, int norm, int slice) {
    const Op &op = net_.op(norm);
    const SliceOf x = view(state, plan_->backward_scratch[size_t(segment)].value, op.src, slice);
    const ValuePlan &v = net_.values[size_t(op.src)];
    const size_t first = size_t(net_.ops[size_t(norm)].statistics);
    const size_t at = size_t(slice) * size_t(net_.n_norm_channels) + first;
    ConvDataEpilogue epilogue;
    epilogue.x = x.slice;
    epilogue.scale = &scale_[first], epilogue.shift = &shift_[first];
    epilogue.mean = &mean_[size_t(net_.statistics_offset[size_t(v.storage)] + v.channel)];
    epilogue.relu = op.activation == Activation::kRelu;
    epilogue.dbeta = &dbeta_[at], epilogue.dgamma = &dgamma_[at];
    std::fill_n(epilogue.dbeta, x.channels, 0.0);
    std::fill_n(epilogue.dgamma, x.channels, 0.0);
    return epilogue;
}

void TrainingTeam::backward_linear(ThreadState &state, int segment, int k, int lane, int slice) {
    const Op &op = net_.op(k);
    const int n = plan_->slice_size(slice);
    const float beta = slice == plan_->lane_begin(lane) ? 0.f : 1.f;
    const float *dy = static_cast<const float *>(incoming(state, segment, op.dst, slice).slice.data);
    const SliceOf src = view(state, plan_->backward_scratch[size_t(segment)].value, op.src, slice);
    const bool flat = net_.storage_of(op.src).wide && src.rows_per_image() == 1;
    const float *x = static_cast<const float *>(src.slice.data);
    if (!flat) {
        flatten(n, src, state.floats_a.as<float>());
        x = state.floats_a.as<float>();
    }
    const int64_t in = net_.value(op.src).elements(), out = net_.value(op.dst).channels;
    float *dw = lanes_[size_t(lane)].weight[size_t(k)].as<float>();
    matrix_product('T', 'N', out, in, n, dy, out, x, in, beta, dw, in);
    if (op.bias >= 0) {
        double *db = lanes_[size_t(lane)].bias[size_t(k)].as<double>();
        if (beta == 0.f) std::fill_n(db, out, 0.0);
        for (int i = 0; i < n; i++)
            for (int64_t c = 0; c < out; c++) db[c] += dy[i * out + c];
    }
    const GradientOut g = outgoing(state, segment, op.src, net_.ops[size_t(k)].src, slice);
    if (!g.g.slice.data) return;
    float *dx = flat ? static_cast<float *>(g.g.slice.data) : state.floats_b.as<float>();
    matrix_product('N', 'N', n, in, out, dy, out, param(op.weight), in, flat && g.add ? 1.f : 0.f, dx, in);
    if (!flat) unflatten(n, dx, g.g, g.add);
}

// Whether op k works from what is in front of its transient source, forward and backward.
bool TrainingTeam::computed_anew(int k) const {
    return plan_->weights_prologue_of_conv[size_t(k)] >= 0 && plan_->norm_of_conv[size_t(k)] >= 0;
}

void TrainingTeam::backward_op(ThreadState &state, int segment, int k, int lane, int slice) {
    const Op &op = net_.op(k);
    const OpPlan &planned = net_.ops[size_t(k)];
    const std::vector<size_t> &offsets = plan_->backward_scratch[size_t(segment)].value;
    const int n = plan_->slice_size(slice);
    // A transient source is computed again before its consumer needs it.
    if (net_.storage_of(op.src).transient && !computed_anew(k))
        forward_op(state, offsets, net_.values[size_t(op.src)].producer, slice);
    if (op.dst >= 0 && !net_.values[size_t(op.dst)].needs_gradient) return;

    const SliceOf src = view(state, offsets, op.src, slice);
    switch (op.kind) {
    case OpKind::kSoftmaxLoss: {
        const GradientOut out = outgoing(state, segment, op.src, planned.src, slice);
        if (!out.g.slice.data) return;
        double loss = 0;
        int errors = 0;
        softmax_loss(n, src.channels, static_cast<const float *>(src.slice.data),
                     labels_.data() + plan_->slice_begin(slice), 1.f / float(plan_->batch), &loss, &errors,
                     static_cast<float *>(out.g.slice.data), nullptr);
        return;
    }
    case OpKind::kConv: return backward_conv(state, segment, k, lane, slice);
    case OpKind::kLinear: return backward_linear(state, segment, k, lane, slice);
    case OpKind::kBatchNorm: {
        const SliceOf dy = incoming(state, segment, op.dst, slice);
        const SliceOf y = view(state, offsets, op.dst, slice);
        const GradientOut g = outgoing(state, segment, op.src, planned.src, slice);
        const GradientOut residual =
            op.residual >= 0 ? outgoing(state, segment, op.residual, planned.residual, slice) : GradientOut{};
        const ValuePlan &v = net_.values[size_t(op.src)];
        const size_t channel = size_t(net_.statistics_offset[size_t(v.storage)] + v.channel);
        const size_t norm = size_t(planned.statistics), at = size_t(slice) * size_t(net_.n_norm_channels) + norm;
        std::fill_n(&dbeta_[at], src.channels, 0.0);
        std::fill_n(&dgamma_[at], src.channels, 0.0);
        src.kernels->affine_backward(g.g.slice, g.add, residual.g.slice, residual.add, dy.slice, y.slice, src.slice,
                                     n * src.rows_per_image(), src.channels, &scale_[norm], &mean_[channel],
                                     op.activation, &dbeta_[at], &dgamma_[at]);
        return;
    }
    default: {
        const SliceOf g_dst = incoming(state, segment, op.dst, slice);
        const SliceOf dst = view(state, offsets, op.dst, slice);
        const GradientOut g = outgoing(state, segment, op.src, planned.src, slice);
        const GradientOut residual =
            op.residual >= 0 ? outgoing(state, segment, op.residual, planned.residual, slice) : GradientOut{};
        backward_slice_op(op, n, g_dst, src, dst, g, residual);
    }
    }
}

void TrainingTeam::backward_slice(ThreadState &state, int segment, int lane, int slice) {
    const std::vector<int> &ops = net_.backward[size_t(segment)];
    for (size_t i = 0; i < ops.size(); i++) {
        backward_op(state, segment, ops[i], lane, slice);
        if (plan_->norm_of_conv[size_t(ops[i])] >= 0) i++; // the batch norm behind it is done
    }
}

// gamma's and beta's gradients; the correction of values all of whose batch norms have now been passed.
// With G = sum over consumers of (gamma * invstd) dy: dz = G - invstd * c1 - (z - mean) * invstd^2 * c2, where
// c1 = sum gamma * dbeta / M and c2 = sum gamma * dgamma / M (dgamma = sum dy * xhat), M pixels in the batch.
void TrainingTeam::finish_backward(int segment) {
    for (int k : net_.backward[size_t(segment)]) {
        const Op &op = net_.op(k);
        if (op.kind != OpKind::kBatchNorm) continue;
        const ValuePlan &v = net_.values[size_t(op.src)];
        const size_t first = size_t(net_.statistics_offset[size_t(v.storage)] + v.channel);
        const double m = double(plan_->batch) * double(net_.storages[size_t(v.storage)].rows());
        for (int c = 0; c < net_.value(op.src).channels; c++) {
            double dbeta = 0, dgamma = 0;
            for (int s = 0; s < plan_->n_slices; s++) {
                const size_t at =
                    size_t(s) * size_t(net_.n_norm_channels) + size_t(net_.ops[size_t(k)].statistics) + size_t(c);
                dbeta += dbeta_[at];
                dgamma += dgamma_[at];
            }
            const size_t at = first + size_t(c);
            dgamma *= invstd_[at];
            const double gamma = param(op.weight)[c];
            job_->gradient[net_.network.tensors[size_t(op.weight)].offset + c] = float(dgamma);
            job_->gradient[net_.network.tensors[size_t(op.bias)].offset + c] = float(dbeta);
            g_sum_[at] += gamma * dbeta;
            g_xhat_sum_[at] += gamma * dgamma;
            const double invstd = invstd_[at], slope = -invstd * invstd * g_xhat_sum_[at] / m;
            slope_[at] = float(slope);
            offset_[at] = float(-invstd * g_sum_[at] / m - slope * mean_[at]);
        }
    }
}

void TrainingTeam::finish_gradient(int thread, int team) {
    ThreadState &state = *threads_[size_t(thread)];
    for (size_t k = size_t(thread); k < net_.ops.size(); k += size_t(team)) {
        const Op &op = net_.op(int(k));
        if (op.kind != OpKind::kConv && op.kind != OpKind::kLinear) continue;
        Buffer &sum = lanes_[0].weight[k];
        for (int l = 1; l < plan_->n_lanes; l++)
            plan_->kernels.vectors->add(sum.as<float>(), lanes_[size_t(l)].weight[k].as<float>(),
                                        int64_t(sum.size() / sizeof(float)));
        float *out = job_->gradient + net_.network.tensors[size_t(op.weight)].offset;
        if (op.kind == OpKind::kConv) state.convs[k]->unpack_gradient(sum.as<float>(), out);
        else std::memcpy(out, sum.data(), sum.size());
        if (op.bias < 0) continue;
        for (int c = 0; c < net_.value(op.dst).channels; c++) {
            double bias = 0;
            for (int l = 0; l < plan_->n_lanes; l++) bias += lanes_[size_t(l)].bias[k].as<double>()[c];
            job_->gradient[net_.network.tensors[size_t(op.bias)].offset + c] = float(bias);
        }
    }
}

void TrainingTeam::run(int thread, int team, Barrier &barrier, Wanted wanted, const CpuImages &images,
                       const ist_sampling &sampling, int64_t step, PointJob &job, double *statistics_sum) {
    if (thread == 0) {
        images_ = &images, sampling_ = &sampling, step_ = step, job_ = &job;
        want_gradient_ = wanted == Wanted::kGradient;
    }
    barrier.wait();
    ThreadState &state = *threads_[size_t(thread)];
    prepare_weights(thread, team);
    barrier.wait();
    const auto my_lanes = [&](auto body) {
        for (int lane = thread; lane < plan_->n_lanes; lane += team)
            for (int s = plan_->lane_begin(lane); s < plan_->lane_begin(lane + 1); s++) body(lane, s);
    };
    for (int seg = 0; seg < int(net_.forward.size()); seg++) {
        my_lanes([&](int, int s) { forward_slice(state, seg, s); });
        barrier.wait();
        if (thread == 0) {
            finish_forward(seg);
            if (seg + 1 < int(net_.forward.size())) apply_scales(seg + 1);
        }
        barrier.wait();
    }
    if (thread == 0) {
        double loss = 0;
        int errors = 0;
        for (int s = 0; s < plan_->n_slices; s++) loss += losses_[size_t(s)], errors += errors_[size_t(s)];
        job.loss = loss / plan_->batch;
        job.error = double(errors) / plan_->batch;
        const auto each_norm = [&](auto body) { // body(point's mean, point's variance, batch mean, unbiased variance)
            for (int k = 0; k < int(net_.ops.size()); k++) {
                const Op &op = net_.op(k);
                if (op.kind != OpKind::kBatchNorm) continue;
                const ValuePlan &v = net_.values[size_t(op.src)];
                const size_t first = size_t(net_.statistics_offset[size_t(v.storage)] + v.channel);
                const double m = double(plan_->batch) * double(net_.storages[size_t(v.storage)].rows());
                const int64_t n_params = net_.network.n_params;
                const int64_t mean = net_.network.tensors[size_t(op.mean)].offset - n_params;
                const int64_t variance = net_.network.tensors[size_t(op.variance)].offset - n_params;
                for (int c = 0; c < net_.value(op.src).channels; c++)
                    body(mean + c, variance + c, double(mean_[first + size_t(c)]),
                         variance_[first + size_t(c)] * (m > 1 ? m / (m - 1) : 1.0));
            }
        };
        if (wanted == Wanted::kStatistics)
            each_norm([&](int64_t mean, int64_t variance, double batch_mean, double batch_variance) {
                statistics_sum[mean] += batch_mean;
                statistics_sum[variance] += batch_variance;
            });
        else if (job.update_statistics && job.statistics)
            each_norm([&](int64_t mean, int64_t variance, double batch_mean, double batch_variance) {
                job.statistics[mean] = float((1 - kMomentum) * job.statistics[mean] + kMomentum * batch_mean);
                job.statistics[variance] =
                    float((1 - kMomentum) * job.statistics[variance] + kMomentum * batch_variance);
            });
    }
    if (want_gradient_) {
        for (int seg = 0; seg < int(net_.backward.size()); seg++) {
            my_lanes([&](int lane, int s) { backward_slice(state, seg, lane, s); });
            barrier.wait();
            if (thread == 0) finish_backward(seg);
            barrier.wait();
        }
        finish_gradient(thread, team);
    }
    barrier.wait();
}

} // namespace ist::cpu
