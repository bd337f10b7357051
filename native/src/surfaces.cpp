// surfaces.cpp - see surfaces.h.
#include "surfaces.h"

#include <cmath>

#include "error.h"
#include "step_loop.h"

namespace ist {
namespace {

constexpr double kPi = 3.14159265358979323846;

// Mueller & Brown, Theor. Chim. Acta 53, 75 (1979).
double mueller_brown(double x, double y, double *gradient) {
    constexpr double A[] = {-200, -100, -170, 15}, a[] = {-1, -1, -6.5, 0.7}, b[] = {0, 0, 11, 0.6},
                     c[] = {-10, -10, -6.5, 0.7}, x0[] = {1, 0, -0.5, -1}, y0[] = {0, 0.5, 1.5, 1};
    double energy = 0, gx = 0, gy = 0;
    for (int i = 0; i < 4; ++i) {
        const double u = x - x0[i], v = y - y0[i];
        const double e = A[i] * std::exp(a[i] * u * u + b[i] * u * v + c[i] * v * v);
        energy += e;
        gx += e * (2 * a[i] * u + b[i] * v);
        gy += e * (b[i] * u + 2 * c[i] * v);
    }
    if (gradient) {
        gradient[0] = gx;
        gradient[1] = gy;
    }
    return energy;
}

// London-Eyring-Polanyi-Sato energy of three atoms on a line, A and C fixed, plus a harmonic oscillator: model II of
// Jonsson, Mills & Jacobsen, "Nudged elastic band method for finding minimum energy paths of transitions" (1998),
// appendix. x is the distance A-B, y the oscillator's coordinate.
double leps(double x, double y, double *gradient) {
    constexpr double kAlpha = 1.942, kR0 = 0.742, kRac = 3.742, kSpring = 0.2025, kC = 1.154;
    constexpr double D[] = {4.746, 4.746, 3.445}, kSato[] = {0.05, 0.80, 0.05}; // AB, BC, AC
    const double r[] = {x, kRac - x, kRac};
    double coulomb = 0, coulomb_slope[3], j[3], j_slope[3];
    for (int i = 0; i < 3; ++i) {
        const double e = std::exp(-kAlpha * (r[i] - kR0)), scale = D[i] / (1 + kSato[i]);
        coulomb += scale / 2 * (1.5 * e * e - e);
        coulomb_slope[i] = scale / 2 * kAlpha * (e - 3 * e * e);
        j[i] = scale / 4 * (e * e - 6 * e);
        j_slope[i] = scale / 4 * kAlpha * (6 * e - 2 * e * e);
    }
    const double root = std::sqrt(j[0] * j[0] + j[1] * j[1] + j[2] * j[2] - j[0] * j[1] - j[1] * j[2] - j[0] * j[2]);
    const double stretch = x - (kRac / 2 - y / kC);
    if (gradient) {
        // d root / d r of AB and BC; moving B changes both, by opposite amounts.
        const double ab = root > 0 ? (2 * j[0] - j[1] - j[2]) * j_slope[0] / (2 * root) : 0;
        const double bc = root > 0 ? (2 * j[1] - j[0] - j[2]) * j_slope[1] / (2 * root) : 0;
        gradient[0] = (coulomb_slope[0] - ab) - (coulomb_slope[1] - bc) + 4 * kSpring * stretch;
        gradient[1] = 4 * kSpring * stretch / kC;
    }
    return coulomb - root + 2 * kSpring * stretch * stretch;
}

double egg_carton(double x, double y, double *gradient) {
    if (gradient) {
        gradient[0] = -2 * kPi * std::sin(2 * kPi * x);
        gradient[1] = -2 * kPi * std::sin(2 * kPi * y);
    }
    return std::cos(2 * kPi * x) + std::cos(2 * kPi * y);
}

// A double well along the floor y = sin x of a winding valley (PyTorch-AutoNEB).
double curvy_valley(double x, double y, double *gradient) {
    constexpr double kX0 = 2.5 * kPi;
    const double off = y - std::sin(x), well = x * x / (kX0 * kX0) - 1;
    if (gradient) {
        gradient[0] = -2 * off * std::cos(x) + 4 * well * x / (kX0 * kX0);
        gradient[1] = 2 * off;
    }
    return off * off + well * well;
}

// Zero everywhere: every point is a minimum, every path is a lowest one (PyTorch-AutoNEB).
double flat(double, double, double *gradient) {
    if (gradient) gradient[0] = gradient[1] = 0;
    return 0;
}

class SurfaceExecutor : public StepLoopExecutor {
  public:
    SurfaceExecutor(const Surface &surface, Backend &backend) : StepLoopExecutor(backend, 2), surface_(surface) {}

