// network_pass.cpp - see network_pass.h.
#include "network_pass.h"

#include <algorithm>
#include <map>

#include "../../../kernels/channel_sums.h"
#include "../../../kernels/elementwise.h"
#include "../../../kernels/elementwise_backward.h"
#include "../../../kernels/linear.h"
#include "../../../kernels/loss_head.h"
#include "../../../kernels/pool.h"
#include "../error.h"
#include "../first_fit.h"
#include "conv_shape.h"

namespace ist::cuda {
namespace {

constexpr size_t kAlignment = 256;

size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

// Pixels begin with a sector of memory, 32 bytes: 10 % fewer sectors and 8 % fewer lines in DenseNet-40 than from 16.
int pitch_of(const Storage &s, Element element) {
    const int unit = 32 / bytes_of(element);
    return (s.channels + unit - 1) / unit * unit;
}

// fp16 ends at 6e-8: gradients of the mean loss of a batch are brought to about those of one image, and a bit more.
float gradient_scale(Element element, int n_images) {
    if (element != Element::kFp16) return 1;
    float scale = 16;
    for (int n = 1; n < n_images; n *= 2) scale *= 2;
    return scale;
}

Element element_of(const Storage &s, Element element) { return s.wide ? Element::kFp32 : element; }

// Elements of one point's storage.
int64_t point_elements(const Storage &s, Element element, int n_images) {
    const Element own = element_of(s, element);
    const int64_t unit = int64_t(kAlignment) / bytes_of(own);
    return (int64_t(n_images) * s.rows() * pitch_of(s, own) + unit - 1) / unit * unit;
}

} // namespace

// --- memory ----------------------------------------------------------------------------------------------------------

// What every buffer takes for one point, and where things are in it.
struct NetworkPass::Layout {
    std::vector<LivingBlock> activations, gradients; // per storage
    size_t activation_bytes = 0, gradient_bytes = 0, packed_bytes = 0;
    std::vector<int64_t> forward_weights, data_weights; // per op
    int64_t work_floats = 0, sum_floats = 0;

