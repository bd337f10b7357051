// thread_pool.cpp - see thread_pool.h.
#include "thread_pool.h"

#include <algorithm>

#include "../error.h"

extern "C" void omp_set_num_threads(int); // of the OpenMP library that oneDNN uses

namespace ist::cpu {

ThreadPool::ThreadPool(int n_threads) {
    for (int t = 1; t < n_threads; t++) workers_.emplace_back([this, t] { work(t); });
}

ThreadPool::~ThreadPool() {
    {
        std::lock_guard<std::mutex> lock(mutex_);
        stop_ = true;
    }
    start_.notify_all();
    for (std::thread &worker : workers_) worker.join();
}

void ThreadPool::work(int thread) {
    uint64_t seen = 0;
    for (;;) {
        {
            std::unique_lock<std::mutex> lock(mutex_);
            start_.wait(lock, [&] { return stop_ || generation_ != seen; });
            if (stop_) return;
            seen = generation_;
        }
        call(thread);
        std::lock_guard<std::mutex> lock(mutex_);
        if (--running_ == 0) done_.notify_all();
    }
}

void ThreadPool::enter() { omp_set_num_threads(1); }

void ThreadPool::call(int thread) {
    enter();
    try {
        (*body_)(thread);
    } catch (...) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!error_) error_ = std::current_exception();
    }
}

void ThreadPool::run(FunctionRef<void(int)> body) {
    {
        std::lock_guard<std::mutex> lock(mutex_);
        body_ = &body;
        error_ = nullptr;
        running_ = int(workers_.size());
        generation_++;
    }
    start_.notify_all();
    call(0);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return running_ == 0; });
    body_ = nullptr;
    if (error_) std::rethrow_exception(error_);
}

void ThreadPool::parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
    const int64_t chunks = (n + grain - 1) / grain;
    if (chunks <= 1 || size() == 1) {
        for (int64_t c = 0; c < chunks; c++) body(c * grain, std::min(n, (c + 1) * grain));
        return;
    }
    std::atomic<int64_t> next{0};
    run([&](int) {
        for (int64_t c; (c = next.fetch_add(1)) < chunks;) body(c * grain, std::min(n, (c + 1) * grain));
    });
}

void Barrier::wait() {
    if (n_ == 1) return;
    const uint32_t round = round_.load();
    if (waiting_.fetch_add(1) + 1 == n_) {
        waiting_.store(0);
        round_.store(round + 1);
        return;
    }
    for (int spins = 0; round_.load() == round; spins++) {
        if (abandoned_.load()) throw Error(IST_INTERNAL, "another thread of the team failed");
        if (spins < 2000) __builtin_ia32_pause();
        else std::this_thread::yield();
    }
}

} // namespace ist::cpu
