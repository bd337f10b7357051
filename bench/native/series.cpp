// series.cpp - see series.h.
#include "series.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace ist::bench {
namespace {

double seconds_of(const std::function<void()> &run, int repeats = 1) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i) run();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats;
}

} // namespace

double quantile(std::vector<double> values, double q) {
    std::sort(values.begin(), values.end());
    const double place = q * double(values.size() - 1);
    const size_t below = size_t(place), above = std::min(below + 1, values.size() - 1);
    return values[below] + (place - double(below)) * (values[above] - values[below]);
}

Line line_through(const std::vector<double> &x, const std::vector<double> &y) {
    double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
    for (size_t i = 0; i < x.size(); ++i) {
        const double weight = 1 / (y[i] * y[i]);
        w += weight, wx += weight * x[i], wy += weight * y[i];
        wxx += weight * x[i] * x[i], wxy += weight * x[i] * y[i];
    }
    Line line{};
    line.slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
    line.intercept = (wy - line.slope * wx) / w;
    for (size_t i = 0; i < x.size(); ++i)
        line.deviation = std::max(line.deviation, std::fabs((line.intercept + line.slope * x[i]) / y[i] - 1));
    return line;
}

std::vector<Series> measure(std::vector<Task> tasks, const Effort &effort) {
    std::vector<int> repeats;
    for (Task &task : tasks) {
        task.series.first_s = seconds_of(task.run);
        double last = task.series.first_s;
        for (int i = 1; i < effort.warm_up; ++i) last = seconds_of(task.run);
        repeats.push_back(std::clamp(int(std::ceil(effort.shortest / last)), 1, 1 << 20));
    }
    double total = 0;
    for (int round = 0; round < effort.samples || total < effort.seconds * double(tasks.size()); ++round)
        for (size_t i = 0; i < tasks.size(); ++i) {
            const double sample = seconds_of(tasks[i].run, repeats[i]);
            tasks[i].series.seconds.push_back(sample);
            total += sample * repeats[i];
        }
    std::vector<Series> measured;
    for (Task &task : tasks) measured.push_back(std::move(task.series));
    return measured;
}

} // namespace ist::bench
