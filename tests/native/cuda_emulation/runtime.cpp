// runtime.cpp - the CUDA runtime API of the emulation. What a stream is given runs at once; deferred, as late as the
// order within the stream, the events it waits for and the host's waits allow.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <thread>

#include "checker.h"
#include "cuda_runtime.h"

using ist::emulation::device_mutex;
using ist::emulation::Kind;
using ist::emulation::OpenMemory;

using Lock = std::lock_guard<std::recursive_mutex>;
using Work = std::function<cudaError_t()>;

struct CUgraph_st {
    std::vector<Work> work;
};
struct CUgraphExec_st {
    std::vector<Work> work;
};
namespace {
// What several streams record into while one of them captures.
struct Capture {
    uint64_t number = 0;
    std::unique_ptr<CUgraph_st> graph = std::make_unique<CUgraph_st>();
    CUstream_st *origin = nullptr;
    cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
    std::thread::id thread;
    bool valid = true;
    std::list<CUstream_st *> joined; // others, until the origin has waited for them
};
// What a stream has been given, and how much of it has run.
struct Queue {
    std::deque<Work> waiting;
    uint64_t given = 0, done = 0;
    bool blocking = true; // waits for the default stream, and it for this one
};
} // namespace
struct CUstream_st {
    Capture *capture = nullptr;
    std::shared_ptr<Queue> queue = std::make_shared<Queue>();
};
struct CUevent_st {
    uint64_t capture = 0; // its number, 0: none
    CUstream_st *stream = nullptr;
    std::shared_ptr<Queue> queue; // reached when this much of it is done:
    uint64_t position = 0;
    bool recorded = false;
    std::chrono::steady_clock::time_point time;
};

