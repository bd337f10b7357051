// step_plan.h - how a GPU runs a network: what is stored, what is computed as it is read, and the kernels one after the
// other.
//
// A network that ends in batch norm, global average pooling, linear layer and loss has one step for all of them: its
// head, which leaves the gradient of the batch norm too.
//
// Stored are the outputs of convolutions and the inputs of residual blocks; the batch only where something else than
// convolutions reads it. The output of a batch norm without residual is computed anew by the convolution or average
// pooling that reads it; one with a residual is kept by the first convolution that does.
//
// Inference has a list of its own: there a batch norm that alone reads a convolution's output is folded into it, with
// its residual and ReLU, and what is stored is the batch norm's output. Where several batch norms read a value
// (DenseNet) they stay in front of the next convolution.
//
// In the backward pass a batch norm leaves dy, the gradient of its sum norm(x) + residual, once, in the place of the
// gradient of x. It serves x (times gamma * invstd, as x's producer reads it) and the residual, which *borrows* it
// until something must be added. Only where several batch norms read a value (DenseNet) is gamma * invstd * dy added
// up. The gradient of a convolution's input or of an average pooling goes on through ReLU and batch norm in the same
// kernel.
//
// Nothing here depends on the batch size, the number of points or the device.
#pragma once

#include <vector>

#include "../storage_plan.h"

namespace ist::cuda {

// activation(norm(x) + norm(residual)) of stored values; -1: none. See kernels/tensor.h, Operand.
struct OperandPlan {
    int x = -1, norm = -1;                 // value; batch-norm op
    int residual = -1, residual_norm = -1; // value; batch-norm op
    int residual_step = 1, residual_first = 0;
    Activation activation = Activation::kNone;
};

struct ForwardStep {
    int op = -1;
    int dst = -1;       // value written; -1: the loss
    OperandPlan from;   // convolutions, batch norms, additions, activations, poolings, heads
    int kept = -1;      // convolutions: value written on the way, which `from` computes
    OperandPlan folded; // convolutions of the inference list: the batch norm done behind, x being their own output
    int linear = -1;    // the loss: linear layer that it does, with the pooling of `from` in front; -1: it reads logits
};

// A gradient that is somewhere: that of `value`, times the gamma * invstd of a batch norm, seen through a shortcut A.
struct GradientPlan {
    int value = -1;  // -1: none
    int scaled = -1; // batch-norm op
    int step = 1, first = 0;
};

struct BackwardStep {
    int op = -1;                             // -1: passes `dst` on to `src_value`, or, without `dst`, clears that
    OperandPlan from;                        // what the op read
    GradientPlan dst;                        // of the op's output
    int src_value = -1, residual_value = -1; // whose gradients the op leaves, and how; of a batch norm, x and residual
    GradientUse src, residual;
    int linear = -1; // the loss: as in the forward pass
    // The batch norm whose backward this step is: the op itself, or the one in front of a convolution, pooling or head.
    // -1: none.
    int norm = -1;
    OperandPlan norm_from; // its operand
    bool scaled = false;   // gamma * invstd * dy is left for x, not dy
    GradientPlan added;    // convolutions: added to the gradient of their input before the norm
    int mask = -1;         // convolutions: stored output of the norm's ReLU; -1: computed anew
};

struct StepPlan : StoragePlan {
    explicit StepPlan(const Network &network);

    std::vector<ForwardStep> forward;   // the last is the loss
    std::vector<ForwardStep> inference; // the same with folded batch norms
    std::vector<BackwardStep> backward; // the first is the loss
    std::vector<char> stored;           // per value, by `forward`
    // Whether value 0 is never stored: convolutions alone read it, straight from the images' bytes.
    bool reads_images = false;
};

} // namespace ist::cuda
