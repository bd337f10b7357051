// step_graph.h - a run of launches recorded once and started many times: a CUDA graph.
#pragma once

#include <functional>

#include "device.h"

struct CUgraphExec_st;

namespace ist::cuda {

class StepGraph {
  public:
    // `enqueue` puts everything on the device's stream; nothing runs yet.
    StepGraph(Device &device, const std::function<void()> &enqueue);
    ~StepGraph();
    StepGraph(const StepGraph &) = delete;
    StepGraph &operator=(const StepGraph &) = delete;
    void start();

  private:
    Device &device_;
    CUgraphExec_st *graph_ = nullptr;
};

} // namespace ist::cuda
