// step_plan.cpp - see step_plan.h.
#include "step_plan.h"

#include <algorithm>

#include "../../../kernels/convolution.h"
#include "../../../kernels/loss_head.h"

namespace ist::cuda {
namespace {

bool none_or_relu(Activation a) { return a == Activation::kNone || a == Activation::kRelu; }
bool is_pool(OpKind k) { return k == OpKind::kAvgPool || k == OpKind::kMaxPool || k == OpKind::kGlobalAvgPool; }

class Planner {
  public:
    explicit Planner(StepPlan &plan)
        : plan_(plan), stored_(plan.values.size(), 0), operands_(plan.values.size()),
          absorbed_(plan.network.ops.size(), 0), folded_(plan.network.ops.size(), -1), ranges_(plan),
          gradients_(plan.values.size()) {}

    void run() {
        plan_.reads_images = !readers(0).empty() && std::all_of(readers(0).begin(), readers(0).end(), [&](int k) {
            const Op &op = plan_.op(k);
            return op.kind == OpKind::kConv && conv_reads_images(op.kernel, op.stride);
        });
        forward(plan_.forward);
        plan_.stored = stored_;
        backward();
    }

    void run_inference() {
        for (int k = 0; k < int(plan_.network.ops.size()); k++)
            if (folds(k)) folded_[size_t(plan_.values[size_t(plan_.op(k).src)].producer)] = k;
        forward(plan_.inference);
    }

  private:
    void forward(std::vector<ForwardStep> &steps) {
        stored(0);
        find_head();
        for (int k = 0; k < int(plan_.network.ops.size()); k++) forward(k, steps);
    }

    void backward() {
        for (int k = int(plan_.network.ops.size()) - 1; k >= 0; k--) {
            const int dst = plan_.op(k).dst;
            if (!plan_.aliased[size_t(k)] && !absorbed_[size_t(k)] &&
                (dst < 0 || plan_.values[size_t(dst)].needs_gradient))
                backward(k);
        }
    }

    void stored(int value) {
        stored_[size_t(value)] = 1;
        operands_[size_t(value)] = {};
        operands_[size_t(value)].x = value;
    }
    const std::vector<int> &readers(int value) const { return plan_.values[size_t(value)].consumers; }
    OperandPlan &operand(int value) { return operands_[size_t(value)]; }

    // Whether batch norms that add `value` are all that read it, so that they can compute it themselves.
    bool only_added_by_norms(int value) const {
        return plan_.is_dense(value) && !plan_.values[size_t(value)].normalised && !readers(value).empty() &&
               std::all_of(readers(value).begin(), readers(value).end(), [&](int k) {
                   const Op &op = plan_.op(k);
                   return op.kind == OpKind::kBatchNorm && op.residual == value && op.src != value;
               });
    }

    // Whether a convolution's tiles own every pixel of its input.
    bool can_keep(int k) const {
        const Op &op = plan_.op(k);
        const Value &in = plan_.value(op.src), &out = plan_.value(op.dst);
        return op.kernel - op.padding >= op.stride && out.height * op.stride >= in.height &&
               out.width * op.stride >= in.width;
    }

    // Whether batch norm b alone reads value x and nothing else shares x's storage.
    bool sole_reader(int b, int x) const {
        const int storage = plan_.values[size_t(x)].storage;
        for (const ValuePlan &v : plan_.values)
            if (v.storage == storage)
                for (int reader : v.consumers)
                    if (reader != b) return false;
        return plan_.is_dense(x);
    }

    // Whether batch norm b can leave dy for x: x's producer is a convolution that scales as it reads.
    bool leaves_dy(int b, int x) const {
        const int producer = plan_.values[size_t(x)].producer;
        return sole_reader(b, x) && producer >= 0 && plan_.op(producer).kind == OpKind::kConv &&
               plan_.op(producer).bias < 0;
    }

    // Whether batch norm k can be folded into the convolution in front of it.
    bool folds(int k) const {
        const Op &op = plan_.op(k);
        if (op.kind != OpKind::kBatchNorm || !none_or_relu(op.activation) || !leaves_dy(k, op.src)) return false;
        const bool of_images = plan_.reads_images && plan_.op(plan_.values[size_t(op.src)].producer).src == 0;
        return op.residual < 0 || (op.residual != op.src && !of_images);
    }

