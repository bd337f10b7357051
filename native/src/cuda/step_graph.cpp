// step_graph.cpp - see step_graph.h.
#include "step_graph.h"

#include "check.h"

namespace ist::cuda {

StepGraph::StepGraph(Device &device, const std::function<void()> &enqueue) : device_(device) {
    device.use();
    cudaGraph_t recorded = nullptr;
    check(cudaStreamBeginCapture(device.stream(), cudaStreamCaptureModeThreadLocal), "to record a step");
    try {
        enqueue();
    } catch (...) {
        cudaStreamEndCapture(device.stream(), &recorded);
        if (recorded) cudaGraphDestroy(recorded);
        throw;
    }
    check(cudaStreamEndCapture(device.stream(), &recorded), "to record a step");
    const cudaError_t error = cudaGraphInstantiate(&graph_, recorded, 0);
    cudaGraphDestroy(recorded);
    check(error, "to prepare a step");
}

StepGraph::~StepGraph() {
    if (graph_) cudaGraphExecDestroy(graph_);
}

void StepGraph::start() { check(cudaGraphLaunch(graph_, device_.stream()), "to start a step"); }

} // namespace ist::cuda
