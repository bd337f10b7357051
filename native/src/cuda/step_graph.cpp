// step_graph.cpp - see step_graph.h.
#include "step_graph.h"

#include "check.h"

namespace ist::cuda {
namespace {

class StepGraph {
  public:
    StepGraph(Device &device, const std::function<void()> &enqueue) : device_(device) {
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
    ~StepGraph() { cudaGraphExecDestroy(graph_); } // once its launches are done
    StepGraph(const StepGraph &) = delete;
    StepGraph &operator=(const StepGraph &) = delete;

    void start() { check(cudaGraphLaunch(graph_, device_.stream()), "to start a step"); }

  private:
    Device &device_;
    cudaGraphExec_t graph_ = nullptr;
};

} // namespace

void run_steps(Device &device, int n_steps, const std::function<void()> &enqueue) {
    device.use();
    if (n_steps > 0) enqueue();
    if (n_steps <= 1) return;
    StepGraph graph(device, enqueue);
    for (int k = 1; k < n_steps; k++) graph.start();
}

} // namespace ist::cuda
