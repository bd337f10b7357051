// thread_pool.h - the engine's threads, and teams of them that work on one point.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace ist::cpu {

// A function that somebody else keeps alive: calling through it allocates nothing, as std::function may.
template <class Signature> class FunctionRef;
template <class... Arguments> class FunctionRef<void(Arguments...)> {
  public:
    template <class Body, class = std::enable_if_t<!std::is_same_v<std::decay_t<Body>, FunctionRef>>>
    FunctionRef(const Body &body)
        : body_(&body),
          call_([](const void *b, Arguments... arguments) { (*static_cast<const Body *>(b))(arguments...); }) {}
    void operator()(Arguments... arguments) const { call_(body_, arguments...); }

  private:
    const void *body_;
    void (*call_)(const void *, Arguments...);
};

// Runs one function on all threads at a time; the calling thread is thread 0. oneDNN runs single-threaded in each.
class ThreadPool {
  public:
    explicit ThreadPool(int n_threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool &) = delete;
    ThreadPool &operator=(const ThreadPool &) = delete;

    int size() const { return int(workers_.size()) + 1; }
    // Makes oneDNN single-threaded in the calling thread, for what it compiles there.
    static void enter();
    // body(thread); the first exception thrown is rethrown here when all have ended.
    void run(FunctionRef<void(int)> body);
    // body(begin, end) over chunks of `grain` items; chunks may run in any order.
    void parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> body);

  private:
    void work(int thread);
    void call(int thread);

    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable start_, done_;
    const FunctionRef<void(int)> *body_ = nullptr;
    uint64_t generation_ = 0;
    int running_ = 0;
    bool stop_ = false;
    std::exception_ptr error_;
};

// Meeting point of the threads of a team. A thread that fails calls abandon(), and the others leave with an exception.
class Barrier {
  public:
    explicit Barrier(int n = 1) : n_(n) {}
    void reset(int n) { // while nobody waits
        n_ = n;
        waiting_.store(0);
        abandoned_.store(false);
    }
    void wait();
    void abandon() { abandoned_.store(true); }

  private:
    int n_;
    std::atomic<int> waiting_{0};
    std::atomic<uint32_t> round_{0};
    std::atomic<bool> abandoned_{false};
};

} // namespace ist::cpu
