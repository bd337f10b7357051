// judge.cpp - see judge.h.
#include "judge.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "ref_network.h"
#include "test_networks.h"

namespace ist::test {
namespace {

// --- comparing ---------------------------------------------------------------------------------------------------

double norm(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += x[j] * x[j];
    return std::sqrt(sum);
}

double amplitude(ist_precision precision) {
    switch (precision) {
    case IST_FP32: return 0x1p-22;
    case IST_BF16: return 0x1p-8;
    default: return 0x1p-9; // not 2^-11: so few ReLUs change sides that a few passes might miss them
    }
}

// How far ref_network's own results move at most, entry by entry, under noise of twice the rounding of bf16, of
// eight times that of fp16, or of four times that of fp32, whose sums collect it too. Computed when first asked for.
class Spread {
  public:
    Spread(const Case &c, ist_precision precision) : case_(c), amplitude_(amplitude(precision)) {}

    const std::vector<double> &of(std::vector<double> ref::Pass::*quantity) {
        if (passes_.empty()) {
            int64_t size = 0;
            for (const Value &v : case_.network.values) size += int64_t(v.elements()) * case_.images.n;
            const int samples = size < 20000 ? 8 : 2; // big tensors average by themselves
            for (int i = 0; i < samples; ++i)
                passes_.push_back(
                    ref::train(case_.network, case_.point, case_.images.batch(), {amplitude_, uint64_t(i) + 1}));
        }
        std::vector<double> &spread = spreads_[&(case_.pass.*quantity)];
        if (spread.empty())
            for (size_t j = 0; j < (case_.pass.*quantity).size(); ++j) {
                double largest = 0;
                for (const ref::Pass &pass : passes_)
                    largest = std::max(largest, std::fabs((pass.*quantity)[j] - (case_.pass.*quantity)[j]));
                spread.push_back(largest);
            }
        return spread;
    }

