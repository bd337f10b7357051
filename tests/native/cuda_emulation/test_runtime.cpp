// test_runtime.cpp - the emulated runtime API: memory, copies, streams, events, graphs, errors.
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "findings.h"

namespace ist::cuda {
namespace {

__global__ void add_kernel(float *v, const float *by) { v[threadIdx.x] += *by; }

TEST(Runtime, MemoryIsLimited) {
    size_t free_before = 0, total = 0, free_after = 0;
    ASSERT_EQ(cudaMemGetInfo(&free_before, &total), cudaSuccess);
    char *p = nullptr, *q = nullptr;
    ASSERT_EQ(cudaMalloc(&p, 1000), cudaSuccess);
    cudaMemGetInfo(&free_after, &total);
    EXPECT_EQ(free_before - free_after, 1000u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 256, 0u);
    emulation::set_capacity(total - free_after + 100);
    EXPECT_EQ(cudaMalloc(&q, 101), cudaErrorMemoryAllocation);
    EXPECT_EQ(q, nullptr);
    EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&q, 100), cudaSuccess);
    EXPECT_EQ(cudaFree(q), cudaSuccess);
    EXPECT_EQ(cudaFree(q), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
    EXPECT_EQ(cudaFree(p), cudaSuccess);
    emulation::set_capacity(total);
}

TEST(Runtime, ADeviceThatFailsStaysSo) {
    DeviceArray<float> v(std::vector<float>{1}), by(std::vector<float>{10});
    cudaStream_t stream;
    cudaStreamCreate(&stream);
    emulation::set_fail_after(1);
    for (int i = 0; i < 2; ++i) launch(add_kernel, 1, 1, 0, stream, v.data(), by.data()); // neither says anything
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
    EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
    EXPECT_EQ(cudaGetLastError(), cudaErrorIllegalAddress);
    void *memory = nullptr;
    EXPECT_EQ(cudaMalloc(&memory, 1), cudaErrorIllegalAddress);
    EXPECT_EQ(cudaMemsetAsync(v.data(), 0, 4, stream), cudaErrorIllegalAddress);
    emulation::set_fail_after(-1);
    EXPECT_EQ(v.host(), std::vector<float>{11});
    cudaStreamDestroy(stream);
}

TEST(Runtime, FreshMemoryIsPoison) {
    DeviceArray<uint32_t> fresh(5);
    for (uint32_t word : fresh.host()) EXPECT_EQ(word, emulation::kPoison);
}

TEST(Runtime, GraphsRunWhatWasCapturedOnForkedStreams) {
    DeviceArray<float> v(std::vector<float>{1, 2}), by(std::vector<float>{10});
    cudaStream_t main, side;
    cudaEvent_t fork, join;
    cudaStreamCreate(&main), cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&fork, cudaEventDisableTiming), cudaEventCreateWithFlags(&join, cudaEventDisableTiming);
    ASSERT_EQ(cudaStreamBeginCapture(main, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    launch(add_kernel, 1, 2, 0, main, v.data(), by.data());
    cudaEventRecord(fork, main), cudaStreamWaitEvent(side, fork);
    cudaMemsetAsync(by.data(), 0, 4, side);
    cudaStreamCaptureStatus status;
    cudaStreamIsCapturing(side, &status);
    EXPECT_EQ(status, cudaStreamCaptureStatusActive);
    cudaEventRecord(join, side), cudaStreamWaitEvent(main, join);
    cudaGraph_t graph;
    ASSERT_EQ(cudaStreamEndCapture(main, &graph), cudaSuccess);
    EXPECT_EQ(v.host(), (std::vector<float>{1, 2})); // captured, not run
    cudaGraphExec_t executable;
    ASSERT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
    ASSERT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    ASSERT_EQ(cudaGraphLaunch(executable, main), cudaSuccess);
    ASSERT_EQ(cudaGraphLaunch(executable, main), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(main), cudaSuccess);
    EXPECT_EQ(v.host(), (std::vector<float>{11, 12}));
    cudaGraphExecDestroy(executable);
    cudaEventDestroy(fork), cudaEventDestroy(join);
    cudaStreamDestroy(main), cudaStreamDestroy(side);
}

TEST(Runtime, CaptureRefusesWhatAGraphCannotHold) {
    cudaStream_t stream, other;
    cudaEvent_t fork;
    cudaStreamCreate(&stream), cudaStreamCreate(&other), cudaEventCreate(&fork);
    cudaGraph_t graph;
    void *p = nullptr;
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
    EXPECT_EQ(cudaMalloc(&p, 8), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph, nullptr);
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
    EXPECT_EQ(cudaMalloc(&p, 8), cudaSuccess);
    cudaEventRecord(fork, stream), cudaStreamWaitEvent(other, fork);
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureUnjoined);
    cudaGetLastError();
    cudaFree(p);
    cudaEventDestroy(fork);
    cudaStreamDestroy(stream), cudaStreamDestroy(other);
}

TEST(Runtime, FindingInAGraphIsALaunchFailureWithItsSentence) {
    DeviceArray<float> v(std::vector<float>{1, 2}), by(std::vector<float>{10});
    cudaStream_t stream;
    cudaStreamCreate(&stream);
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
    launch(add_kernel, 1, 2, 0, stream, v.data(), by.data());
    cudaMemcpyAsync(v.data(), by.data(), 12, cudaMemcpyDeviceToDevice, stream); // beyond both
    cudaGraph_t graph;
    ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    cudaGraphExec_t executable;
    cudaGraphInstantiate(&executable, graph);
    EXPECT_TRUE(cudaGraphLaunch(executable, stream) || cudaStreamSynchronize(stream));
    emulation::Finding finding;
    ASSERT_TRUE(emulation::take_finding(&finding));
    EXPECT_EQ(finding.kind, emulation::Kind::kBounds);
    cudaGetLastError();
    cudaGraphExecDestroy(executable), cudaGraphDestroy(graph), cudaStreamDestroy(stream);
}

// Deferred work runs when somebody waits for it, and not before.
TEST(Runtime, MissingWaitsShowWhenWorkIsDeferred) {
    DeviceArray<float> v(std::vector<float>{1, 2}), by(std::vector<float>{10});
    cudaStream_t main, side;
    cudaEvent_t done;
    cudaStreamCreateWithFlags(&main, cudaStreamNonBlocking), cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking);
    cudaEventCreate(&done);
    float *pinned = nullptr;
    cudaHostAlloc(&pinned, 8, cudaHostAllocDefault);
    for (bool deferred : {false, true}) {
        emulation::set_deferred(deferred);
        cudaMemset(v.data(), 0, 8);
        pinned[0] = pinned[1] = 0;
        float start[] = {1, 2};
        cudaMemcpyAsync(v.data(), start, 8, cudaMemcpyHostToDevice, main);
        start[0] = 5; // no matter: the copy has read it
        launch(add_kernel, 1, 2, 0, main, v.data(), by.data());
        cudaEventRecord(done, main);
        cudaMemcpyAsync(pinned, v.data(), 8, cudaMemcpyDeviceToHost, side); // waits for nothing
        cudaStreamSynchronize(side);
        EXPECT_EQ(pinned[1] == 12, !deferred);
        cudaStreamWaitEvent(side, done);
        cudaMemcpyAsync(pinned, v.data(), 8, cudaMemcpyDeviceToHost, side);
        EXPECT_EQ(pinned[1] == 12, !deferred);
        cudaEventRecord(done, side);
        EXPECT_EQ(cudaEventSynchronize(done), cudaSuccess);
        EXPECT_EQ(pinned[0], 11);
        EXPECT_EQ(pinned[1], 12);
    }
    emulation::set_deferred(false);
    cudaFreeHost(pinned);
    cudaEventDestroy(done);
    cudaStreamDestroy(main), cudaStreamDestroy(side);
}

