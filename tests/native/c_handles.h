// c_handles.h - the handles of the C API as C++ values for tests: every status is checked, every handle destroyed.
#pragma once

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "isthmus/isthmus.h"
#include "test_networks.h"

namespace ist::test {

// Throws what ist_last_error() says, which fails the test with the sentence.
inline void must(ist_status status) {
    if (status != IST_OK) throw std::runtime_error("status " + std::to_string(status) + ": " + ist_last_error());
}

// A test through the C API: at its end no handle is alive.
class HandlesTest : public testing::Test {
  protected:
    void TearDown() override { EXPECT_EQ(ist_live_handles(), 0); }
};

// ISTHMUS_TEST_BACKEND=emulated: CUDA's kernels on the emulated device instead of the CPU backend.
inline ist_backend backend_under_test() {
    const char *value = std::getenv("ISTHMUS_TEST_BACKEND");
    const std::string name = value ? value : "";
    EXPECT_TRUE(name.empty() || name == "cpu" || name == "emulated") << "ISTHMUS_TEST_BACKEND=" << name;
    return name == "emulated" ? IST_BACKEND_EMULATED : IST_BACKEND_CPU;
}

// Whether the engine has this precision on this machine and code path.
inline bool supported(ist_precision precision) {
    ist_engine *engine = nullptr;
    must(ist_engine_create(backend_under_test(), 0, 1, &engine));
    const bool yes = ist_engine_supports(engine, precision);
    ist_engine_destroy(engine);
    return yes;
}

using EngineHandle = std::unique_ptr<ist_engine, void (*)(ist_engine *)>;
using DatasetHandle = std::unique_ptr<ist_dataset, void (*)(ist_dataset *)>;
using ModelHandle = std::unique_ptr<ist_model, void (*)(ist_model *)>;
using PointsHandle = std::unique_ptr<ist_points, void (*)(ist_points *)>;
using Vector = std::vector<float>;

// A model, its data set (none for a surface) and how batches are drawn: what the calls on points need.
class Problem {
  public:
    // A network trained on `images`.
    Problem(int n_threads, const std::string &spec, const Images &images, ist_sampling sampling,
            ist_precision precision = IST_FP32)
        : Problem(n_threads) {
        ist_dataset *dataset = nullptr;
        must(ist_dataset_create(engine_.get(), images.bytes.data(), images.labels.data(), images.n, images.channels,
                                images.height, images.width, images.n_classes, images.mean.data(), images.std.data(),
                                &dataset));
        dataset_.reset(dataset);
        ist_model *model = nullptr;
        must(ist_model_create(engine_.get(), spec.c_str(), images.channels, images.height, images.width,
                              images.n_classes, precision, &model));
        model_.reset(model);
        sampling_ = sampling;
        n_images_ = images.n, n_classes_ = images.n_classes;
    }
    // A surface.
    Problem(int n_threads, const std::string &spec) : Problem(n_threads) {
        ist_model *model = nullptr;
        must(ist_model_create(engine_.get(), spec.c_str(), 0, 0, 0, 0, IST_FP32, &model));
        model_.reset(model);
    }

    ist_engine *engine() const { return engine_.get(); }
    ist_model *model() const { return model_.get(); }
    const ist_dataset *dataset() const { return dataset_.get(); }
    const ist_sampling *sampling() const { return dataset_ ? &sampling_ : nullptr; }
    ist_sampling &drawing() { return sampling_; }
    int64_t n_params() const { return ist_model_n_params(model_.get()); }
    int64_t n_statistics() const { return ist_model_n_statistics(model_.get()); }
    int64_t size() const { return n_params() + n_statistics(); }
    size_t n_predictions() const { return size_t(n_images_) * n_classes_; }

  private:
    explicit Problem(int n_threads) {
        ist_engine *engine = nullptr;
        must(ist_engine_create(backend_under_test(), 0, n_threads, &engine));
        engine_.reset(engine);
    }

