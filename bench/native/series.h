// series.h - what a bench measures: samples of one thing, and how often it is repeated.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ist::bench {

// Samples of one thing. A rate is amount / seconds.
struct Series {
    std::string what;            // "path step, 10 pivots"
    std::string unit;            // of amount: "img", "flop" or "byte"
    double amount = 0;           // of one sample
    double flops = 0;            // of one sample, 0: not counted
    int threads = 1;             // that worked
    double x = 0;                // what a scaling bench varies
    double first_s = 0;          // the first call: primitives are compiled, buffers allocated
    std::vector<double> seconds; // of every sample
};

double quantile(std::vector<double> values, double q);
inline double median(const std::vector<double> &values) { return quantile(values, 0.5); }

// y = intercept + slope * x by least squares of the relative errors, and the largest relative distance from it.
struct Line {
    double intercept, slope, deviation;
};
Line line_through(const std::vector<double> &x, const std::vector<double> &y);

// How long to measure. Every series gets `samples` samples and, over them, `seconds` seconds.
struct Effort {
    int samples = 20;
    double seconds = 3;
    double shortest = 0.02; // seconds of one sample; what is faster is repeated within it
    int warm_up = 2;        // calls that are not counted
};

// One thing to measure: its description, and one execution of it.
struct Task {
    Series series;
    std::function<void()> run;
};

// Measures all tasks in turn, round by round, so that they see the same moods of the machine.
std::vector<Series> measure(std::vector<Task> tasks, const Effort &effort);

} // namespace ist::bench