    // When op k runs: a convolution with a folded batch norm in its place, which the residual may come shortly before.
    int turn(int k) const { return folded_[size_t(k)] >= 0 ? folded_[size_t(k)] : k; }
    int first_reader(int value) const {
        const std::vector<int> &all = readers(value);
        return *std::min_element(all.begin(), all.end(), [&](int a, int b) { return turn(a) < turn(b); });
    }

    // --- the head ----------------------------------------------------------------------------------------------------

    int only_producer(int value, int reader, OpKind kind) const {
        const int producer = plan_.values[size_t(value)].producer;
        const bool only = producer >= 0 && plan_.op(producer).kind == kind && readers(value) == std::vector{reader} &&
                          plan_.is_dense(value) && !plan_.values[size_t(value)].normalised;
        return only ? producer : -1;
    }

    // The ops of a head at the end of the network; those in front of the loss are absorbed.
    void find_head() {
        const int loss = int(plan_.network.ops.size()) - 1;
        if (plan_.op(loss).kind != OpKind::kSoftmaxLoss) return;
        const int linear = only_producer(plan_.op(loss).src, loss, OpKind::kLinear);
        if (linear < 0) return;
        const int pool = only_producer(plan_.op(linear).src, linear, OpKind::kGlobalAvgPool);
        if (pool < 0) return;
        const int from = plan_.op(pool).src;
        const Value &v = plan_.value(from);
        if (!loss_head_fits(v.height * v.width, v.channels, plan_.value(plan_.op(linear).dst).channels)) return;
        head_linear_ = linear, head_pool_ = pool;
        head_norm_ = only_producer(from, pool, OpKind::kBatchNorm);
        if (head_norm_ >= 0 && !none_or_relu(plan_.op(head_norm_).activation)) head_norm_ = -1;
    }

    // Whether the head does batch norm k: not if that has more to do for its residual than to lend its gradient.
    bool left_to_head(int k) {
        const Op &op = plan_.op(k);
        if (k == head_norm_ && op.residual >= 0 && (!leaves_dy(k, op.src) || operand(op.dst).residual_norm >= 0))
            head_norm_ = -1;
        return k == head_norm_;
    }

    bool in_head(int k) const { return k == head_linear_ || k == head_pool_ || k == head_norm_; }

    // --- forward -----------------------------------------------------------------------------------------------------

    void forward(int k, std::vector<ForwardStep> &steps) {
        const Op &op = plan_.op(k);
        if (plan_.aliased[size_t(k)]) return stored(op.dst);
        ForwardStep step;
        step.op = k, step.dst = op.dst;
        if (k == head_linear_ || k == head_pool_ || turn(k) != k) return;
        if (op.kind == OpKind::kPadShortcut && only_added_by_norms(op.dst) && readers(op.dst).size() == 1) {
            absorbed_[size_t(k)] = 1;
            OperandPlan &own = operand(op.dst);
            own.residual = op.src, own.residual_step = op.stride;
            own.residual_first = (plan_.value(op.dst).channels - plan_.value(op.src).channels) / 2;
            return;
        }
        const int producer = plan_.values[size_t(op.src)].producer;
        if (producer >= 0 && folded_[size_t(producer)] == k) {
            step.op = producer;
            read(step);
            step.folded = norm_operand(k);
            step.folded.x = -1;
        } else if (op.kind == OpKind::kBatchNorm) {
            step.from = norm_operand(k);
            operand(op.dst) = step.from;
            const bool plain = op.residual < 0 && op.activation == Activation::kNone;
            if (plain && only_added_by_norms(op.dst) && readers(op.dst).size() == 1 && leaves_dy(k, op.src)) {
                absorbed_[size_t(k)] = 1;
                return;
            }
            if (left_to_head(k) || left_to_convolution(k) || left_to_pool(k)) return;
        } else if (op.kind == OpKind::kAdd || op.kind == OpKind::kActivation) {
            step.from.x = op.src, step.from.residual = op.residual, step.from.activation = op.activation;
        } else if (op.kind == OpKind::kConv) {
            read(step);
        } else if (is_pool(op.kind)) {
            step.from = operand(op.src);
        } else if (op.kind == OpKind::kSoftmaxLoss && head_linear_ >= 0) {
            step.linear = head_linear_;
            step.from = operand(plan_.op(head_pool_).src);
        }
        steps.push_back(step);
        if (op.dst >= 0) stored(op.dst);
    }