namespace {

thread_local cudaError_t last_error = cudaSuccess;
thread_local int current_device = 0;
std::map<char *, size_t> pinned;
std::list<std::unique_ptr<Capture>> captures;
uint64_t n_captures = 0;
std::list<std::shared_ptr<Queue>> queues;
bool deferred = std::getenv("ISTHMUS_EMULATED_DEFERRED") != nullptr;
std::vector<std::pair<const void *, int>> shared_limits; // of kernels that may have more than 48 KiB

cudaError_t report(cudaError_t error) {
    if (error != cudaSuccess) last_error = error;
    return error;
}

// Launches until one fails; negative: none does.
int64_t launches_left = [] {
    const char *text = std::getenv("ISTHMUS_EMULATED_FAIL_AFTER");
    return text ? std::atoll(text) : -1;
}();
// A device on which a launch has failed: nothing works any more, and nothing else is said.
bool failed = false;
cudaError_t usable() { return failed ? report(cudaErrorIllegalAddress) : cudaSuccess; }

// The launch that fails says nothing itself.
cudaError_t run_launch(const ist::emulation::Launch &launch) {
    if (launches_left == 0) failed = true;
    if (failed) return cudaSuccess;
    if (launches_left > 0) --launches_left;
    return ist::emulation::run(launch) ? cudaSuccess : cudaErrorLaunchFailure;
}

int n_devices() {
    static const int n = [] {
        const char *text = std::getenv("ISTHMUS_EMULATED_DEVICES");
        return text ? std::atoi(text) : 1;
    }();
    return n;
}

// Bytes of shared memory that a block may ask for.
size_t most_shared() {
    static const size_t bytes = [] {
        const char *text = std::getenv("ISTHMUS_EMULATED_SHARED");
        return text ? std::min(size_t(std::atoi(text)) << 10, ist::emulation::kMaxShared) : ist::emulation::kMaxShared;
    }();
    return bytes;
}

// What may block or touch memory outside the streams is refused while a capture that forbids it is under way.
bool refused_by_capture() {
    bool refused = false;
    for (const auto &capture : captures) {
        if (capture->mode == cudaStreamCaptureModeRelaxed) continue;
        if (capture->mode == cudaStreamCaptureModeThreadLocal && capture->thread != std::this_thread::get_id())
            continue;
        capture->valid = false;
        refused = true;
    }
    return refused;
}

Capture *find_capture(uint64_t number) {
    for (const auto &capture : captures) {
        if (capture->number == number) return capture.get();
    }
    return nullptr;
}

// Runs a queue up to a position; the first error, if any.
cudaError_t run_to(Queue &queue, uint64_t position) {
    cudaError_t first = cudaSuccess;
    while (queue.done < position) {
        const Work work = std::move(queue.waiting.front());
        queue.waiting.pop_front();
        const cudaError_t error = work();
        queue.done++;
        if (first == cudaSuccess) first = error;
    }
    return first;
}

cudaError_t run_all(bool blocking_alone) {
    cudaError_t first = cudaSuccess;
    for (const auto &queue : queues) {
        if (blocking_alone && !queue->blocking) continue;
        const cudaError_t error = run_to(*queue, queue->given);
        if (first == cudaSuccess) first = error;
    }
    return first;
}

cudaError_t submit(cudaStream_t stream, Work work) {
    Lock lock(device_mutex());
    if (const cudaError_t error = usable()) return error;
    if (stream && stream->capture) {
        stream->capture->graph->work.push_back(std::move(work));
        return cudaSuccess;
    }
    if (!stream) {
        if (refused_by_capture()) return report(cudaErrorStreamCaptureUnsupported);
        const cudaError_t error = run_all(true);
        return report(error == cudaSuccess ? work() : error);
    }
    stream->queue->waiting.push_back(std::move(work));
    stream->queue->given++;
    return deferred ? cudaSuccess : report(run_to(*stream->queue, stream->queue->given));
}

cudaError_t bad_copy(Kind kind, const std::string &text) {
    ist::emulation::set_finding({kind, "copy", text});
    return cudaErrorInvalidValue;
}

// Device ranges must lie within one allocation, host ranges outside the device's addresses, as the kind says.
cudaError_t check_range(const void *pointer, size_t bytes, bool device, const char *doing) {
    if (ist::emulation::in_arena(pointer) != device) {
        return bad_copy(Kind::kHostMemory, std::string(doing) + (device ? " device memory was given a host pointer"
                                                                        : " host memory was given a device pointer"));
    }
    if (device && !ist::emulation::find_allocation(pointer, bytes)) {
        return bad_copy(Kind::kBounds, std::string(doing) + " device memory: " + std::to_string(bytes) +
                                           " bytes go beyond the allocation");
    }
    return cudaSuccess;
}

cudaError_t copy_now(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
    if (bytes == 0) return cudaSuccess;
    const bool to_device = kind == cudaMemcpyDefault
                               ? ist::emulation::in_arena(to)
                               : kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool from_device = kind == cudaMemcpyDefault
                                 ? ist::emulation::in_arena(from)
                                 : kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    cudaError_t error = check_range(to, bytes, to_device, "A copy to");
    if (error == cudaSuccess) error = check_range(from, bytes, from_device, "A copy from");
    if (error != cudaSuccess) return error;
    OpenMemory open;
    std::memmove(to, from, bytes);
    if (to_device) ist::emulation::checker::written(to, bytes);
    return cudaSuccess;
}

cudaError_t set_now(void *to, int value, size_t bytes) {
    if (bytes == 0) return cudaSuccess;
    const cudaError_t error = check_range(to, bytes, true, "A fill of");
    if (error != cudaSuccess) return error;
    OpenMemory open;
    std::memset(to, value, bytes);
    ist::emulation::checker::written(to, bytes);
    return cudaSuccess;
}

} // namespace

namespace ist::emulation {

void set_deferred(bool on) {
    Lock lock(device_mutex());
    run_all(false);
    deferred = on;
}

void set_fail_after(int64_t launches) {
    Lock lock(device_mutex());
    launches_left = launches;
    failed = false;
}

bool is_pinned(const void *pointer) {
    char *p = static_cast<char *>(const_cast<void *>(pointer));
    const auto it = pinned.upper_bound(p);
    return it != pinned.begin() && p < std::prev(it)->first + std::prev(it)->second;
}

int enqueue(cudaStream_t stream, std::function<void()> work) {
    return submit(stream, [work = std::move(work)] {
        OpenMemory open;
        work();
        return cudaSuccess;
    });
}

int submit_launch(cudaStream_t stream, Launch launch) {
    Lock lock(device_mutex());
    const uint64_t threads = uint64_t(launch.block.x) * launch.block.y * launch.block.z;
    const uint64_t blocks = uint64_t(launch.grid.x) * launch.grid.y * launch.grid.z;
    if (threads == 0 || threads > kMaxThreads || launch.block.z > 64 || blocks == 0 || launch.grid.x > 0x7fffffff ||
        launch.grid.y > 65535 || launch.grid.z > 65535) {
        return report(cudaErrorInvalidConfiguration);
    }
    size_t limit = 48 << 10;
    for (const auto &[kernel, bytes] : shared_limits) {
        if (kernel == launch.kernel) limit = std::max(limit, size_t(bytes));
    }
    if (launch.shared_bytes > limit) return report(cudaErrorInvalidValue);
    return submit(stream, [launch] { return run_launch(launch); });
}

} // namespace ist::emulation