    void train(const DeviceImages &, const ist_sampling &, int64_t, int n, PointJob *jobs) override {
        for (int i = 0; i < n; ++i) {
            double gradient[2];
            evaluate(jobs[i], gradient);
            if (!jobs[i].gradient) continue;
            const float values[] = {float(gradient[0]), float(gradient[1])};
            backend_.upload(jobs[i].gradient, values, 2);
        }
    }
    void evaluate(const DeviceImages &, int n, PointJob *jobs) override {
        for (int i = 0; i < n; ++i) evaluate(jobs[i], nullptr);
    }
    void predict(const DeviceImages &, const PointJob &, float *) override {
        throw Error(IST_INVALID_ARGUMENT, "the model must be a network, a surface predicts no classes");
    }
    void recompute_statistics(const DeviceImages &, const ist_sampling &, int, int, PointJob *) override {}

  private:
    void evaluate(PointJob &job, double *gradient) const {
        float location[2];
        backend_.download(location, job.params, 2);
        job.loss = surface_.energy(location[0], location[1], gradient);
        job.error = 0;
    }

    const Surface &surface_;
};

} // namespace

// Stationary points: Newton's method on the formulas in 30 digits; they agree with the literature where it gives them.
const std::vector<Surface> &surfaces() {
    static const std::vector<Surface> all = {
        {"mueller-brown",
         mueller_brown,
         {-1.5, -0.25},
         {1.25, 2.0},
         {{-0.558223634633024, 1.441725841804669, -146.699517209954014},
          {0.623499404930877, 0.028037758528686, -108.166724116852355},
          {-0.050010822998206, 0.466694104871972, -80.767818129659028}},
         {{-0.822001558732732, 0.624312802814871, -40.664843508657404},
          {0.212486582000662, 0.292988325107368, -72.248940112325212}}},
        {"leps",
         leps,
         {0.5, -2.0},
         {3.25, 2.0},
         {{0.741520660119740, 1.303419158221819, -4.509175995660271},
          {3.001275805357214, -1.304338279382225, -2.620287106830384}},
         {{2.020827734366342, -0.172901205458759, -0.875224679101143}}},
        {"egg-carton",
         egg_carton,
         {-1, -1},
         {1, 1},
         {{-0.5, -0.5, -2}, {-0.5, 0.5, -2}, {0.5, -0.5, -2}, {0.5, 0.5, -2}},
         {{-0.5, 0, 0}, {0, -0.5, 0}, {0, 0.5, 0}, {0.5, 0, 0}}},
        {"curvy-valley", curvy_valley, {-10, -2}, {10, 2}, {{-2.5 * kPi, -1, 0}, {2.5 * kPi, 1, 0}}, {{0, 0, 1}}},
        {"flat", flat, {0, 0}, {0, 1}, {}, {}},
    };
    return all;
}

const Surface *find_surface(const std::string &name) {
    for (const Surface &surface : surfaces())
        if (surface.name == name) return &surface;
    return nullptr;
}

Network surface_network(const Surface &surface) {
    Network network;
    network.spec = "surface-" + surface.name;
    ParamTensor location;
    location.name = "location";
    location.shape = {2};
    network.tensors.push_back(location);
    network.n_params = 2;
    return network;
}

std::unique_ptr<Executor> prepare_surface(const Surface &surface, Backend &backend) {
    return std::make_unique<SurfaceExecutor>(surface, backend);
}

} // namespace ist