    // How a convolution reads its input.
    void read(ForwardStep &step) {
        const int src = plan_.op(step.op).src;
        step.from = operand(src);
        if (stored_[size_t(src)] || (readers(src).size() == 1 && step.from.residual < 0)) return;
        step.kept = src;
        stored(src);
    }

    OperandPlan norm_operand(int k) const {
        const Op &op = plan_.op(k);
        OperandPlan own;
        own.x = op.src, own.norm = k, own.activation = op.activation;
        if (op.residual < 0) return own;
        const OperandPlan &r = operands_[size_t(op.residual)];
        if (stored_[size_t(op.residual)]) own.residual = op.residual;
        else if (r.norm >= 0) own.residual = r.x, own.residual_norm = r.norm;
        else own.residual = r.residual, own.residual_step = r.residual_step, own.residual_first = r.residual_first;
        return own;
    }

    // Whether the first reader of a batch norm's output is a convolution that computes it, and keeps it if others
    // follow.
    bool left_to_convolution(int k) const {
        const Op &op = plan_.op(k);
        if (!none_or_relu(op.activation) || !plan_.is_dense(op.dst) || plan_.values[size_t(op.dst)].normalised ||
            readers(op.dst).empty() || plan_.op(first_reader(op.dst)).kind != OpKind::kConv)
            return false;
        return (readers(op.dst).size() == 1 && op.residual < 0) || can_keep(first_reader(op.dst));
    }

    // Whether average pooling alone reads a batch norm's output, and computes it.
    bool left_to_pool(int k) const {
        const Op &op = plan_.op(k);
        return op.residual < 0 && readers(op.dst).size() == 1 &&
               only_producer(op.dst, readers(op.dst)[0], OpKind::kBatchNorm) == k &&
               plan_.op(readers(op.dst)[0]).kind == OpKind::kAvgPool;
    }

    // --- backward ----------------------------------------------------------------------------------------------------

    GradientPlan &gradient(int value) { return gradients_[size_t(value)]; }

    bool borrowed(int value) { return gradient(value).value >= 0 && gradient(value).value != value; }

    // Writes a borrowed gradient in the value's own place.
    void settle(int value) {
        BackwardStep pass;
        pass.dst = gradient(value), pass.src_value = value;
        pass.src = ranges_.touch(value);
        gradient(value) = GradientPlan{value};
        plan_.backward.push_back(pass);
    }

    // Notes that an op writes, or adds to, the gradient of a value in its own place.
    GradientUse touch(int value) {
        if (value < 0 || !plan_.values[size_t(value)].needs_gradient) return {};
        if (borrowed(value)) settle(value);
        gradient(value) = GradientPlan{value};
        return ranges_.touch(value);
    }

    // The whole gradient of a value, as its producer reads it. What nothing has been written to is 0.
    GradientPlan finished(int value) {
        if (borrowed(value) && (gradient(value).step != 1 || gradient(value).first != 0)) settle(value);
        if (borrowed(value)) return gradient(value);
        BackwardStep clear;
        clear.src_value = value, clear.src = ranges_.touch(value);
        if (!clear.src.add || clear.src.zero_before) plan_.backward.push_back(clear);
        return gradient(value).value >= 0 ? gradient(value) : GradientPlan{value}; // of a concatenation, if not its own
    }