  private:
    const Case &case_;
    double amplitude_;
    std::vector<ref::Pass> passes_;
    std::map<const void *, std::vector<double>> spreads_;
};

// fp32: largest difference; else norm of the difference.
struct Distance {
    double difference = 0, scale = 0;
    int64_t worst = 0;
};
Distance distance(const float *actual, const double *expected, int64_t n, ist_precision precision) {
    std::vector<double> d(n);
    Distance result;
    for (int64_t j = 0; j < n; ++j) {
        d[j] = std::fabs(double(actual[j]) - expected[j]);
        if (!std::isnan(d[result.worst]) && !(d[j] <= d[result.worst])) result.worst = j; // a NaN is the worst
        result.scale = std::max(result.scale, std::fabs(expected[j]));
    }
    result.difference = d[result.worst];
    if (precision != IST_FP32) result.difference = norm(d.data(), n), result.scale = norm(expected, n);
    return result;
}

double tolerance(ist_precision precision) {
    switch (precision) {
    case IST_FP32: return 1e-4;
    case IST_BF16: return 1e-2;
    default: return 2.5e-3;
    }
}

// The tensors of `kind` in the vector `actual` (gradient, or statistics) against the same quantity of the reference.
void expect_tensors_close(const Case &c, Spread &spread, bool statistic, const std::vector<float> &actual,
                          std::vector<double> ref::Pass::*quantity, ist_precision precision, const char *what) {
    const std::vector<double> &expected = c.pass.*quantity;
    ASSERT_EQ(actual.size(), expected.size());
    for (const ParamTensor &t : c.network.tensors) {
        if (t.statistic != statistic) continue;
        const int64_t offset = t.offset - (statistic ? c.network.n_params : 0), n = t.size();
        const Distance d = distance(&actual[offset], &expected[offset], n, precision);
        double allowed = tolerance(precision) * d.scale;
        if (d.difference <= allowed) continue;
        const double *noise = &spread.of(quantity)[offset];
        // fp32: where all cancels, one rounding that all rows share (a batch-norm correction's offset) weighs more than
        // the noise, which differs from row to row.
        allowed += precision == IST_FP32 ? 8 * *std::max_element(noise, noise + n) : 2 * norm(noise, n);
        EXPECT_LE(d.difference, allowed) << what << " of " << t.name << ", tolerance " << tolerance(precision) * d.scale
                                         << " + noise; of " << n << " entries [" << d.worst
                                         << "] is worst: " << actual[offset + d.worst] << ", expected "
                                         << expected[offset + d.worst];
    }
}

// --- judging one network -----------------------------------------------------------------------------------------

} // namespace

const char *name_of(ist_precision precision) {
    switch (precision) {
    case IST_FP32: return "fp32";
    case IST_BF16: return "bf16";
    default: return "fp16";
    }
}

std::string words(std::string name) {
    for (char &c : name)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    return name;
}

void judge(const BackendUnderTest &backend, ist_precision precision, Case c) {
    c.pass = ref::train(c.network, c.point, c.images.batch());
    DeviceNetwork device(backend, 2, c.network, precision, c.images);
    Spread spread(c, precision);
    const double loss_tolerance = precision == IST_FP32 ? 1e-5 : 2 * tolerance(precision);

    const Outcome trained = device.train_all(c.point);
    EXPECT_NEAR(trained.loss, c.pass.loss, loss_tolerance * (1 + c.pass.loss));
    if (precision == IST_FP32) {
        EXPECT_NEAR(trained.error, c.pass.error, 1e-12);
    }
    expect_tensors_close(c, spread, false, trained.gradient, &ref::Pass::gradient, precision, "gradient");
    expect_tensors_close(c, spread, true, trained.statistics, &ref::Pass::statistics, precision, "statistic");

    // The same bits again, on one thread, and beside other points.
    EXPECT_TRUE(device.train_all(c.point) == trained) << "a repeat gives other bits";
    if (!backend.is_emulated) {
        DeviceNetwork single(backend, 1, c.network, precision, c.images);
        EXPECT_TRUE(single.train_all(c.point) == trained) << "one thread gives other bits than two";
    }
    std::vector<double> other = c.point;
    for (double &v : other) v = float(1.25 * v);
    const auto grouped = device.train({other, c.point, other}, device.all(), 0, {7, 1, 9});
    EXPECT_TRUE(grouped[1] == trained) << "the same point in a group of three gives other bits";

    // Without a gradient, and without touching the statistics.
    const Outcome frozen = device.train({c.point}, device.all(), 0, {1}, false, false)[0];
    EXPECT_NEAR(frozen.loss, trained.loss, 1e-6 * (1 + trained.loss));
    for (int64_t j = 0; j < c.network.n_statistics; ++j)
        ASSERT_EQ(frozen.statistics[j], float(c.point[c.network.n_params + j])) << "statistics were touched";
    if (c.network.n_statistics > 0)
        expect_tensors_close(c, spread, true, device.recompute_statistics({c.point}, device.all(), 1, {1})[0],
                             &ref::Pass::batch_statistics, precision, "recomputed statistic");

    // Inference mode.
    const ref::Pass inferred = ref::infer(c.network, c.point, c.images.batch());
    const Outcome evaluated = device.evaluate({c.point})[0];
    EXPECT_NEAR(evaluated.loss, inferred.loss, loss_tolerance * (1 + inferred.loss));
    if (precision == IST_FP32) {
        EXPECT_NEAR(evaluated.error, inferred.error, 1e-12);
    }
    for (int64_t j = 0; j < c.network.n_statistics; ++j)
        ASSERT_EQ(evaluated.statistics[j], float(c.point[c.network.n_params + j])) << "evaluation changed statistics";
    const std::vector<float> predicted = device.predict(c.point);
    const Distance d =
        distance(predicted.data(), inferred.log_probabilities.data(), int64_t(predicted.size()), precision);
    EXPECT_LE(d.difference, (precision == IST_FP32 ? 1e-4 : 2 * tolerance(precision)) * d.scale) << "log-probabilities";
}

void judge(const BackendUnderTest &backend, ist_precision precision, const Network &network, int n_images,
           double margin) {
    judge(backend, precision, clear_case(network, n_images, margin));
}

} // namespace ist::test
