// test_steps.cpp - networks on the CUDA backend against the CPU backend on the same random batches: descents, paths,
// evaluation, statistics. And the same bits again for any order of threads, grouping of points and division of steps.
//
// Steps are compared one by one, each from where the CUDA backend stands, so that differences do not grow. All
// distances are norms: |a - b| / |b| over the coordinates of a point.
//
// fp32: 1e-5 at every point where the reference is clear of kinks (ClearSteps; they agree to 3.4e-6 on every
// instruction set). In large images (Steps) no point is: a ReLU whose input is within the rounding of 0 (one in some
// 10^6 of the 10^5 inputs of a pass, with Winograd's filtering on the CPU) takes the other side, which moves the
// gradient by about one part in the square root of the inputs of its layer, and more at the next layers. There 1e-5 for
// at least a third of the points, 0.1 for every point. Losses and statistics do not jump: 1e-5.
//
// bf16: the two backends round to 8 bits at about the same places, but not to the same numbers, so that each is off the
// exact result by about as much (their errors have a correlation of 0.9): CUDA is allowed 1.5 times the distance of the
// CPU's bf16 from the CPU's fp32, on the average of several vectors or 128 losses (measured: 0.95 to 1.08 times).
#include <algorithm>
#include <functional>

#include "../ref_network.h"
#include "../test_networks.h"
#include "architectures.h"
#include "device_vectors.h"