const char *cudaGetErrorName(cudaError_t error) {
    switch (error) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle: return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady: return "cudaErrorNotReady";
    case cudaErrorIllegalAddress: return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure: return "cudaErrorLaunchFailure";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
    case cudaErrorStreamCaptureUnjoined: return "cudaErrorStreamCaptureUnjoined";
    case cudaErrorIllegalState: return "cudaErrorIllegalState";
    case cudaErrorUnknown: break;
    }
    return "cudaErrorUnknown";
}

const char *cudaGetErrorString(cudaError_t error) {
    static thread_local std::string text;
    switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInvalidConfiguration: return "invalid configuration argument";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle: return "invalid resource handle";
    case cudaErrorNotReady: return "device not ready";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure: {
        Lock lock(device_mutex());
        text = ist::emulation::last_finding();
        return text.c_str();
    }
    case cudaErrorStreamCaptureUnsupported: return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated: return "operation failed due to a previous error during capture";
    case cudaErrorStreamCaptureUnjoined: return "capturing stream has unjoined work";
    case cudaErrorIllegalState: return "the operation cannot be performed in the present state";
    case cudaErrorUnknown: break;
    }
    return "unknown error";
}

cudaError_t cudaGetLastError() {
    const cudaError_t error = last_error;
    last_error = failed ? error : cudaSuccess;
    return error;
}
cudaError_t cudaPeekAtLastError() { return last_error; }

cudaError_t cudaDriverGetVersion(int *version) {
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int *version) {
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int *n) {
    *n = n_devices();
    return cudaSuccess;
}
cudaError_t cudaGetDevice(int *device) {
    *device = current_device;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
    if (const cudaError_t error = usable()) return error;
    if (device < 0 || device >= n_devices()) return report(cudaErrorInvalidDevice);
    current_device = device;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device) {
    if (device < 0 || device >= n_devices()) return report(cudaErrorInvalidDevice);
    *properties = cudaDeviceProp();
    std::snprintf(properties->name, sizeof(properties->name), "Emulated GPU");
    properties->totalGlobalMem = ist::emulation::capacity();
    properties->sharedMemPerBlock = 48 << 10;
    properties->sharedMemPerBlockOptin = most_shared();
    properties->sharedMemPerMultiprocessor = most_shared() + 1024;
    properties->regsPerBlock = 65536;
    properties->warpSize = 32;
    properties->maxThreadsPerBlock = ist::emulation::kMaxThreads;
    properties->maxThreadsPerMultiProcessor = 2048;
    properties->multiProcessorCount = 8;
    properties->major = 9;
    properties->l2CacheSize = 50 << 20;
    properties->pciBusID = device;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device) {
    cudaDeviceProp p;
    const cudaError_t error = cudaGetDeviceProperties(&p, device);
    if (error != cudaSuccess) return error;
    switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock: *value = p.maxThreadsPerBlock; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = int(p.sharedMemPerBlock); break;
    case cudaDevAttrWarpSize: *value = p.warpSize; break;
    case cudaDevAttrMultiProcessorCount: *value = p.multiProcessorCount; break;
    case cudaDevAttrL2CacheSize: *value = p.l2CacheSize; break;
    case cudaDevAttrComputeCapabilityMajor: *value = p.major; break;
    case cudaDevAttrComputeCapabilityMinor: *value = p.minor; break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = int(p.sharedMemPerMultiprocessor); break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = int(p.sharedMemPerBlockOptin); break;
    }
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
    Lock lock(device_mutex());
    if (const cudaError_t error = usable()) return error;
    return report(refused_by_capture() ? cudaErrorStreamCaptureUnsupported : run_all(false));
}
cudaError_t cudaDeviceReset() { return cudaDeviceSynchronize(); }