    void backward(int k) {
        const Op &op = plan_.op(k);
        if (in_head(k)) return;
        BackwardStep step;
        step.op = k;
        if (op.kind == OpKind::kSoftmaxLoss && head_linear_ >= 0) {
            step.linear = head_linear_;
            if (head_norm_ >= 0) return leave_norm(step, head_norm_);
            step.src_value = plan_.op(head_pool_).src;
            step.src = touch(step.src_value);
            plan_.backward.push_back(step);
            return;
        }
        if (op.dst >= 0) step.dst = finished(op.dst);
        if (op.kind == OpKind::kBatchNorm) return leave_norm(step, k);
        if (op.kind == OpKind::kConv) {
            step.from = operand(op.src);
            const int norm = norm_behind(k);
            if (norm >= 0) {
                step.added = gradient(op.src);
                step.mask = stored_[size_t(op.src)] ? op.src : -1;
                absorbed_[size_t(norm)] = 1;
                return leave_norm(step, norm);
            }
        } else if (op.kind == OpKind::kAdd || op.kind == OpKind::kActivation) {
            step.from.x = op.src, step.from.residual = op.residual, step.from.activation = op.activation;
        } else if (is_pool(op.kind) && !stored_[size_t(op.src)]) {
            const int norm = plan_.values[size_t(op.src)].producer;
            absorbed_[size_t(norm)] = 1;
            return leave_norm(step, norm);
        }
        step.src_value = op.src, step.residual_value = op.residual;
        step.src = touch(op.src);
        step.residual = touch(op.residual);
        plan_.backward.push_back(step);
    }

    // The batch norm that the data gradient of convolution k goes on through: all other gradients of its output are
    // known by then, the convolution being its first reader.
    int norm_behind(int k) const {
        const int src = plan_.op(k).src, norm = plan_.values[size_t(src)].producer;
        if (norm < 0 || plan_.op(norm).kind != OpKind::kBatchNorm || readers(src)[0] != k) return -1;
        const Op &op = plan_.op(norm);
        if (!none_or_relu(op.activation) || !plan_.is_dense(src) || plan_.values[size_t(src)].normalised) return -1;
        // It leaves dy alone: the residual must be able to borrow that, and no second norm may need its sums.
        const bool alone = op.residual < 0 || (leaves_dy(norm, op.src) && norm_operand(norm).residual_norm < 0);
        return alone ? norm : -1;
    }

    // What the backward of a batch norm leaves, for x and for the residual.
    void leave_norm(BackwardStep step, int norm) {
        const OperandPlan own = norm_operand(norm);
        step.norm = norm, step.norm_from = own;
        step.src_value = own.x;
        step.scaled = !leaves_dy(norm, own.x);
        step.src = touch(own.x);
        if (own.residual < 0 || !plan_.values[size_t(own.residual)].needs_gradient) {
            plan_.backward.push_back(step);
        } else if (step.scaled) {
            step.residual_value = own.residual;
            step.residual = touch(own.residual);
            plan_.backward.push_back(step);
        } else {
            plan_.backward.push_back(step);
            lend(GradientPlan{own.x, own.residual_norm, own.residual_step, own.residual_first}, own.residual);
        }
        if (!step.scaled) gradient(own.x).scaled = norm;
    }

    void lend(const GradientPlan &dy, int value) {
        if (gradient(value).value < 0 && ranges_.untouched(value)) {
            gradient(value) = dy;
            return;
        }
        BackwardStep pass;
        pass.dst = dy, pass.src_value = value;
        pass.src = touch(value);
        plan_.backward.push_back(pass);
    }

    StepPlan &plan_;
    std::vector<char> stored_;                               // per value
    int head_linear_ = -1, head_pool_ = -1, head_norm_ = -1; // ops that the loss does; -1: none
    std::vector<OperandPlan> operands_; // per value: how its readers compute it; x = itself where it is stored
    std::vector<char> absorbed_;        // per op: done by another
    std::vector<int> folded_;           // per op: batch norm folded into it, -1: none
    GradientRanges ranges_;
    std::vector<GradientPlan> gradients_; // per value: where its gradient so far is; in its own place once added to
};

} // namespace

StepPlan::StepPlan(const Network &network) : StoragePlan(network) {
    Planner(*this).run();
    Planner(*this).run_inference();
}

} // namespace ist::cuda
