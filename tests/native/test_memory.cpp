// test_memory.cpp - an engine that gets no more memory says how much it asked for and how much there was, and keeps
// what it has.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "c_handles.h"
#include "test_networks.h"

namespace ist::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// Lets the process grow by so many MiB and no more.
void limit_growth(int64_t mebibytes) {
    int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit{};
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = rlim_t(pages * sysconf(_SC_PAGESIZE) + (mebibytes << 20));
    setrlimit(RLIMIT_AS, &limit);
}

// Runs `body` in a process of its own; what it returned, or 1000 and the signal that ended it.
template <class Body> int in_child(Body body) {
    const pid_t child = fork();
    if (child == 0) {
        int result = 255;
        try {
            result = body();
        } catch (const std::exception &e) {
            fprintf(stderr, "%s\n", e.what());
        }
        _exit(result);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

bool is_clear(const std::string &sentence) {
    const bool clear = sentence.find("out of memory: asked for ") != std::string::npos &&
                       sentence.find(" are available; use fewer points") != std::string::npos;
    if (!clear) fprintf(stderr, "unclear: %s\n", sentence.c_str());
    return clear;
}

class Memory : public HandlesTest {
  protected:
    void SetUp() override {
        if (kSanitized) GTEST_SKIP() << "sanitizers need address space without limit";
    }
    const Images images = [] {
        Network shape;
        shape.channels = 3, shape.height = 32, shape.width = 32, shape.n_classes = 10;
        return random_images(shape, 64, 6);
    }();
    const ist_sampling sampling{3, 64, 0, 0};
};

TEST_F(Memory, ThatIsNotThereIsRefusedInASentenceAndWhatWasThereStays) {
    const int result = in_child([&] {
        const Problem problem(2, "mlp-500", images, sampling); // 6 MB a point
        Points kept(problem, 1);
        kept.initialise(7);
        const Vector before = kept.read(0);
        limit_growth(256);
        ist_points *many = nullptr;
        if (ist_points_create(problem.model(), 60000, &many) != IST_OUT_OF_MEMORY || many != nullptr) return 1;
        if (!is_clear(ist_last_error())) return 2;
        kept.gradient(0);
        return kept.read(0) == before ? 0 : 3;
    });
    EXPECT_EQ(result, 0);
}

// However much there is before it ends: a sentence, never a crash.
TEST_F(Memory, ThatEndsAtAnyPlaceOfATrainingIsRefusedInASentence) {
    int refused = 0;
    for (int mebibytes = 0, result = 1; result == 1 && mebibytes < 4096; mebibytes = mebibytes * 3 / 2 + 2) {
        result = in_child([&] {
            const Problem problem(2, "resnet8", images, sampling);
            Points points(problem, 2);
            points.initialise(5);
            limit_growth(mebibytes);
            Vector losses(2);
            ist_metrics metrics[2];
            const uint64_t streams[2] = {0, 1};
            const ist_sgd sgd{0.1f, 0.9f, 0, 0};
            ist_status status =
                ist_points_descend(points.get(), problem.dataset(), &sampling, streams, &sgd, 0, 1, losses.data());
            if (status == IST_OK) status = ist_points_evaluate(points.get(), problem.dataset(), metrics);
            const std::string sentence = ist_last_error();
            const bool clear = sentence.find("out of memory: ") != std::string::npos &&
                               sentence.find(" available; use fewer points") != std::string::npos;
            if (status != IST_OK && !clear) fprintf(stderr, "status %d: %s\n", status, sentence.c_str());
            return status == IST_OK ? 0 : status == IST_OUT_OF_MEMORY && clear ? 1 : 2;
        });
        EXPECT_LE(result, 1) << "with " << mebibytes << " MiB";
        refused += result == 1;
    }
    EXPECT_GT(refused, 0);
}

} // namespace
} // namespace ist::test