    EngineHandle engine_{nullptr, ist_engine_destroy};
    DatasetHandle dataset_{nullptr, ist_dataset_destroy};
    ModelHandle model_{nullptr, ist_model_destroy};
    ist_sampling sampling_{};
    int n_images_ = 0, n_classes_ = 0;
};

// n points of a problem. Point i walks stream `first_stream + i` unless streams are given.
class Points {
  public:
    Points(const Problem &problem, int n, uint64_t first_stream = 0) : problem_(problem) {
        ist_points *points = nullptr;
        must(ist_points_create(problem.model(), n, &points));
        points_.reset(points);
        for (int i = 0; i < n; ++i) streams.push_back(first_stream + uint64_t(i));
    }
    Points(const Problem &problem, const std::vector<Vector> &values, uint64_t first_stream = 0)
        : Points(problem, int(values.size()), first_stream) {
        write(values);
    }

    std::vector<uint64_t> streams;

    ist_points *get() const { return points_.get(); }
    int count() const { return ist_points_count(points_.get()); }
    void initialise(uint64_t first_seed) {
        for (int i = 0; i < count(); ++i) must(ist_points_initialise(get(), i, first_seed + uint64_t(i)));
    }
    void write(int i, const Vector &values) { must(ist_points_write(get(), i, values.data())); }
    void write(const std::vector<Vector> &values) {
        for (int i = 0; i < count(); ++i) write(i, values.at(i));
    }
    void write_momentum(int i, const Vector &values) { must(ist_points_write_momentum(get(), i, values.data())); }
    Vector read(int i) const {
        Vector values(problem_.size());
        must(ist_points_read(get(), i, values.data()));
        return values;
    }
    Vector read_momentum(int i) const {
        Vector values(problem_.size());
        must(ist_points_read_momentum(get(), i, values.data()));
        return values;
    }
    Vector read_gradient(int i) const {
        Vector values(problem_.n_params());
        must(ist_points_read_gradient(get(), i, values.data()));
        return values;
    }
    std::vector<Vector> read() const {
        return each([this](int i) { return read(i); });
    }
    std::vector<Vector> read_momentum() const {
        return each([this](int i) { return read_momentum(i); });
    }
    std::vector<Vector> read_gradient() const {
        return each([this](int i) { return read_gradient(i); });
    }

    Vector gradient(int64_t step) {
        Vector losses(count());
        must(ist_points_gradient(get(), problem_.dataset(), problem_.sampling(), drawn(), step, losses.data()));
        return losses;
    }
    Vector descend(const ist_sgd &sgd, int64_t first_step, int n_steps) {
        Vector losses(size_t(n_steps) * count());
        must(ist_points_descend(get(), problem_.dataset(), problem_.sampling(), drawn(), &sgd, first_step, n_steps,
                                losses.data()));
        return losses;
    }
    Vector relax(const ist_neb &neb, const Vector &spacing, int64_t first_step, int n_steps) {
        Vector losses(size_t(n_steps) * count());
        must(ist_points_relax(get(), problem_.dataset(), problem_.sampling(), drawn(), &neb, spacing.data(), first_step,
                              n_steps, losses.data()));
        return losses;
    }
    void respace(ist_geometry geometry, const Vector &spacing) {
        must(ist_points_respace(get(), geometry, spacing.data()));
    }
    void recompute_statistics(int n_batches) {
        must(ist_points_recompute_statistics(get(), problem_.dataset(), problem_.sampling(), drawn(), n_batches));
    }
    std::vector<ist_metrics> evaluate() const {
        std::vector<ist_metrics> metrics(count());
        must(ist_points_evaluate(get(), problem_.dataset(), metrics.data()));
        return metrics;
    }
    Vector predict(int i) const {
        Vector log_probabilities(problem_.n_predictions());
        must(ist_points_predict(get(), i, problem_.dataset(), log_probabilities.data()));
        return log_probabilities;
    }
    double distance(int a, int b, ist_geometry geometry) const {
        double out = 0;
        must(ist_points_distance(get(), a, b, geometry, &out));
        return out;
    }

  private:
    template <class Read> std::vector<Vector> each(Read read) const {
        std::vector<Vector> all;
        for (int i = 0; i < count(); ++i) all.push_back(read(i));
        return all;
    }
    const uint64_t *drawn() const { return problem_.dataset() ? streams.data() : nullptr; }

    const Problem &problem_;
    PointsHandle points_{nullptr, ist_points_destroy};
};

} // namespace ist::test