namespace {

using namespace ist;
using namespace ist::test;

struct Subject {
    const char *spec;
    int size, batch;
    ist_precision precision;
};
std::string title(const Subject &s) {
    std::string name = std::string(s.spec) + (s.precision == IST_FP32 ? "_fp32" : "_bf16");
    for (char &c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    return name;
}
void PrintTo(const Subject &s, std::ostream *out) { *out << title(s); }

constexpr int kPoints = 4;
constexpr uint64_t kFirstStream = 100;

// Points as rows of one matrix, on the host.
struct State {
    Floats values, momentum, gradient, losses;
};

bool same_state(const State &a, const State &b) {
    return same_bits(a.values, b.values) && same_bits(a.momentum, b.momentum) && same_bits(a.gradient, b.gradient);
}

// |a - b| / |b - c| over the coordinates first .. first + n; c empty: 0
double distance(const Floats &a, const Floats &b, int64_t first, int64_t n, const Floats &c = {}) {
    double difference = 0, size = 0;
    for (int64_t j = first; j < first + n; ++j) {
        const double d = double(a[j]) - b[j], s = double(b[j]) - (c.empty() ? 0 : c[j]);
        difference += d * d, size += s * s;
    }
    return size > 0 ? std::sqrt(difference / size) : std::sqrt(difference);
}

// A network on a backend.
class Side {
  public:
    Side(Backend &backend, const Network &network, ist_precision precision, const Images &images)
        : backend_(backend), network_(network) {
        HostImages host{};
        host.images = images.bytes.data(), host.labels = images.labels.data(), host.n_images = images.n;
        host.channels = images.channels, host.height = images.height, host.width = images.width;
        host.n_classes = images.n_classes;
        host.mean = images.mean.data(), host.std = images.std.data();
        images_ = backend.load(host);
        executor_ = backend.prepare(network_, precision);
        stride_ = (network_.size() + 15) / 16 * 16;
    }
    int64_t stride() const { return stride_; }

    State descend(const State &from, const ist_sampling &sampling, const ist_sgd &sgd, int first_step, int n_steps,
                  uint64_t stream = kFirstStream) {
        return run(from, stream, [&](Rows &rows) {
            executor_->descend(*images_, sampling, first_step, n_steps, rows.n, rows.jobs.data(), rows.params.data(),
                               rows.momentum.data(), sgd, rows.losses(n_steps));
        });
    }

    // The same led by the host: a training pass and an update at a time.
    State train_and_update(const State &from, const ist_sampling &sampling, const ist_sgd &sgd, int first_step,
                           int n_steps, uint64_t stream = kFirstStream) {
        return run(from, stream, [&](Rows &rows) {
            float *losses = rows.losses(n_steps);
            for (int step = first_step; step < first_step + n_steps; ++step) {
                executor_->train(*images_, sampling, step, rows.n, rows.jobs.data());
                backend_.sgd_update(rows.n, rows.params.data(), rows.gradient.data(), rows.momentum.data(), sgd,
                                    network_.n_params);
                for (const PointJob &job : rows.jobs) *losses++ = float(job.loss);
            }
        });
    }

    State relax(const State &from, const ist_sampling &sampling, const ist_neb &neb, const Floats &spacing,
                int first_step, int n_steps) {
        return run(from, kFirstStream, [&](Rows &rows) {
            for (int end : {0, rows.n - 1}) rows.jobs[end].gradient = nullptr, rows.jobs[end].update_statistics = false;
            PathView path{};
            path.n_pivots = rows.n, path.stride = stride_;
            path.values = rows.params[0], path.gradient = rows.gradient[0], path.momentum = rows.momentum[0];
            path.n_params = network_.n_params, path.n_total = network_.size();
            path.n_geometry = neb.geometry == IST_GEOMETRY_ALL ? path.n_total : path.n_params;
            executor_->relax(*images_, sampling, first_step, n_steps, rows.jobs.data(), path, neb, spacing.data(),
                             rows.losses(n_steps));
        });
    }

    // losses: of the batches of steps 0 .. n_steps - 1, in training mode.
    State forward(const State &from, const ist_sampling &sampling, int n_steps) {
        return run(from, kFirstStream, [&](Rows &rows) {
            for (PointJob &job : rows.jobs) job.gradient = nullptr;
            float *losses = rows.losses(n_steps);
            for (int step = 0; step < n_steps; ++step) {
                executor_->train(*images_, sampling, step, rows.n, rows.jobs.data());
                for (const PointJob &job : rows.jobs) *losses++ = float(job.loss);
            }
        });
    }

    // losses: loss and error of every point.
    State evaluate(const State &from) {
        return run(from, kFirstStream, [&](Rows &rows) {
            executor_->evaluate(*images_, rows.n, rows.jobs.data());
            float *losses = rows.losses(2);
            for (const PointJob &job : rows.jobs) *losses++ = float(job.loss), *losses++ = float(job.error);
        });
    }

    State recompute_statistics(const State &from, const ist_sampling &sampling, int n_batches,
                               uint64_t stream = kFirstStream) {
        return run(from, stream, [&](Rows &rows) {
            executor_->recompute_statistics(*images_, sampling, n_batches, rows.n, rows.jobs.data());
        });
    }

  private:
    // A State on the device.
    struct Rows {
        int n;
        std::vector<PointJob> jobs;
        std::vector<float *> params, momentum;
        std::vector<const float *> gradient;
        Floats host_losses;
        float *losses(int n_steps) {
            host_losses.assign(size_t(n_steps) * size_t(n), -1);
            return host_losses.data();
        }
    };

    State run(const State &from, uint64_t stream, const std::function<void(Rows &)> &body) {
        const OnDevice values(backend_, from.values), momentum(backend_, from.momentum);
        const OnDevice gradient(backend_, Floats(from.values.size(), 1e30f)); // rubbish: it is overwritten
        Rows rows;
        rows.n = int(int64_t(from.values.size()) / stride_);
        for (int i = 0; i < rows.n; ++i) {
            PointJob job;
            rows.params.push_back(values.data() + i * stride_);
            rows.momentum.push_back(momentum.data() + i * stride_);
            rows.gradient.push_back(gradient.data() + i * stride_);
            job.params = rows.params.back(), job.statistics = rows.params.back() + network_.n_params;
            job.gradient = gradient.data() + i * stride_;
            job.stream = stream + uint64_t(i);
            rows.jobs.push_back(job);
        }
        body(rows);
        return {values.read(), momentum.read(), gradient.read(), rows.host_losses};
    }

    Backend &backend_;
    const Network network_;
    std::unique_ptr<DeviceImages> images_;
    std::unique_ptr<Executor> executor_;
    int64_t stride_ = 0;
};

// Distances of one quantity, over points and steps.
class Distances {
  public:
    void add(double distance) { all_.push_back(std::isnan(distance) ? INFINITY : distance); }
    // A third of them within `usual`, all within `largest`.
    void expect(double usual, double largest, const std::string &what) {
        std::sort(all_.begin(), all_.end());
        ASSERT_FALSE(all_.empty());
        EXPECT_LE(all_[(all_.size() - 1) / 3], usual) << what << " of " << all_.size();
        EXPECT_LE(all_.back(), largest) << what << " of " << all_.size();
    }
    double mean() const {
        double sum = 0;
        for (double d : all_) sum += d;
        return sum / double(all_.size());
    }

  private:
    std::vector<double> all_;
};

class Steps : public testing::TestWithParam<Subject> {
  protected:
    const Subject &subject() const { return GetParam(); }
    bool bf16() const { return subject().precision == IST_BF16; }

    void SetUp() override {
        if (!cpu->supports(subject().precision)) GTEST_SKIP() << "the CPU has no bf16 here to compare with";
        images = random_images(network, 3 * subject().batch, 5);
        sampling.seed = 3, sampling.batch_size = subject().batch, sampling.crop_padding = 2, sampling.flip = 1;
        sgd.learning_rate = 0.1f, sgd.momentum = 0.9f, sgd.weight_decay = 1e-3f, sgd.nesterov = 1;
        gpu_side = std::make_unique<Side>(*gpu, network, subject().precision, images);
        cpu_side = std::make_unique<Side>(*cpu, network, subject().precision, images);
        exact_side = std::make_unique<Side>(*cpu, network, IST_FP32, images);
    }
    void TearDown() override { emulation::set_seed(1); }

    State start(int n) const {
        State state;
        const int64_t stride = gpu_side->stride();
        state.values.assign(size_t(n * stride), 0), state.momentum.assign(size_t(n * stride), 0);
        for (int i = 0; i < n; ++i) {
            const std::vector<double> point = random_point(network, uint64_t(i) + 1);
            std::copy(point.begin(), point.end(), state.values.begin() + i * stride);
        }
        return state;
    }
    State row(const State &state, int i) const {
        const auto part = [&](const Floats &all) {
            const int64_t stride = gpu_side->stride();
            if (all.empty()) return Floats();
            return Floats(all.begin() + i * stride, all.begin() + (i + 1) * stride);
        };
        return {part(state.values), part(state.momentum), part(state.gradient), {}};
    }

    // What two backends made of the same points, in distances from `exact`.
    struct Comparison {
        Distances gradient, momentum, moved, statistics, losses;
        void add(const Network &network, int64_t stride, const State &from, const State &got, const State &exact,
                 int first, int last, int64_t n_moved) {
            for (int i = first; i < last; ++i) {
                const int64_t at = i * stride, n = network.n_params;
                gradient.add(distance(got.gradient, exact.gradient, at, n));
                momentum.add(distance(got.momentum, exact.momentum, at, n_moved));
                moved.add(distance(got.values, exact.values, at, n, from.values));
                if (network.n_statistics > 0)
                    statistics.add(distance(got.values, exact.values, at + n, network.n_statistics));
            }
            for (size_t j = 0; j < exact.losses.size(); ++j)
                losses.add(std::fabs(got.losses[j] - exact.losses[j]) / (1 + std::fabs(exact.losses[j])));
        }
    };
    void expect_close(Comparison &ours, const Comparison &usual) {
        const auto expect = [&](Distances Comparison::*what, double fp32, double flip, const char *name) {
            if (!bf16()) return (ours.*what).expect(fp32, flip, name);
            EXPECT_LE((ours.*what).mean(), 1.5 * (usual.*what).mean()) << name;
        };
        expect(&Comparison::gradient, 1e-5, 0.1, "gradients");
        expect(&Comparison::momentum, 1e-5, 0.1, "momenta");
        expect(&Comparison::moved, 1e-5, 0.1, "displacements");
        if (!bf16()) expect(&Comparison::losses, 1e-5, 1e-5, "losses"); // bf16: the suite Losses
        if (network.n_statistics > 0) expect(&Comparison::statistics, 1e-5, 1e-5, "statistics");
    }

    std::unique_ptr<Backend> cpu = create_cpu_backend(2), gpu = cuda::create_cuda_backend(0);
    Network network = build_network(GetParam().spec, 3, GetParam().size, GetParam().size, 10);
    Images images;
    ist_sampling sampling{};
    ist_sgd sgd{};
    std::unique_ptr<Side> gpu_side, cpu_side, exact_side;
};

TEST_P(Steps, DescentsAreThoseOfTheCpu) {
    constexpr int kSteps = 3, kMinima = 2;
    const State first = start(kMinima);
    State at = first;
    Comparison ours, usual;
    for (int step = 0; step < kSteps; ++step) {
        const State exact = exact_side->descend(at, sampling, sgd, step, 1);
        if (bf16())
            usual.add(network, gpu_side->stride(), at, cpu_side->descend(at, sampling, sgd, step, 1), exact, 0, kMinima,
                      network.n_params);
        const State next = gpu_side->descend(at, sampling, sgd, step, 1);
        ours.add(network, gpu_side->stride(), at, next, exact, 0, kMinima, network.n_params);
        at = next;
    }
    expect_close(ours, usual);

    emulation::set_seed(2);
    const int last = kMinima - 1;
    const State whole = gpu_side->descend(row(first, last), sampling, sgd, 0, kSteps, kFirstStream + last);
    EXPECT_TRUE(same_state(row(at, last), whole)) << "a point alone, three steps in one call";
    emulation::set_seed(3);
    const State alone = gpu_side->train_and_update(row(first, last), sampling, sgd, 0, kSteps, kFirstStream + last);
    EXPECT_TRUE(same_state(row(at, last), alone)) << "a point alone, led by the host";
}

TEST_P(Steps, PathsAreThoseOfTheCpu) {
    constexpr int kSteps = 2;
    const Floats spacing = {1, 2, 1.5f};
    ist_neb neb{};
    neb.sgd = sgd, neb.sgd.nesterov = 0, neb.tangent = IST_TANGENT_IMPROVED;
    neb.geometry = IST_GEOMETRY_ALL, neb.spring = INFINITY, neb.climbing = 0;
    State first = start(kPoints);
    for (int i : {1, 2}) // between the ends, with a bend
        for (int64_t j = 0; j < gpu_side->stride(); ++j) {
            const float a = first.values[j], b = first.values[3 * gpu_side->stride() + j];
            float &v = first.values[i * gpu_side->stride() + j];
            v = 0.8f * (float(3 - i) / 3 * a + float(i) / 3 * b) + 0.2f * v;
        }
    State at = first;
    Comparison ours, usual;
    for (int step = 0; step < kSteps; ++step) {
        const State exact = exact_side->relax(at, sampling, neb, spacing, step, 1);
        if (bf16())
            usual.add(network, gpu_side->stride(), at, cpu_side->relax(at, sampling, neb, spacing, step, 1), exact, 1,
                      kPoints - 1, network.size());
        const State next = gpu_side->relax(at, sampling, neb, spacing, step, 1);
        ours.add(network, gpu_side->stride(), at, next, exact, 1, kPoints - 1, network.size());
        at = next;
    }
    expect_close(ours, usual);
    for (int end : {0, kPoints - 1}) EXPECT_TRUE(same_bits(row(at, end).values, row(first, end).values)) << "an end";

    emulation::set_seed(2);
    const State whole = gpu_side->relax(first, sampling, neb, spacing, 0, kSteps);
    EXPECT_TRUE(same_bits(at.values, whole.values) && same_bits(at.momentum, whole.momentum))
        << "two steps in one call";
}

// Points and images that the reference, in double, finds clear of kinks: no ReLU input within 1e-5 of 0, which is
// several times the rounding of either backend. The batch is all of the images as they are.
class ClearSteps : public Steps {
  protected:
    static constexpr int kClear = 6, kSteps = 2;
    static constexpr double kMargin = 1e-5, kBound = 1e-5;

    void SetUp() override {
        Steps::SetUp();
        images = random_images(network, subject().batch, 5);
        batch = images.batch();
        sampling.crop_padding = 0, sampling.flip = 0;
        gpu_side = std::make_unique<Side>(*gpu, network, IST_FP32, images);
        exact_side = std::make_unique<Side>(*cpu, network, IST_FP32, images);
        const int64_t stride = gpu_side->stride();
        for (uint64_t seed = 1; points.values.size() < size_t(kClear * stride) && seed < 200; ++seed) {
            const std::vector<double> point = random_point(network, seed);
            if (!is_clear(point)) continue;
            points.values.insert(points.values.end(), point.begin(), point.end());
            points.values.resize((points.values.size() + size_t(stride) - 1) / size_t(stride) * size_t(stride), 0.0f);
        }
        ASSERT_EQ(points.values.size(), size_t(kClear * stride));
        points.momentum.assign(points.values.size(), 0);
    }
    bool is_clear(const std::vector<double> &point) const {
        return ref::train(network, point, batch).kink_margin >= kMargin;
    }

    // Steps of both backends from where the CUDA backend stands, judged wherever that is clear.
    template <class Step> void expect_equal_steps(int first, int last, int64_t n_moved, const Step &step) {
        State at = points;
        int n_judged = 0;
        for (int t = 0; t < kSteps; ++t) {
            const State exact = step(*exact_side, at, t), next = step(*gpu_side, at, t);
            for (int i = first; i < last; ++i) {
                const int64_t row = i * gpu_side->stride(), n = network.n_params;
                const auto from = at.values.begin() + row;
                if (!is_clear(std::vector<double>(from, from + network.size()))) continue;
                ++n_judged;
                SCOPED_TRACE("point " + std::to_string(i) + ", step " + std::to_string(t));
                EXPECT_LE(distance(next.gradient, exact.gradient, row, n), kBound) << "gradient";
                EXPECT_LE(distance(next.momentum, exact.momentum, row, n_moved), kBound) << "momentum";
                EXPECT_LE(distance(next.values, exact.values, row, n, at.values), kBound) << "displacement";
                EXPECT_LE(distance(next.values, exact.values, row + n, network.n_statistics), kBound) << "statistics";
            }
            for (size_t i = 0; i < exact.losses.size(); ++i)
                EXPECT_NEAR(next.losses[i], exact.losses[i], kBound * (1 + exact.losses[i])) << "loss of point " << i;
            at = next;
        }
        EXPECT_GE(n_judged, kSteps * (last - first) / 2 + 1) << "points clear of kinks";
    }

    ref::Batch batch;
    State points;
};

TEST_P(ClearSteps, DescendAsOnTheCpuEverywhere) {
    expect_equal_steps(0, kClear, network.n_params,
                       [&](Side &side, const State &at, int t) { return side.descend(at, sampling, sgd, t, 1); });
}

TEST_P(ClearSteps, RelaxAsOnTheCpuEverywhere) {
    const Floats spacing(kClear - 1, 1);
    ist_neb neb{};
    neb.sgd = sgd, neb.tangent = IST_TANGENT_IMPROVED, neb.geometry = IST_GEOMETRY_ALL, neb.spring = INFINITY;
    expect_equal_steps(1, kClear - 1, network.size(), [&](Side &side, const State &at, int t) {
        return side.relax(at, sampling, neb, spacing, t, 1);
    });
}

class Losses : public Steps {};

// The error of one number varies: the losses of many points and batches.
TEST_P(Losses, AreAsExactAsThoseOfTheCpu) {
    constexpr int kMinima = 32, kBatches = 4;
    const State points = start(kMinima);
    const Floats exact = exact_side->forward(points, sampling, kBatches).losses;
    const Floats usual = cpu_side->forward(points, sampling, kBatches).losses;
    const Floats ours = gpu_side->forward(points, sampling, kBatches).losses;
    EXPECT_LE(distance(ours, exact, 0, int64_t(exact.size())), 1.5 * distance(usual, exact, 0, int64_t(exact.size())));
}

class Evaluations : public Steps {};

TEST_P(Evaluations, AndStatisticsAreThoseOfTheCpu) {
    constexpr int kMinima = 2;
    const State points = start(kMinima);
    const State exact = exact_side->evaluate(points), usual = cpu_side->evaluate(points);
    const State evaluated = gpu_side->evaluate(points);
    for (int i = 0; i < kMinima; ++i) {
        const double loss = exact.losses[2 * i], usual_distance = std::fabs(usual.losses[2 * i] - loss);
        EXPECT_NEAR(evaluated.losses[2 * i], loss,
                    bf16() ? 0.02 * (1 + loss) + 1.5 * usual_distance : 1e-5 * (1 + loss));
        if (!bf16()) {
            EXPECT_EQ(evaluated.losses[2 * i + 1], exact.losses[2 * i + 1]) << "error of point " << i;
        }
    }
    EXPECT_TRUE(same_bits(evaluated.values, points.values)) << "an evaluation changes a point";

    const State statistics = exact_side->recompute_statistics(points, sampling, 2);
    const State usual_statistics = cpu_side->recompute_statistics(points, sampling, 2);
    const State ours = gpu_side->recompute_statistics(points, sampling, 2);
    for (int i = 0; i < kMinima; ++i) {
        const int64_t row = i * gpu_side->stride(), at = row + network.n_params;
        const double usual_distance = distance(usual_statistics.values, statistics.values, at, network.n_statistics);
        EXPECT_LE(distance(ours.values, statistics.values, at, network.n_statistics),
                  bf16() ? 1.5 * usual_distance : 1e-5);
        EXPECT_TRUE(std::equal(&ours.values[row], &ours.values[at], &points.values[row])) << "parameters change";
    }

    emulation::set_seed(2);
    const int last = kMinima - 1;
    const State alone = gpu_side->evaluate(row(points, last));
    EXPECT_EQ(alone.losses[0], evaluated.losses[2 * last]) << "a point alone, in another order";
    const State again = gpu_side->recompute_statistics(row(points, last), sampling, 2, kFirstStream + last);
    EXPECT_TRUE(same_bits(again.values, row(ours, last).values)) << "a point alone, in another order";
}

std::string test_name(const testing::TestParamInfo<Subject> &info) { return title(info.param); }

INSTANTIATE_TEST_SUITE_P(Every, Steps,
                         testing::Values(Subject{"resnet20", 32, 2, IST_FP32}, Subject{"resnet8", 16, 4, IST_BF16},
                                         Subject{"resnet20", 32, 2, IST_BF16}, Subject{"densenet22-12", 8, 4, IST_BF16},
                                         Subject{"densenet22-12-bc", 16, 3, IST_BF16}),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Every, ClearSteps,
                         testing::Values(Subject{"resnet8", 16, 4, IST_FP32}, Subject{"resnet20", 8, 3, IST_FP32},
                                         Subject{"densenet16-12", 8, 2, IST_FP32},
                                         Subject{"densenet22-12-bc", 8, 4, IST_FP32}),
                         test_name);
INSTANTIATE_TEST_SUITE_P(Every, Losses,
                         testing::Values(Subject{"resnet8", 16, 4, IST_BF16},
                                         Subject{"densenet22-12-bc", 8, 4, IST_BF16}),
                         test_name);
// Evaluations go by 32 images at least.
INSTANTIATE_TEST_SUITE_P(Every, Evaluations,
                         testing::Values(Subject{"resnet8", 16, 11, IST_FP32},
                                         Subject{"densenet22-12-bc", 8, 11, IST_FP32},
                                         Subject{"resnet20", 32, 11, IST_BF16},
                                         Subject{"densenet22-12", 8, 11, IST_BF16}),
                         test_name);

} // namespace
