// device_vectors.h - for tests of vectors and paths on the CUDA backend: data on two backends, plain loops in double.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "backend.h"
#include "cuda/cuda_backend.h"
#include "emulation.h"

namespace ist::test {

using Floats = std::vector<float>;

inline bool same_bits(const Floats &a, const Floats &b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

// Numbers of a fixed sequence, in [-1, 1).
class Noise {
  public:
    explicit Noise(uint64_t seed) : state_(seed * 2 + 1) {}
    double operator()() {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return double(int64_t(state_) >> 11) / double(int64_t(1) << 52);
    }
    Floats floats(int64_t count, double scale = 1) {
        Floats values(count);
        for (float &v : values) v = float(scale * (*this)());
        return values;
    }

  private:
    uint64_t state_;
};

// A vector on a backend, `shift` floats behind an aligned address.
class OnDevice {
  public:
    OnDevice(Backend &backend, const Floats &values, int shift = 0)
        : backend_(backend), base_(backend.allocate(int64_t(values.size()) + shift)), data_(base_ + shift),
          count_(int64_t(values.size())) {
        backend_.upload(data_, values.data(), count_);
    }
    ~OnDevice() { backend_.release(base_); }
    OnDevice(const OnDevice &) = delete;
    float *data() const { return data_; }
    Floats read() const {
        Floats values(count_);
        backend_.download(values.data(), data_, count_);
        return values;
    }

  private:
    Backend &backend_;
    float *base_, *data_;
    int64_t count_;
};

// Both backends; every test is repeated for several orders of blocks and threads.
class DeviceTest : public testing::Test {
  protected:
    static constexpr int kSeeds = 3;
    std::unique_ptr<Backend> cpu = create_cpu_backend(1), gpu = cuda::create_cuda_backend(0);
};

} // namespace ist::test