cudaError_t cudaMalloc(void **pointer, size_t bytes) {
    Lock lock(device_mutex());
    if (const cudaError_t error = usable()) return error;
    if (refused_by_capture()) return report(cudaErrorStreamCaptureUnsupported);
    *pointer = nullptr;
    if (bytes == 0) return cudaSuccess;
    *pointer = ist::emulation::allocate(bytes);
    return *pointer ? cudaSuccess : report(cudaErrorMemoryAllocation);
}
cudaError_t cudaFree(void *pointer) {
    Lock lock(device_mutex());
    if (const cudaError_t error = usable()) return error;
    if (refused_by_capture()) return report(cudaErrorStreamCaptureUnsupported);
    const cudaError_t error = run_all(false); // freeing waits for the device
    return report(!pointer || ist::emulation::release(pointer) ? error : cudaErrorInvalidValue);
}
cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
    Lock lock(device_mutex());
    if (const cudaError_t error = usable()) return error;
    *total = ist::emulation::capacity();
    *free = *total - std::min(*total, ist::emulation::allocated());
    return cudaSuccess;
}
cudaError_t cudaHostAlloc(void **pointer, size_t bytes, unsigned) {
    Lock lock(device_mutex());
    if (const cudaError_t error = usable()) return error;
    if (refused_by_capture()) return report(cudaErrorStreamCaptureUnsupported);
    *pointer = std::aligned_alloc(4096, (std::max(bytes, size_t(1)) + 4095) / 4096 * 4096);
    if (!*pointer) return report(cudaErrorMemoryAllocation);
    pinned[static_cast<char *>(*pointer)] = bytes;
    return cudaSuccess;
}
cudaError_t cudaMallocHost(void **pointer, size_t bytes) { return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault); }
cudaError_t cudaFreeHost(void *pointer) {
    Lock lock(device_mutex());
    run_all(false);
    if (pointer && !pinned.erase(static_cast<char *>(pointer))) return report(cudaErrorInvalidValue);
    std::free(pointer);
    return cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) {
    return submit(nullptr, [=] { return copy_now(to, from, bytes, kind); });
}
// Host memory that is not pinned is read before the call returns, and written before it, too.
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    Lock lock(device_mutex());
    const bool captured = stream && stream->capture;
    const auto pageable = [](const void *p) { return !ist::emulation::in_arena(p) && !ist::emulation::is_pinned(p); };
    if (deferred && !captured && bytes > 0 && pageable(from)) {
        const char *bytes_begin = static_cast<const char *>(from);
        auto kept = std::make_shared<const std::vector<char>>(bytes_begin, bytes_begin + bytes);
        return submit(stream, [=] { return copy_now(to, kept->data(), bytes, kind); });
    }
    const cudaError_t error = submit(stream, [=] { return copy_now(to, from, bytes, kind); });
    if (error != cudaSuccess || !stream || captured || !pageable(to)) return error;
    return report(run_to(*stream->queue, stream->queue->given));
}
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                              size_t height, cudaMemcpyKind kind, cudaStream_t stream) {
    if (width > to_pitch || width > from_pitch) return report(cudaErrorInvalidValue);
    return submit(stream, [=] {
        for (size_t y = 0; y < height; y++) {
            const cudaError_t error = copy_now(static_cast<char *>(to) + y * to_pitch,
                                               static_cast<const char *>(from) + y * from_pitch, width, kind);
            if (error != cudaSuccess) return error;
        }
        return cudaSuccess;
    });
}
cudaError_t cudaMemset(void *to, int value, size_t bytes) {
    return submit(nullptr, [=] { return set_now(to, value, bytes); });
}
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
    return submit(stream, [=] { return set_now(to, value, bytes); });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
    Lock lock(device_mutex());
    if (const cudaError_t error = usable()) return error;
    *stream = new CUstream_st;
    (*stream)->queue->blocking = flags != cudaStreamNonBlocking;
    queues.push_back((*stream)->queue);
    return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    Lock lock(device_mutex());
    const cudaError_t error = run_to(*stream->queue, stream->queue->given);
    queues.remove(stream->queue);
    delete stream;
    return report(error);
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    Lock lock(device_mutex());
    if (const cudaError_t error = usable()) return error;
    if (!stream) return cudaDeviceSynchronize();
    if (!stream->capture) return report(run_to(*stream->queue, stream->queue->given));
    stream->capture->valid = false;
    return report(cudaErrorStreamCaptureUnsupported);
}
cudaError_t cudaStreamQuery(cudaStream_t stream) { return cudaStreamSynchronize(stream); }
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    Lock lock(device_mutex());
    if (event->capture) {
        Capture *capture = find_capture(event->capture);
        if (!capture || !stream) return report(cudaErrorStreamCaptureUnsupported);
        if (!stream->capture) {
            stream->capture = capture;
            capture->joined.push_back(stream);
        } else if (stream != event->stream) {
            capture->joined.remove(event->stream);
        }
        return cudaSuccess;
    }
    if (!event->queue || (stream && stream->queue == event->queue)) return cudaSuccess;
    return submit(stream, [queue = event->queue, position = event->position] { return run_to(*queue, position); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
    *event = new CUevent_st;
    return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    Lock lock(device_mutex());
    event->capture = stream && stream->capture ? stream->capture->number : 0;
    event->stream = stream;
    event->queue = stream ? stream->queue : nullptr;
    event->position = stream ? stream->queue->given : 0;
    if (!stream) run_all(true);
    event->recorded = true;
    event->time = std::chrono::steady_clock::now();
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    Lock lock(device_mutex());
    if (const cudaError_t error = usable()) return error;
    if (!event->capture) return event->queue ? report(run_to(*event->queue, event->position)) : cudaSuccess;
    if (Capture *capture = find_capture(event->capture)) capture->valid = false;
    return report(cudaErrorStreamCaptureUnsupported);
}
cudaError_t cudaEventQuery(cudaEvent_t event) { return cudaEventSynchronize(event); }
cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end) {
    if (!start->recorded || !end->recorded) return report(cudaErrorInvalidResourceHandle);
    *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    Lock lock(device_mutex());
    if (const cudaError_t error = usable()) return error;
    if (!stream) return report(cudaErrorStreamCaptureUnsupported);
    if (stream->capture) return report(cudaErrorIllegalState);
    captures.push_back(std::make_unique<Capture>());
    captures.back()->number = ++n_captures;
    stream->capture = captures.back().get();
    stream->capture->origin = stream;
    stream->capture->mode = mode;
    stream->capture->thread = std::this_thread::get_id();
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    Lock lock(device_mutex());
    *graph = nullptr;
    Capture *capture = stream ? stream->capture : nullptr;
    if (!capture || capture->origin != stream) return report(cudaErrorIllegalState);
    cudaError_t error = cudaSuccess;
    if (!capture->joined.empty()) error = cudaErrorStreamCaptureUnjoined;
    if (!capture->valid) error = cudaErrorStreamCaptureInvalidated;
    if (error == cudaSuccess) *graph = capture->graph.release();
    for (CUstream_st *other : capture->joined) other->capture = nullptr;
    stream->capture = nullptr;
    captures.remove_if([&](const auto &c) { return c.get() == capture; });
    return report(error);
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status) {
    Lock lock(device_mutex());
    *status = !stream || !stream->capture ? cudaStreamCaptureStatusNone
              : stream->capture->valid    ? cudaStreamCaptureStatusActive
                                          : cudaStreamCaptureStatusInvalidated;
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long) {
    *executable = new CUgraphExec_st{graph->work};
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
    return submit(stream, [work = executable->work] {
        for (const Work &w : work) {
            const cudaError_t error = w();
            if (error != cudaSuccess) return error;
        }
        return cudaSuccess;
    });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
    delete executable;
    return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value) {
    Lock lock(device_mutex());
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
    if (value < 0 || size_t(value) > most_shared()) return report(cudaErrorInvalidValue);
    for (auto &[known, bytes] : shared_limits) {
        if (known == kernel) {
            bytes = value;
            return cudaSuccess;
        }
    }
    shared_limits.emplace_back(kernel, value);
    return cudaSuccess;
}
