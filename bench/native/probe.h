// probe.h - the ceilings of this machine: multiply-add rates and read bandwidths, on one thread and on all.
#pragma once

#include <vector>

#include "series.h"

namespace ist::bench {

// The names of the probe's multiply-add series, which "% of ceiling" refers to.
constexpr const char *kFp32Rate = "fp32 multiply-add";
constexpr const char *kBf16Rate = "bf16 multiply-add";

// Every sample takes about effort.shortest seconds or more. Of each series the fastest sample is the ceiling. bf16 is
// there where the processor has VDPBF16PS.
std::vector<Series> probe(int n_threads, const Effort &effort);

} // namespace ist::bench
