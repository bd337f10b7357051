// works.h - the kinds of work that are measured, and their sizes.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "isthmus/isthmus.h"
#include "series.h"

namespace ist::bench {

// What to measure and how large. The defaults are the full bench; quick() is for seeing that it works.
struct Plan {
    std::vector<std::string> kinds; // of kind_names()
    std::vector<std::string> nets = {"resnet20", "resnet56", "densenet40-12",
                                     "densenet100-12-bc"}; // training, evaluation
    std::string path_net = "resnet20";                     // everything else
    std::vector<std::string> depths = {"resnet20", "resnet32", "resnet44", "resnet56"};
    std::vector<int> widths = {8, 16, 24, 32, 48};
    std::vector<int> pivots = {3, 5, 9, 17};
    std::vector<int> batches = {16, 32, 64, 128, 256};
    std::vector<int> images = {250, 500, 1000, 2000};
    int batch = 0; // 0: 128, DenseNets 64
    int scaling_batch = 64;
    int path_pivots = 10;
    int dense_points = 100, dense_images = 100;
    int evaluation_images = 1000;
    std::vector<ist_precision> precisions = {IST_FP32, IST_BF16};
    int threads = 0; // 0: all
    Effort effort;

    void quick();
};

// One measurement in a process of its own.
struct Work {
    std::string kind; // of kind_names()
    std::string net;  // empty: none, or several
    ist_precision precision = IST_FP32;
    std::string x; // of a scaling work: what is varied
    std::function<std::vector<Series>()> run;
};

// "probe", "training", "evaluation", "path", "dense", "pivots", "batch", "images", "depth", "width", "threads".
const std::vector<std::string> &kind_names();
std::vector<Work> works(const Plan &plan);
inline const char *precision_name(ist_precision precision) { return precision == IST_BF16 ? "bf16" : "fp32"; }

} // namespace ist::bench
