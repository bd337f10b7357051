// step_graph.h - the same launches over and over, recorded once: a CUDA graph.
#pragma once

#include <functional>

#include "device.h"

namespace ist::cuda {

// Runs `n_steps` times on the device's stream what `enqueue` puts there; returns before it is done. The first time is
// launched as it is, so that kernels are loaded and settled when a graph of the others is recorded.
void run_steps(Device &device, int n_steps, const std::function<void()> &enqueue);

} // namespace ist::cuda
