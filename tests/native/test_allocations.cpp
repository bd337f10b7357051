// test_allocations.cpp - a step allocates nothing: a call of many steps asks operator new as often as a call of one.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "c_handles.h"

namespace {

std::atomic<int64_t> allocations{0};

void *counted(size_t bytes, size_t alignment) {
    allocations++;
    void *memory = alignment > alignof(std::max_align_t)
                       ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
                       : std::malloc(bytes ? bytes : 1);
    if (!memory) throw std::bad_alloc();
    return memory;
}

} // namespace

#pragma GCC diagnostic ignored "-Wmismatched-new-delete" // GCC 12 sees malloc through operator new, not its replacement

void *operator new(size_t bytes) { return counted(bytes, 0); }
void *operator new[](size_t bytes) { return counted(bytes, 0); }
void *operator new(size_t bytes, std::align_val_t alignment) { return counted(bytes, size_t(alignment)); }
void *operator new[](size_t bytes, std::align_val_t alignment) { return counted(bytes, size_t(alignment)); }
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete[](void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
void operator delete[](void *memory, size_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void *memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void *memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void *memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

using namespace ist;
using namespace ist::test;

struct Subject {
    const char *spec;
    ist_precision precision;
};
void PrintTo(const Subject &s, std::ostream *out) { *out << s.spec << (s.precision == IST_FP32 ? " fp32" : " bf16"); }

class Allocations : public HandlesTest, public testing::WithParamInterface<Subject> {
  protected:
    // A problem on 16 x 16 images, whose batches end in a smaller slice.
    static Problem problem() {
        Network shape;
        shape.channels = 3, shape.height = shape.width = 16, shape.n_classes = 5;
        ist_sampling sampling{};
        sampling.seed = 7, sampling.batch_size = 35, sampling.crop_padding = 2, sampling.flip = 1;
        return Problem(2, GetParam().spec, random_images(shape, 70, 3), sampling, GetParam().precision);
    }
    void SetUp() override {
        ist_engine *engine = nullptr;
        must(ist_engine_create(IST_BACKEND_CPU, 0, 1, &engine));
        const std::string description = ist_engine_description(engine);
        const bool supported = ist_engine_supports(engine, GetParam().precision);
        ist_engine_destroy(engine);
        if (description.find("AVX-512") == std::string::npos)
            GTEST_SKIP() << "the convolutions of oneDNN, which allocate, are used by: " << description;
        if (!supported) GTEST_SKIP() << "cpu has no bf16 on this machine";
    }
    template <class Call> static int64_t count(Call call) {
        const int64_t before = allocations;
        call();
        return allocations - before;
    }
};

TEST_P(Allocations, AStepOfTrainingAllocatesNothing) {
    const Problem p = problem();
    Points points(p, 3); // one point a core, and one by both
    points.initialise(1);
    ist_sgd sgd{};
    sgd.learning_rate = 0.01f;
    points.descend(sgd, 0, 1);
    const int64_t one = count([&] { points.descend(sgd, 1, 1); });
    EXPECT_GT(one, 0); // the call itself allocates: it is counted
    EXPECT_EQ(count([&] { points.descend(sgd, 2, 4); }), one);
}

TEST_P(Allocations, AStepOfAPathAllocatesNothing) {
    const Problem p = problem();
    Points points(p, 5);
    points.initialise(1);
    ist_neb neb{};
    neb.sgd.learning_rate = 0.01f;
    neb.tangent = IST_TANGENT_IMPROVED;
    neb.spring = INFINITY;
    const Vector spacing(4, 1.f);
    points.relax(neb, spacing, 0, 1);
    const int64_t one = count([&] { points.relax(neb, spacing, 1, 1); });
    EXPECT_GT(one, 0);
    EXPECT_EQ(count([&] { points.relax(neb, spacing, 2, 4); }), one);
}

INSTANTIATE_TEST_SUITE_P(Networks, Allocations,
                         testing::Values(Subject{"resnet8", IST_FP32}, Subject{"resnet8:shortcut=B", IST_BF16},
                                         Subject{"densenet10-12", IST_FP32}, Subject{"densenet16-12-bc", IST_BF16}));

} // namespace
