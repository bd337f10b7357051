// inference_pass.cpp - see inference_pass.h.
#include "inference_pass.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "../first_fit.h"
#include "matrix_product.h"

namespace ist::cpu {
namespace {

constexpr double kEps = 1e-5;

bool folds(const NetworkPlan &network, int k) {
    const Op &op = network.op(k);
    if (op.kind != OpKind::kBatchNorm) return false;
    if (op.activation != Activation::kNone && op.activation != Activation::kRelu) return false;
    const ValuePlan &src = network.values[size_t(op.src)];
    const auto dense = [&](int value) { return network.storage_of(value).channels == network.value(value).channels; };
    return src.producer >= 0 && network.op(src.producer).kind == OpKind::kConv && src.consumers.size() == 1 &&
           dense(op.src) && dense(op.dst) && (op.residual < 0 || dense(op.residual));
}

} // namespace

InferencePlan::InferencePlan(const NetworkPlan &network, const KernelChoice &kernels, const dnnl::engine &engine,
                             int images)
    : network(network), kernels(kernels), engine(engine), images(images), convs(network.ops.size()),
      offsets(network.storages.size()) {
    std::vector<int> folded_by(network.ops.size(), -1);
    for (int k = 0; k < int(network.ops.size()); k++)
        if (folds(network, k)) folded_by[size_t(network.values[size_t(network.op(k).src)].producer)] = k;
    for (int k = 0; k < int(network.ops.size()); k++) {
        const Op &op = network.op(k);
        if (network.ops[size_t(k)].aliased || folded_by[size_t(k)] >= 0) continue;
        if (folds(network, k)) steps.push_back({k, network.values[size_t(op.src)].producer, -1, op.dst});
        else steps.push_back({k, op.kind == OpKind::kConv ? k : -1, -1, op.dst});
    }

    const auto element = [&](const Storage &s) { return s.wide ? sizeof(float) : kernels.storage->element_size; };
    for (const Step &step : steps) {
        const Op &op = network.op(step.op);
        if (op.kind == OpKind::kLinear)
            float_elements = std::max(float_elements, size_t(images) * size_t(network.value(op.src).elements()));
        if (step.conv < 0) continue;
        const Op &conv = network.op(step.conv);
        const Value &in = network.value(conv.src), &out = network.value(conv.dst);
        const ConvShape shape{images,      in.height,   in.width,     in.channels, out.channels,
                              conv.kernel, conv.stride, conv.padding, kernels.bf16};
        const bool folded = step.op != step.conv;
        ConvUse use;
        use.pass = ConvUse::Pass::kInference;
        use.relu = folded && op.activation == Activation::kRelu;
        use.residual = folded && op.residual >= 0;
        use.images = {images};
        convs[size_t(step.conv)] =
            std::make_shared<Convolution>(engine, *kernels.storage, kernels.convolutions, shape, use);
        conv_scratch_bytes = std::max(conv_scratch_bytes, convs[size_t(step.conv)]->scratch_bytes);
    }
    absorb_norms();

    // Storages share the arena where their lives (in steps) do not overlap.
    std::vector<LivingBlock> blocks(network.storages.size());
    for (size_t s = 0; s < blocks.size(); s++)
        blocks[s].bytes = size_t(network.storages[s].elements()) * size_t(images) * element(network.storages[s]);
    blocks[size_t(network.values[0].storage)].use(0);
    for (int i = 0; i < int(steps.size()); i++) {
        const Op &op = network.op(steps[size_t(i)].op);
        const int from = source(steps[size_t(i)]);
        for (int value : {from, op.residual, steps[size_t(i)].dst})
            if (value >= 0) blocks[size_t(network.values[size_t(value)].storage)].use(i);
    }
    arena_bytes = place_blocks(blocks, 64);
    for (size_t s = 0; s < blocks.size(); s++) offsets[s] = blocks[s].offset;
}

// Leaves the batch norms that a convolution can apply as it reads to it.
void InferencePlan::absorb_norms() {
    for (Step &step : steps)
        if (step.conv >= 0 && convs[size_t(step.conv)]->takes_prologue()) {
            const int norm = network.absorbable_norm(step.conv);
            if (norm >= 0 && !folds(network, norm)) step.prologue = norm;
        }
    steps.erase(std::remove_if(steps.begin(), steps.end(),
                               [&](const Step &norm) {
                                   return norm.conv < 0 && std::any_of(
                                                               steps.begin(), steps.end(),
                                                               [&](const Step &s) { return s.prologue == norm.op; });
                               }),
                steps.end());
}

int InferencePlan::source(const Step &step) const {
    if (step.prologue >= 0) return network.op(step.prologue).src;
    return network.op(step.conv >= 0 ? step.conv : step.op).src;
}

InferenceTeam::InferenceTeam(std::shared_ptr<const InferencePlan> plan)
    : plan_(std::move(plan)), net_(plan_->network), weights_(net_.ops.size()), bias_(net_.ops.size()),
      scale_(net_.ops.size()), shift_(net_.ops.size()) {
    for (size_t k = 0; k < net_.ops.size(); k++)
        if (plan_->convs[k]) {
            weights_[k] = Buffer(plan_->convs[k]->forward_bytes);
            bias_[k].resize(size_t(net_.value(net_.op(int(k)).dst).channels));
        }
}

void InferenceTeam::reserve(int team, int64_t n_images) {
    while (int(threads_.size()) < team) {
        auto state = std::make_unique<ThreadState>();
        state->arena = Buffer(plan_->arena_bytes);
        state->conv_scratch = Buffer(plan_->conv_scratch_bytes);
        state->floats = Buffer(plan_->float_elements * sizeof(float));
        for (const auto &conv : plan_->convs)
            state->convs.push_back(conv ? std::make_unique<ConvolutionRunner>(conv) : nullptr);
        state->row.resize(size_t(net_.value(0).elements()));
        state->labels.resize(size_t(plan_->images));
        threads_.push_back(std::move(state));
    }
    const size_t slices = size_t((n_images + plan_->images - 1) / plan_->images);
    losses_.resize(slices);
    errors_.resize(slices);
}

// Scale and shift of a batch norm with running statistics, in double.
void InferenceTeam::scales(const Op &norm, std::vector<double> &scale, std::vector<double> &shift) const {
    const size_t channels = size_t(net_.value(norm.dst).channels);
    scale.resize(channels), shift.resize(channels);
    for (size_t c = 0; c < channels; c++) {
        scale[c] = param(norm.weight)[c] / std::sqrt(double(statistic(norm.variance)[c]) + kEps);
        shift[c] = param(norm.bias)[c] - statistic(norm.mean)[c] * scale[c];
    }
}

// Weights and bias with the batch norm's scale and shift multiplied in, in float from double; the scales of batch norms
// that are not folded.
void InferenceTeam::fold(int thread, int team) {
    ThreadState &state = *threads_[size_t(thread)];
    std::vector<float> folded;
    std::vector<double> scale, shift;
    for (size_t i = size_t(thread); i < plan_->steps.size(); i += size_t(team)) {
        const InferencePlan::Step &step = plan_->steps[i];
        const Op &op = net_.op(step.op);
        const int norm = op.kind == OpKind::kBatchNorm && step.conv < 0 ? step.op : step.prologue;
        if (norm >= 0) {
            scales(net_.op(norm), scale, shift);
            scale_[size_t(norm)].assign(scale.begin(), scale.end());
            shift_[size_t(norm)].assign(shift.begin(), shift.end());
        }
        if (step.conv < 0) continue;
        const Op &conv = net_.op(step.conv);
        const bool has_norm = op.kind == OpKind::kBatchNorm;
        if (has_norm) scales(op, scale, shift);
        const int64_t channels = net_.value(conv.dst).channels;
        const int64_t per_channel = net_.network.tensors[size_t(conv.weight)].size() / channels;
        const float *w = param(conv.weight);
        folded.resize(size_t(channels * per_channel));
        for (int64_t c = 0; c < channels; c++) {
            const double s = has_norm ? scale[size_t(c)] : 1.0;
            for (int64_t j = 0; j < per_channel; j++)
                folded[size_t(c * per_channel + j)] = float(s * double(w[c * per_channel + j]));
            const double b = conv.bias >= 0 ? double(param(conv.bias)[c]) : 0.0;
            bias_[size_t(step.conv)][size_t(c)] = float(s * b + (has_norm ? shift[size_t(c)] : 0.0));
        }
        state.convs[size_t(step.conv)]->pack_forward(folded.data(), weights_[size_t(step.conv)].data());
    }
}

SliceOf InferenceTeam::view(const ThreadState &state, int value) const {
    const ValuePlan &v = net_.values[size_t(value)];
    const Storage &s = net_.storages[size_t(v.storage)];
    SliceOf out;
    out.kernels = s.wide ? plan_->kernels.wide : plan_->kernels.storage;
    out.height = s.height, out.width = s.width, out.channels = net_.value(value).channels;
    out.slice.pitch = s.channels;
    out.slice.data =
        state.arena.bytes_at(plan_->offsets[size_t(v.storage)] + size_t(v.channel) * out.kernels->element_size);
    return out;
}

void InferenceTeam::slice(ThreadState &state, int64_t first, float *log_probabilities) {
    const int n = plan_->images, real = int(std::min<int64_t>(n, images_->n_images - first));
    const SliceOf input = view(state, 0);
    for (int i = 0; i < real; i++) {
        images_->assemble(Sample{first + i, 0, 0, false}, state.row.data());
        state.labels[size_t(i)] = images_->label(first + i);
        input.kernels->from_float(input.at(i * input.rows_per_image(), 0), state.row.data(), int64_t(state.row.size()));
    }
    for (const InferencePlan::Step &step : plan_->steps) {
        const Op &op = net_.op(step.op);
        const SliceOf src = view(state, plan_->source(step));
        if (op.kind == OpKind::kSoftmaxLoss) {
            double loss = 0;
            int errors = 0;
            softmax_loss(real, src.channels, static_cast<const float *>(src.slice.data), state.labels.data(), 1.f,
                         &loss, &errors, nullptr,
                         log_probabilities ? log_probabilities + first * src.channels : nullptr);
            losses_[size_t(first / n)] = loss;
            errors_[size_t(first / n)] = errors;
            return;
        }
        const SliceOf dst = view(state, step.dst);
        const SliceOf residual = op.residual >= 0 ? view(state, op.residual) : SliceOf{};
        const int64_t rows = n * dst.rows_per_image();
        if (step.conv >= 0) {
            const ConvEpilogue epilogue{bias_[size_t(step.conv)].data(), residual.slice,
                                        step.op != step.conv && op.activation == Activation::kRelu};
            ConvPrologue prologue;
            if (step.prologue >= 0)
                prologue = {scale_[size_t(step.prologue)].data(), shift_[size_t(step.prologue)].data(),
                            net_.op(step.prologue).activation == Activation::kRelu};
            state.convs[size_t(step.conv)]->forward(n, src.slice, prologue, weights_[size_t(step.conv)].data(),
                                                    epilogue, dst.slice, state.conv_scratch.data());
        } else if (op.kind == OpKind::kBatchNorm) {
            dst.kernels->affine(dst.slice, src.slice, residual.slice, rows, dst.channels,
                                scale_[size_t(step.op)].data(), shift_[size_t(step.op)].data(), op.activation);
        } else if (op.kind == OpKind::kLinear) {
            const float *x = static_cast<const float *>(src.slice.data);
            if (!net_.storage_of(op.src).wide || src.rows_per_image() != 1) {
                flatten(n, src, state.floats.as<float>());
                x = state.floats.as<float>();
            }
            const int64_t in = net_.value(op.src).elements(), out = dst.channels;
            float *y = static_cast<float *>(dst.slice.data);
            if (op.bias >= 0)
                for (int i = 0; i < n; i++) std::memcpy(y + i * out, param(op.bias), size_t(out) * sizeof(float));
            matrix_product('N', 'T', n, out, in, x, in, param(op.weight), in, op.bias >= 0 ? 1.f : 0.f, y, out);
        } else {
            forward_slice_op(op, n, src, residual, dst);
        }
    }
}

void InferenceTeam::run(int thread, int team, Barrier &barrier, const CpuImages &images, PointJob &job,
                        float *log_probabilities) {
    if (thread == 0) {
        images_ = &images, job_ = &job;
        next_.store(0);
    }
    barrier.wait();
    fold(thread, team);
    barrier.wait();
    ThreadState &state = *threads_[size_t(thread)];
    const int64_t per_slice = plan_->images, n_slices = (images.n_images + per_slice - 1) / per_slice;
    for (int64_t s; (s = next_.fetch_add(1)) < n_slices;) slice(state, s * per_slice, log_probabilities);
    barrier.wait();
    if (thread == 0) {
        double loss = 0;
        int64_t errors = 0;
        for (int64_t s = 0; s < n_slices; s++) loss += losses_[size_t(s)], errors += errors_[size_t(s)];
        // oneDNN's ReLU turns NaN into 0: a point that is not finite has no loss, whatever came out.
        bool finite = true;
        for (int64_t i = 0; i < net_.network.n_params; i++) finite &= std::isfinite(job.params[i]);
        for (int64_t i = 0; i < net_.network.n_statistics; i++) finite &= std::isfinite(job.statistics[i]);
        job.loss = finite ? loss / double(images.n_images) : NAN;
        job.error = double(errors) / double(images.n_images);
    }
    barrier.wait();
}

} // namespace ist::cpu
