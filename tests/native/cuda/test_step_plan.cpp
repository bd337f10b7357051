// test_step_plan.cpp - what a GPU stores of a network: no batch norm has a step of its own, in evaluation none behind a
// convolution costs anything.
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "../test_networks.h"
#include "architectures.h"
#include "cuda/step_plan.h"

namespace {

using namespace ist;
using namespace ist::cuda;

// The steps of the inference list, each value read after it is written, each written once.
struct Steps {
    explicit Steps(const Network &of) : network(of), plan(network) {
        std::set<int> written = {0}; // or read straight from the images
        const std::function<bool(int)> is_there = [&](int value) {
            const int k = plan.values[size_t(value)].producer;
            if (k < 0 || !plan.aliased[size_t(k)]) return written.count(value) > 0;
            return is_there(plan.op(k).src) && is_there(plan.op(k).residual);
        };
        for (const ForwardStep &step : plan.inference) {
            const Op &op = plan.op(step.op);
            for (int value : {step.from.x, step.from.residual, step.folded.residual})
                EXPECT_TRUE(value < 0 || is_there(value)) << "value " << value << " is read before it is written";
            for (int value : {step.kept, step.dst})
                if (value >= 0) {
                    EXPECT_TRUE(written.insert(value).second) << "value " << value << " is written twice";
                }
            EXPECT_LT(step.folded.x, 0);
            if (op.kind != OpKind::kConv) ++others;
            else if (step.folded.norm >= 0) ++folded;
            else ++plain;
            if (step.from.norm >= 0) ++in_front;
            if (step.kept >= 0) ++kept;
        }
    }
    Steps(const Steps &) = delete; // the plan refers to the network
    const Network network;
    StepPlan plan;
    int folded = 0, plain = 0; // convolutions with and without a folded batch norm
    int others = 0, in_front = 0, kept = 0;
};
Steps steps_of(const char *spec) { return Steps(build_network(spec, 3, 32, 32, 10)); }

TEST(InferencePlan, AResidualBlockWritesTwoTensors) {
    const Steps steps = steps_of("resnet20");
    EXPECT_EQ(steps.folded, 19);
    EXPECT_EQ(steps.plain, 0);
    EXPECT_EQ(steps.others, 1) << "the loss, which reads a stored value";
    EXPECT_EQ(steps.in_front, 0);
    EXPECT_EQ(steps.kept, 0);
    int narrowing = 0;
    for (size_t i = 0; i + 1 < steps.plan.inference.size(); ++i) {
        const OperandPlan &behind = steps.plan.inference[i].folded;
        EXPECT_EQ(behind.activation, Activation::kRelu);
        EXPECT_EQ(behind.residual >= 0, i > 0 && i % 2 == 0) << "convolution " << i;
        EXPECT_EQ(behind.residual_step, behind.residual_first > 0 ? 2 : 1) << "shortcut A";
        narrowing += behind.residual_step == 2;
    }
    EXPECT_EQ(narrowing, 2);
}

TEST(InferencePlan, AShortcutWithAConvolutionIsFoldedToo) {
    const Steps steps = steps_of("resnet20:shortcut=B");
    EXPECT_EQ(steps.folded, 21);
    EXPECT_EQ(steps.plain + steps.in_front + steps.kept, 0);
    EXPECT_EQ(steps.others, 1);
}

TEST(InferencePlan, ValuesOfManyReadersStayAsTheyAre) {
    const Steps bottlenecks = steps_of("densenet22-12-bc");
    EXPECT_EQ(bottlenecks.folded, 9) << "of three blocks of three layers each";
    EXPECT_EQ(bottlenecks.plain, 1 + 9 + 2) << "the first, a layer's second, two transitions";
    EXPECT_EQ(steps_of("densenet22-12").folded, 0);
}

// conv - norm pairs that must not be folded.
TEST(InferencePlan, OnlyTheSoleReaderIsFolded) {
    const auto folded = [](auto body) {
        test::NetworkBuilder b(3, 8, 8, 10);
        return Steps(b.finish(body(b))).folded;
    };
    EXPECT_EQ(folded([](auto &b) { return b.batch_norm(b.conv(0, 8, 1)); }), 1);
    EXPECT_EQ(folded([](auto &b) { return b.batch_norm(b.conv(0, 8, 1, 1, 0, true)); }), 0) << "a bias";
    EXPECT_EQ(folded([](auto &b) { return b.batch_norm(b.conv(0, 8, 1), Activation::kTanh); }), 0);
    EXPECT_EQ(folded([](auto &b) { return b.batch_norm(b.max_pool(b.conv(0, 8, 1), 2)); }), 0);
    EXPECT_EQ(folded([](auto &b) {
                  const int z = b.conv(0, 8, 1);
                  return b.batch_norm(z, Activation::kRelu, z);
              }),
              0)
        << "its own residual";
    const auto beside_another = [](int kernel) {
        return [kernel](auto &b) {
            const int residual = b.batch_norm(b.conv(0, 8, kernel, 1, kernel / 2));
            return b.batch_norm(b.conv(0, 8, kernel, 1, kernel / 2), Activation::kRelu, residual);
        };
    };
    EXPECT_EQ(folded(beside_another(1)), 2);
    EXPECT_EQ(folded(beside_another(3)), 1) << "a residual beside images";
    EXPECT_EQ(folded([](auto &b) {
                  const int z = b.conv(0, 8, 1);
                  return b.add(b.batch_norm(z), z);
              }),
              0)
        << "two readers";
}

TEST(TrainingPlan, ATransitionPoolsAsItNormalises) {
    for (const char *spec : {"densenet22-12", "densenet22-12-bc"}) {
        const Steps steps = steps_of(spec);
        for (const auto &list : {steps.plan.forward, steps.plan.inference}) {
            int pools = 0;
            for (const ForwardStep &step : list) {
                EXPECT_NE(steps.plan.op(step.op).kind, OpKind::kBatchNorm);
                if (steps.plan.op(step.op).kind != OpKind::kAvgPool) continue;
                ++pools;
                EXPECT_GE(step.from.norm, 0);
                EXPECT_EQ(step.from.activation, Activation::kRelu);
            }
            EXPECT_EQ(pools, 2);
        }
        int pools = 0;
        for (const BackwardStep &step : steps.plan.backward) {
            if (step.op < 0) continue;
            EXPECT_NE(steps.plan.op(step.op).kind, OpKind::kBatchNorm);
            if (steps.plan.op(step.op).kind == OpKind::kAvgPool) pools += step.norm >= 0 && step.scaled;
        }
        EXPECT_EQ(pools, 2);
    }
}

} // namespace
