// isolated.h - a measurement in a process of its own, so that its peak memory is its own and a crash stops nothing
// else.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "series.h"

namespace ist::bench {

struct Measured {
    std::vector<Series> series;
    double peak_mib = 0; // largest resident memory of the process (VmHWM)
    std::string error;   // empty: it succeeded
};

// To be called while the process has no threads and no engine.
Measured isolated(const std::function<std::vector<Series>()> &run);

} // namespace ist::bench