    Layout(const StepPlan &plan, const std::vector<ForwardStep> &forward, Element element, Mode mode, int n_images);
};

namespace {

ConvShape conv_shape(const StepPlan &plan, int k) { return ist::cuda::conv_shape(plan.network, plan.op(k)); }

// A tensor without memory: what functions of shapes want.
Tensor shape_of(const StepPlan &plan, int value, Element element) {
    const Value &v = plan.value(value);
    const Storage &s = plan.storage_of(value);
    Tensor t;
    t.element = element_of(s, element);
    t.height = v.height, t.width = v.width, t.channels = v.channels;
    t.pitch = pitch_of(s, t.element);
    return t;
}

} // namespace

NetworkPass::Layout::Layout(const StepPlan &plan, const std::vector<ForwardStep> &forward, Element element, Mode mode,
                            int n_images)
    : activations(plan.storages.size()), gradients(plan.storages.size()), forward_weights(plan.network.ops.size(), -1),
      data_weights(plan.network.ops.size(), -1) {
    const bool training = mode == Mode::kTraining;
    const auto storage = [&](int value) { return size_t(plan.values[size_t(value)].storage); };
    for (size_t s = 0; s < plan.storages.size(); s++)
        activations[s].bytes = gradients[s].bytes = size_t(point_elements(plan.storages[s], element, n_images)) *
                                                    size_t(bytes_of(element_of(plan.storages[s], element)));

    // Activations of a training pass stay until the backward pass is done.
    const auto hold = [&](int value, int step) {
        if (value < 0 || (value == 0 && plan.reads_images)) return;
        activations[storage(value)].use(step);
        if (training) activations[storage(value)].last = int(forward.size());
    };
    hold(0, 0);
    for (int i = 0; i < int(forward.size()); i++) {
        const ForwardStep &step = forward[size_t(i)];
        const Op &op = plan.op(step.op);
        for (int value : {step.from.x, step.from.residual, step.kept, step.folded.residual, step.dst}) hold(value, i);
        if (step.from.x < 0)
            for (int value : {op.src, op.residual}) hold(value, i);
        if (step.linear >= 0 && training) hold(plan.op(step.linear).src, i);
    }
    activation_bytes = place_blocks(activations, kAlignment);

    for (size_t k = 0; k < plan.network.ops.size(); k++) {
        if (plan.op(int(k)).kind != OpKind::kConv) continue;
        forward_weights[k] = int64_t(packed_bytes);
        packed_bytes += round_up(ist::cuda::packed_bytes(conv_shape(plan, int(k)), element, false), kAlignment);
        if (!training || !plan.values[size_t(plan.op(int(k)).src)].needs_gradient) continue;
        data_weights[k] = int64_t(packed_bytes);
        packed_bytes += round_up(ist::cuda::packed_bytes(conv_shape(plan, int(k)), element, true), kAlignment);
    }
    if (!training) return;

    const auto need = [&](int64_t floats) { work_floats = std::max(work_floats, floats); };
    for (const ForwardStep &step : forward) {
        const Op &op = plan.op(step.op);
        if (op.dst < 0 || !plan.values[size_t(op.dst)].normalised) continue;
        int parts = tensor_statistics_parts(shape_of(plan, op.dst, element), n_images);
        if (op.kind == OpKind::kConv) // by the own kernel or by a library
            parts = std::max(parts, conv_forward_parts(conv_shape(plan, step.op), element, n_images));
        need(int64_t(parts) * 3 * plan.value(op.dst).channels);
    }
    for (int i = 0; i < int(plan.backward.size()); i++) {
        const BackwardStep &step = plan.backward[size_t(i)];
        for (int value : {step.dst.value, step.src_value, step.residual_value, step.added.value})
            if (value >= 0) gradients[storage(value)].use(i);
        if (step.op < 0) continue;
        const Op &op = plan.op(step.op);
        if (op.kind == OpKind::kSoftmaxLoss) gradients[storage(op.src)].use(i);
        if (step.linear >= 0) need(int64_t(loss_parts(n_images)) * 2 * plan.value(step.src_value).channels);
        if (op.kind == OpKind::kConv) {
            const ConvShape shape = conv_shape(plan, step.op);
            need(conv_weights_partial_floats(shape, element, n_images));
            need(int64_t(conv_backward_data_parts(shape, element, n_images)) * 2 * shape.in_channels);
            if (conv_backward_fits(shape)) {
                need(conv_backward_partial_floats(shape, element, n_images));
                const int64_t sums = int64_t(conv_backward_parts(shape, element, n_images)) * 2 * shape.in_channels;
                sum_floats = std::max(sum_floats, sums);
            }
            need(int64_t(elementwise_backward_parts(shape_of(plan, op.src, element), n_images)) * 2 *
                 shape.in_channels);
            const Tensor dst = shape_of(plan, op.dst, element);
            if (op.bias >= 0) need(int64_t(channel_sums_parts(dst, n_images)) * dst.channels);
        }
        if (op.kind == OpKind::kLinear)
            need(linear_workspace(shape_of(plan, op.src, element), plan.value(op.dst).channels, n_images));
        if (step.norm >= 0 && op.kind != OpKind::kConv && op.kind != OpKind::kSoftmaxLoss) {
            const Tensor x = shape_of(plan, step.norm_from.x, element);
            const int64_t sums = int64_t(elementwise_backward_parts(x, n_images)) * 2 * x.channels;
            need(sums);
            if (step.norm_from.residual_norm >= 0) sum_floats = std::max(sum_floats, sums);
        }
    }
    gradient_bytes = place_blocks(gradients, kAlignment);
}

NetworkPass::NetworkPass(Device &device, const StepPlan &plan, Element element, Mode mode, int n_images,
                         int most_points, ConvolutionLibrary *library)
    : device_(device), plan_(plan), element_(element), mode_(mode),
      forward_(mode == Mode::kInference && !library ? plan.inference : plan.forward), n_images_(n_images),
      most_points_(most_points), gradient_scale_(gradient_scale(element, n_images)) {
    const Layout layout(plan, forward_, element, mode, n_images);
    const size_t points = size_t(most_points);
    activations_ = DeviceBuffer(device, layout.activation_bytes * points);
    gradients_ = DeviceBuffer(device, layout.gradient_bytes * points);
    weights_ = DeviceBuffer(device, layout.packed_bytes * points);
    floats_ = DeviceBuffer(device, points * size_t(5 * plan.n_statistics + 2 * plan.n_norm_channels) * sizeof(float));
    sums_ = DeviceBuffer(device, points * 2 * size_t(plan.n_statistics) * sizeof(double));
    work_ = DeviceBuffer(device, points * size_t(layout.work_floats) * sizeof(float));
    second_sums_ = DeviceBuffer(device, points * size_t(layout.sum_floats) * sizeof(float));
    samples_ = DeviceBuffer(device, points * size_t(n_images) * sizeof(DrawnSample));
    loss_parts_ = DeviceBuffer(device, points * size_t(loss_parts(n_images)) * sizeof(LossPart));
    packed_bytes_ = int64_t(layout.packed_bytes);
    forward_weights_ = layout.forward_weights, data_weights_ = layout.data_weights;
    for (const LivingBlock &b : layout.activations) activation_at_.push_back(b.offset * points);
    for (const LivingBlock &b : layout.gradients) gradient_at_.push_back(b.offset * points);

    std::map<int, ConvShape> dense;
    std::vector<PackJob> jobs;
    std::vector<RunningNorm> norms;
    std::map<int, Norm> folded;
    for (const ForwardStep &step : forward_)
        if (step.folded.norm >= 0) folded[step.op] = norm(step.folded.norm);
    for (int k = 0; k < int(plan.network.ops.size()); k++) {
        const Op &op = plan.op(k);
        if (op.kind == OpKind::kConv) {
            const ConvShape shape = conv_shape(plan, k);
            if (op.bias < 0) dense[k] = shape;
            jobs.push_back({offset(op.weight), shape.filters, shape.in_channels, shape.taps(),
                            forward_weights_[size_t(k)], data_weights_[size_t(k)], folded[k]});
        }
        if (op.kind == OpKind::kBatchNorm) {
            const int64_t n_params = plan.network.n_params;
            norms.push_back({plan.value(op.dst).channels, offset(op.mean) - n_params, offset(op.variance) - n_params,
                             plan.statistics_of(op.src), plan.norm_channel[size_t(k)],
                             int64_t(n_images) * plan.value(op.src).height * plan.value(op.src).width});
            norm_table_.max_channels = std::max(norm_table_.max_channels, norms.back().channels);
        }
    }
    pack_jobs_ = DeviceBuffer(device, jobs.size() * sizeof(PackJob));
    norms_ = DeviceBuffer(device, norms.size() * sizeof(RunningNorm));
    if (!jobs.empty()) device.upload(pack_jobs_.data(), jobs.data(), pack_jobs_.bytes());
    if (!norms.empty()) device.upload(norms_.data(), norms.data(), norms_.bytes());
    n_pack_jobs_ = int(jobs.size());
    norm_table_.norms = norms_.as<RunningNorm>(), norm_table_.n_norms = int(norms.size());
    if (library && !dense.empty())
        dense_ = std::make_unique<DensePath>(device, *library, dense, element, n_images, most_points);
}

// --- views of the memory ---------------------------------------------------------------------------------------------

Tensor NetworkPass::view(int value, const DeviceBuffer &buffer, const std::vector<size_t> &offsets) const {
    const ValuePlan &v = plan_.values[size_t(value)];
    Tensor t = shape_of(plan_, value, element_);
    t.point_stride = point_elements(plan_.storage_of(value), element_, n_images_);
    t.data = buffer.as<char>() + offsets[size_t(v.storage)] + size_t(v.channel) * size_t(bytes_of(t.element));
    return t;
}

// In inference all points look at the same images.
Tensor NetworkPass::tensor(int value) const {
    Tensor t = view(value, activations_, activation_at_);
    if (mode_ == Mode::kInference && value == 0) t.point_stride = 0;
    return t;
}

Tensor NetworkPass::gradient_tensor(int value) const { return view(value, gradients_, gradient_at_); }

Vectors NetworkPass::vectors(FloatVector which, int64_t channel) const {
    const int64_t n = plan_.n_statistics, norms = plan_.n_norm_channels;
    const int index = int(which);
    const int64_t stride = index < 5 ? n : norms;
    const int64_t before = index < 5 ? index * n : 5 * n + (index - 5) * norms;
    return {floats_.as<float>() + before * most_points_ + channel, stride};
}

Norm NetworkPass::norm(int k) const {
    const Op &op = plan_.op(k);
    Norm norm;
    norm.applied = true;
    norm.gamma = offset(op.weight), norm.beta = offset(op.bias);
    if (mode_ == Mode::kTraining) {
        norm.mean = vectors(FloatVector::kMean, plan_.statistics_of(op.src));
        norm.invstd = vectors(FloatVector::kInvstd, plan_.statistics_of(op.src));
    } else {
        norm.mean = vectors(FloatVector::kRunningMean, plan_.norm_channel[size_t(k)]);
        norm.invstd = vectors(FloatVector::kRunningInvstd, plan_.norm_channel[size_t(k)]);
    }
    return norm;
}

NormSums NetworkPass::norm_sums(int value) const {
    double *sum = sums_.as<double>() + plan_.statistics_of(value);
    return {sum, sum + plan_.n_statistics * most_points_, plan_.n_statistics};
}

Operand NetworkPass::operand(const OperandPlan &from) const {
    Operand o;
    if (from.x >= 0) o.x = tensor(from.x);
    if (from.norm >= 0) o.norm = norm(from.norm);
    if (from.residual >= 0) o.residual = tensor(from.residual);
    if (from.residual_norm >= 0) o.residual_norm = norm(from.residual_norm);
    o.residual_step = from.residual_step, o.residual_first = from.residual_first;
    o.activation = from.activation;
    return o;
}

// The gradient of `value`, the output of an op, which is where the plan says, corrected for the value's statistics.
Gradient NetworkPass::gradient(const GradientPlan &g, int value) const {
    Gradient gradient;
    gradient.g = gradient_tensor(g.value);
    if (value >= 0 && plan_.values[size_t(value)].normalised) {
        gradient.corrected = true;
        gradient.value = tensor(value);
        gradient.slope = vectors(FloatVector::kSlope, plan_.statistics_of(value));
        gradient.offset = vectors(FloatVector::kOffset, plan_.statistics_of(value));
    }
    return gradient;
}

GradientOut NetworkPass::leave(int value, const GradientUse &use, int n_points) {
    GradientOut out;
    if (!use.wanted) return out;
    out.g = gradient_tensor(value);
    out.add = use.add;
    if (use.zero_before) {
        const int first = plan_.values[size_t(value)].channel;
        for (size_t i = 0; i < use.unwritten.size();) {
            size_t end = i + 1;
            while (end < use.unwritten.size() && use.unwritten[end] == use.unwritten[end - 1] + 1) ++end;
            Tensor range = out.g;
            range.data = static_cast<char *>(range.data) + (use.unwritten[i] - first) * bytes_of(range.element);
            range.channels = int(end - i);
            clear_channels(range, n_images_, n_points, device_.stream());
            i = end;
        }
    }
    return out;
}

// --- training --------------------------------------------------------------------------------------------------------

void NetworkPass::pack(const PointTables &points, int n_points) {
    pack_weights(pack_jobs_.as<PackJob>(), n_pack_jobs_, element_, points.params, packed(0), n_points,
                 device_.stream());
}

PackedWeights NetworkPass::packed(int64_t at) const { return {weights_.as<char>() + at, packed_bytes_}; }

void NetworkPass::train(const CudaImages &images, const ist_sampling &sampling, const int64_t *step,
                        const PointTables &points, int n_points, int n_with_gradient, double *statistics_sums) {
    const Stream stream = device_.stream();
    device_.use();
    pack(points, n_points);
    const Samples samples{samples_.as<DrawnSample>(), n_images_};
    DrawSamplesParams draw;
    draw.sampling = sampling;
    draw.n_images = images.n_images, draw.labels = images.labels();
    draw.streams = points.streams, draw.step = step, draw.samples = samples;
    draw_samples(draw, n_points, stream);
    const DrawnImages batch = read(images, samples, n_points);
    for (const ForwardStep &forward : forward_) forward_step(forward, batch, points, n_points);

    SoftmaxLossParams loss;
    const int logits = op(plan_.forward.back().op).src, n_parts = loss_parts(n_images_);
    loss.samples = samples, loss.parts = loss_parts_.as<LossPart>(), loss.parts_stride = n_parts;
    if (n_with_gradient > 0 && plan_.values[size_t(logits)].needs_gradient) loss.dlogits = gradient_tensor(logits);
    loss.gradient_factor = gradient_scale_ / float(n_images_);
    loss_step(loss, points, n_points);
    finish_loss({loss_parts_.as<LossPart>(), n_parts, n_parts, n_images_, points.loss, points.error}, n_points, stream);

    if (norm_table_.n_norms > 0) {
        const Vectors mean = vectors(FloatVector::kMean, 0), variance = vectors(FloatVector::kVariance, 0);
        if (statistics_sums)
            sum_statistics({norm_table_, mean, variance, statistics_sums, plan_.network.n_statistics}, n_points,
                           stream);
        else
            update_running_statistics({norm_table_, mean, variance, points.statistics, points.updates}, n_points,
                                      stream);
    }
    if (n_with_gradient > 0)
        for (const BackwardStep &backward : plan_.backward) backward_step(backward, batch, points, n_with_gradient);
}

// The batch as convolutions read it; where others do, it is written as value 0 in `n_points` places.
DrawnImages NetworkPass::read(const CudaImages &images, const Samples &samples, int n_points) {
    if (plan_.reads_images) return {images.bytes(), samples};
    augment({images.bytes(), samples, tensor(0), n_images_}, n_points, device_.stream());
    return {};
}

void NetworkPass::forward_step(const ForwardStep &step, const DrawnImages &batch, const PointTables &points,
                               int n_points) {
    const Stream stream = device_.stream();
    const Op &o = op(step.op);
    if (o.kind == OpKind::kSoftmaxLoss) return;
    const bool normalised = mode_ == Mode::kTraining && plan_.values[size_t(step.dst)].normalised;
    switch (o.kind) {
    case OpKind::kConv: {
        ConvForward conv;
        conv.shape = conv_shape(plan_, step.op);
        conv.src = operand(step.from);
        if (step.from.x == 0) conv.images = batch;
        if (step.kept >= 0) conv.kept = tensor(step.kept);
        conv.weights = packed(forward_weights_[size_t(step.op)]);
        if (o.bias >= 0) conv.bias = offset(o.bias);
        conv.dst = tensor(step.dst);
        conv.folded = operand(step.folded);
        conv.params = points.params, conv.n_images = n_images_;
        if (by_library(step.op)) {
            dense_->forward(step.op, conv, offset(o.weight), n_points);
            break;
        }
        const int parts = conv_forward_parts(conv.shape, element_, n_images_);
        if (normalised) conv.statistics = {work_.as<float>(), int64_t(parts) * 3 * conv.shape.filters};
        conv_forward(conv, n_points, stream);
        if (normalised) finish_value(o.dst, parts, n_points);
        return;
    }
    case OpKind::kBatchNorm:
    case OpKind::kAdd:
    case OpKind::kActivation:
        materialise({operand(step.from), points.params, tensor(o.dst), n_images_}, n_points, stream);
        break;
    case OpKind::kConcat: {
        Tensor part = tensor(o.dst);
        for (int value : {o.src, o.residual}) {
            Operand copy;
            copy.x = tensor(value);
            part.channels = copy.x.channels;
            materialise({copy, points.params, part, n_images_}, n_points, stream);
            part.data = static_cast<char *>(part.data) + part.channels * bytes_of(part.element);
        }
        break;
    }
    case OpKind::kPadShortcut: {
        const int first = (plan_.value(o.dst).channels - plan_.value(o.src).channels) / 2;
        pad_shortcut({tensor(o.src), tensor(o.dst), o.stride, first, n_images_}, n_points, stream);
        break;
    }
    case OpKind::kAvgPool:
    case OpKind::kMaxPool:
    case OpKind::kGlobalAvgPool:
        pool({o.kind, o.window, operand(step.from), tensor(o.dst), n_images_, points.params}, n_points, stream);
        break;
    case OpKind::kLinear:
        linear({tensor(o.src), tensor(o.dst), points.params, offset(o.weight), o.bias >= 0 ? offset(o.bias) : -1,
                n_images_},
               n_points, stream);
        break;
    case OpKind::kSoftmaxLoss: break;
    }
    if (!normalised) return;
    const Tensor dst = tensor(o.dst);
    tensor_statistics({dst, n_images_, work_.as<float>()}, n_points, stream);
    finish_value(o.dst, tensor_statistics_parts(dst, n_images_), n_points);
}

// With the gradient of what the loss reads, where loss.dlogits asks for it.
void NetworkPass::loss_step(SoftmaxLossParams loss, const PointTables &points, int n_points) {
    const ForwardStep &step = forward_.back();
    loss.logits = tensor(op(step.op).src), loss.n_images = n_images_;
    if (step.linear < 0) return softmax_loss(loss, n_points, device_.stream());
    const Op &linear = op(step.linear);
    LossHeadParams head;
    head.loss = loss, head.from = operand(step.from), head.params = points.params;
    head.weight = offset(linear.weight), head.bias = linear.bias >= 0 ? offset(linear.bias) : -1;
    if (loss.dlogits.data) {
        const BackwardStep &backward = plan_.backward.front();
        head.pooled = tensor(linear.src);
        if (backward.src.wanted) head.dx = gradient_tensor(backward.src_value); // nothing is there yet
        head.scaled = backward.scaled;
        if (backward.norm >= 0) head.sums = work_.as<float>();
    }
    loss_head(head, n_points, device_.stream());
}

void NetworkPass::finish_value(int value, int n_parts, int n_points) {
    const int64_t channel = plan_.statistics_of(value);
    FinishStatisticsParams finish;
    finish.parts = work_.as<float>(), finish.n_parts = n_parts, finish.channels = plan_.value(value).channels;
    finish.mean = vectors(FloatVector::kMean, channel), finish.invstd = vectors(FloatVector::kInvstd, channel);
    finish.variance = vectors(FloatVector::kVariance, channel);
    finish.sums = norm_sums(value);
    finish_statistics(finish, n_points, device_.stream());
}

// --- backward --------------------------------------------------------------------------------------------------------

void NetworkPass::finish_norm(int k, const float *parts, int n_parts, const PointTables &points, int n_points) {
    const Op &o = op(k);
    const int64_t channel = plan_.statistics_of(o.src);
    const Value &x = plan_.value(o.src);
    FinishNormBackwardParams finish;
    finish.parts = parts, finish.n_parts = n_parts, finish.channels = x.channels;
    finish.count = int64_t(n_images_) * x.height * x.width;
    finish.params = points.params, finish.gradient = points.gradient;
    finish.gamma = offset(o.weight), finish.beta = offset(o.bias), finish.unscale = 1 / gradient_scale_;
    finish.mean = vectors(FloatVector::kMean, channel), finish.invstd = vectors(FloatVector::kInvstd, channel);
    finish.sums = norm_sums(o.src);
    finish.slope = vectors(FloatVector::kSlope, channel), finish.offset = vectors(FloatVector::kOffset, channel);
    finish_norm_backward(finish, n_points, device_.stream());
}

void NetworkPass::backward_step(const BackwardStep &step, const DrawnImages &batch, const PointTables &points,
                                int n_points) {
    const Stream stream = device_.stream();
    if (step.op < 0) {
        const GradientOut to = leave(step.src_value, step.src, n_points);
        if (step.dst.value < 0) {
            if (!to.add) clear_channels(to.g, n_images_, n_points, stream);
            return;
        }
        const Gradient from = gradient(step.dst, -1);
        if (step.dst.step == 1 && step.dst.first == 0) pass_gradient({from, to, n_images_}, n_points, stream);
        else pad_shortcut_backward({from, to, step.dst.step, step.dst.first, n_images_}, n_points, stream);
        return;
    }
    const Op &o = op(step.op);
    if (o.kind == OpKind::kConv) return backward_conv(step, batch, points, n_points);
    if (o.kind == OpKind::kSoftmaxLoss) { // the forward pass left its gradient
        if (step.linear < 0) return;
        const Op &linear = op(step.linear);
        loss_head_weights({tensor(linear.src), gradient_tensor(linear.dst), points.gradient, offset(linear.weight),
                           linear.bias >= 0 ? offset(linear.bias) : -1, 1 / gradient_scale_, n_images_},
                          n_points, stream);
        if (step.norm >= 0) finish_norm(step.norm, work_.as<float>(), loss_parts(n_images_), points, n_points);
        return;
    }
    const Gradient dst = gradient(step.dst, o.dst);
    const GradientOut src = leave(step.src_value, step.src, n_points);
    const GradientOut residual = leave(step.residual_value, step.residual, n_points);
    switch (o.kind) {
    case OpKind::kAvgPool:
    case OpKind::kMaxPool:
    case OpKind::kGlobalAvgPool:
        if (step.norm < 0) {
            if (src.g.data) pool_backward({o.kind, o.window, tensor(o.src), dst, src, n_images_}, n_points, stream);
            return;
        }
        [[fallthrough]];
    case OpKind::kBatchNorm:
    case OpKind::kAdd:
    case OpKind::kActivation: {
        ElementwiseBackwardParams backward;
        const bool norm = step.norm >= 0;
        backward.from = operand(norm ? step.norm_from : step.from);
        backward.params = points.params;
        backward.window = o.window; // 0: no pooling
        if (o.window == 0 && plan_.stored[size_t(o.dst)]) backward.y = tensor(o.dst);
        backward.dst = dst, backward.x = src, backward.residual = residual;
        backward.x_unscaled = norm && !step.scaled;
        if (norm) backward.sums = work_.as<float>();
        if (norm && step.norm_from.residual_norm >= 0) backward.residual_sums = second_sums_.as<float>();
        backward.n_images = n_images_;
        elementwise_backward(backward, n_points, stream);
        const int parts = elementwise_backward_parts(backward.from.x, n_images_);
        if (norm) finish_norm(step.norm, backward.sums, parts, points, n_points);
        if (backward.residual_sums)
            finish_norm(step.norm_from.residual_norm, backward.residual_sums, parts, points, n_points);
        return;
    }
    case OpKind::kConcat: {
        Gradient part = dst;
        for (const GradientOut *out : {&src, &residual}) {
            const int channels = plan_.value(out == &src ? o.src : o.residual).channels;
            part.g.channels = part.value.channels = channels;
            if (out->g.data) pass_gradient({part, *out, n_images_}, n_points, stream);
            part.g.data = static_cast<char *>(part.g.data) + channels * bytes_of(part.g.element);
            if (!part.corrected) continue;
            part.value.data = static_cast<char *>(part.value.data) + channels * bytes_of(part.value.element);
            part.slope.data += channels, part.offset.data += channels;
        }
        return;
    }
    case OpKind::kPadShortcut: {
        const int first = (plan_.value(o.dst).channels - plan_.value(o.src).channels) / 2;
        if (src.g.data) pad_shortcut_backward({dst, src, o.stride, first, n_images_}, n_points, stream);
        return;
    }
    case OpKind::kLinear: {
        LinearBackwardParams backward;
        backward.x = tensor(o.src), backward.y = dst, backward.dx = src;
        backward.params = points.params, backward.gradient = points.gradient;
        backward.weight = offset(o.weight), backward.bias = o.bias >= 0 ? offset(o.bias) : -1;
        backward.unscale = 1 / gradient_scale_;
        backward.workspace = work_.as<float>(), backward.n_images = n_images_;
        linear_backward(backward, n_points, stream);
        return;
    }
    default: return;
    }
}

void NetworkPass::backward_conv(const BackwardStep &step, const DrawnImages &batch, const PointTables &points,
                                int n_points) {
    const Stream stream = device_.stream();
    const Op &o = op(step.op);
    const ConvShape shape = conv_shape(plan_, step.op);
    OutputGradient dz;
    dz.dz = gradient(step.dst, o.dst);
    if (step.dst.scaled >= 0) dz.scaled_by = norm(step.dst.scaled);

    if (o.bias >= 0) {
        ChannelSumsParams bias;
        bias.from = dz.dz, bias.n_images = n_images_, bias.parts = work_.as<float>();
        bias.gradient = points.gradient, bias.bias = offset(o.bias), bias.unscale = 1 / gradient_scale_;
        channel_sums(bias, n_points, stream);
    }
    ConvBackwardWeights weights;
    weights.shape = shape, weights.dz = dz, weights.src = operand(step.from);
    if (step.from.x == 0) weights.images = batch;
    weights.partial = work_.as<float>();
    weights.gradient = points.gradient, weights.weight = offset(o.weight), weights.unscale = 1 / gradient_scale_;
    weights.params = points.params, weights.n_images = n_images_;
    if (!step.src.wanted) {
        if (by_library(step.op)) dense_->backward_weights(step.op, weights, n_points);
        else conv_backward_weights(weights, n_points, stream);
        return;
    }

    ConvBackwardData data;
    data.shape = shape, data.dz = dz;
    data.weights = packed(data_weights_[size_t(step.op)]);
    data.params = points.params, data.n_images = n_images_;
    InputGradient &input = data.input;
    const bool library = by_library(step.op),
               together = !library && gradients_together(device_, shape, element_, n_images_);
    const int parts = library    ? elementwise_backward_parts(dense_->input_of(step.op), n_images_)
                      : together ? conv_backward_parts(shape, element_, n_images_)
                                 : conv_backward_data_parts(shape, element_, n_images_);
    float *sums = together ? second_sums_.as<float>() : work_.as<float>();
    if (step.added.value >= 0) {
        input.added = gradient_tensor(step.added.value);
        input.added_step = step.added.step, input.added_first = step.added.first;
    }
    if (step.norm >= 0) {
        const bool relu = op(step.norm).activation == Activation::kRelu;
        if (relu && step.mask >= 0) input.mask = tensor(step.mask);
        input.mask_is_x = relu && step.mask < 0;
        input.x = tensor(step.norm_from.x), input.norm = norm(step.norm);
        input.sums = {sums, int64_t(parts) * 2 * shape.in_channels};
        input.scaled = step.scaled;
    }
    input.dst = leave(step.src_value, step.src, n_points);
    if (library) {
        dense_->backward_weights(step.op, weights, n_points);
        dense_->backward_data(step.op, data, offset(o.weight), n_points);
    } else if (together) {
        conv_backward(weights, data, n_points, stream);
    } else {
        conv_backward_weights(weights, n_points, stream);
        conv_backward_data(data, n_points, stream);
    }
    if (step.norm >= 0) finish_norm(step.norm, sums, parts, points, n_points);
}

// --- inference -------------------------------------------------------------------------------------------------------

void NetworkPass::prepare_inference(const PointTables &points, int n_points) {
    device_.use();
    if (norm_table_.n_norms > 0)
        running_norms({norm_table_, points.statistics, vectors(FloatVector::kRunningMean, 0),
                       vectors(FloatVector::kRunningInvstd, 0)},
                      n_points, device_.stream());
    pack(points, n_points); // with what has just been written
}

void NetworkPass::infer(const CudaImages &images, int64_t first, const PointTables &points, int n_points,
                        const InferenceOut &out) {
    const Stream stream = device_.stream();
    device_.use();
    const Samples samples{samples_.as<DrawnSample>(), 0};
    ListSamplesParams list;
    list.n_images = images.n_images, list.labels = images.labels(), list.first = first;
    list.n_slots = n_images_, list.samples = samples;
    list_samples(list, 1, stream);
    const DrawnImages batch = read(images, samples, 1);
    for (const ForwardStep &forward : forward_) forward_step(forward, batch, points, n_points);
    SoftmaxLossParams loss;
    loss.samples = samples;
    loss.parts = out.parts, loss.parts_stride = out.parts_stride, loss.first_part = first / kLossPartImages;
    loss.log_probabilities = out.log_probabilities, loss.log_probabilities_stride = out.log_probabilities_stride;
    loss_step(loss, points, n_points);
}

} // namespace ist::cuda