__global__ void lonely_barrier_kernel() {
    if (threadIdx.x == 0) __syncthreads();
}

TEST(Runtime, DeferredFindingComesWithTheWait) {
    cudaStream_t stream;
    cudaStreamCreate(&stream);
    emulation::set_deferred(true);
    launch(lonely_barrier_kernel, 1, 64, 0, stream);
    expect_finding(emulation::Kind::kBarrier, "lonely_barrier_kernel",
                   [&] { check(cudaStreamSynchronize(stream), "to wait"); });
    emulation::set_deferred(false);
    cudaStreamDestroy(stream);
}

TEST(Runtime, DeviceAndVersions) {
    int n = 0, version = 0, value = 0;
    cudaGetDeviceCount(&n);
    EXPECT_EQ(n, 1);
    EXPECT_EQ(cudaSetDevice(0), cudaSuccess);
    EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
    EXPECT_STREQ(cudaGetErrorName(cudaErrorInvalidDevice), "cudaErrorInvalidDevice");
    cudaDriverGetVersion(&version);
    EXPECT_GE(version, 13000);
    cudaDeviceProp properties;
    ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
    EXPECT_STREQ(properties.name, "Emulated GPU");
    cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0);
    EXPECT_EQ(value, int(properties.sharedMemPerBlockOptin));
}

} // namespace
} // namespace ist::cuda
