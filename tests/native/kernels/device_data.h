// device_data.h - host copies of device data for tests of single kernels: tensors that are channel ranges of wider
// storages, vectors, parameter rows; and the runs that every kernel must survive.
#pragma once

#include <cstring>
#include <functional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "element.cuh"
#include "tensor.h"

namespace ist::cuda::test {

inline void succeed(cudaError_t error) {
    if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

// `host` is what the device is given and what comes back.
template <class T> class Device {
  public:
    explicit Device(size_t count, T value = T()) : host(count, value) {
        succeed(cudaMalloc(&device_, std::max<size_t>(1, count) * sizeof(T)));
        upload();
    }
    Device(const Device &) = delete;
    ~Device() { cudaFree(device_); }
    void upload() { copy(device_, host.data(), cudaMemcpyHostToDevice); }
    void download() { copy(host.data(), device_, cudaMemcpyDeviceToHost); }
    T *device() const { return device_; }

    std::vector<T> host;

  private:
    void copy(void *to, const void *from, cudaMemcpyKind kind) {
        if (!host.empty()) succeed(cudaMemcpy(to, from, host.size() * sizeof(T), kind));
    }
    T *device_ = nullptr;
};

struct Shape {
    int images, height, width, channels, pitch, first;
    int64_t rows() const { return int64_t(images) * height * width; }
};
inline void PrintTo(const Shape &s, std::ostream *out) {
    *out << s.images << "x" << s.height << "x" << s.width << "x" << s.channels << " of pitch " << s.pitch << " at "
         << s.first;
}

inline float rounded(double x, Element element) {
    switch (element) {
    case Element::kBf16: return to_float(from_float<bf16>(float(x)));
    case Element::kFp16: return to_float(from_float<fp16>(float(x)));
    default: return float(x);
    }
}

// Half the distance of neighbours of 1.
inline double rounding(Element element) {
    return element == Element::kFp32 ? 0x1p-24 : element == Element::kBf16 ? 0x1p-8 : 0x1p-11;
}

// A channel range of a storage of n points; the storage's other channels hold a pattern that must stay.
class Activations {
  public:
    Activations(Element element, int n_points, const Shape &shape)
        : element(element), n_points(n_points), shape(shape), stride((shape.rows() * shape.pitch + 127) / 128 * 128),
          data_(size_t(stride * n_points * bytes_of(element)), char(0x35)) {}

    Activations &fill(std::mt19937 &random, double scale = 1, double mean = 0) {
        std::normal_distribution<double> normal(mean, scale);
        each([&](int p, int64_t r, int c) { set(p, r, c, normal(random)); });
        upload();
        return *this;
    }
    template <class Body> void each(Body body) const {
        for (int p = 0; p < n_points; ++p)
            for (int64_t r = 0; r < shape.rows(); ++r)
                for (int c = 0; c < shape.channels; ++c) body(p, r, c);
    }
    double get(int point, int64_t row, int channel) const {
        const char *from = data_.host.data() + index(point, row, channel) * bytes_of(element);
        float x = 0;
        with_element(element, [&](auto t) {
            std::memcpy(&t, from, sizeof(t));
            x = to_float(t);
        });
        return double(x);
    }
    void set(int point, int64_t row, int channel, double value) {
        char *to = data_.host.data() + index(point, row, channel) * bytes_of(element);
        with_element(element, [&](auto t) {
            t = from_float<decltype(t)>(float(value));
            std::memcpy(to, &t, sizeof(t));
        });
    }
    int64_t row(int image, int y, int x) const { return (int64_t(image) * shape.height + y) * shape.width + x; }
    // The tensor of the points from `point` on.
    Tensor tensor(int point = 0) const {
        Tensor t;
        t.data = data_.device() + (stride * point + shape.first) * bytes_of(element);
        t.element = element, t.point_stride = stride;
        t.height = shape.height, t.width = shape.width, t.channels = shape.channels, t.pitch = shape.pitch;
        return t;
    }
    void upload() { data_.upload(); }
    void download() { data_.download(); }
    Device<char> &bytes() { return data_; }
    void expect_neighbours_untouched() const {
        for (size_t i = 0; i < data_.host.size(); ++i) {
            const int64_t e = int64_t(i) / bytes_of(element), in_point = e % stride;
            const int64_t c = in_point % shape.pitch - shape.first;
            const bool inside = in_point < shape.rows() * shape.pitch && c >= 0 && c < shape.channels;
            if (!inside) {
                ASSERT_EQ(data_.host[i], char(0x35)) << "byte " << i << " lies outside the tensor";
            }
        }
    }
    // |got - expected| <= error * (|expected| + scale) + half a unit of the element's rounding.
    void expect(const std::function<double(int, int64_t, int)> &expected, double error, double scale = 1) const {
        int wrong = 0;
        each([&](int p, int64_t r, int c) {
            const double want = expected(p, r, c), have = get(p, r, c);
            const double allowed = (error + 1.01 * rounding(element)) * std::abs(want) + error * scale;
            if (!(std::abs(want - have) <= allowed) && wrong++ < 5)
                ADD_FAILURE() << "point " << p << " row " << r << " channel " << c << ": " << have << ", not " << want;
        });
        expect_neighbours_untouched();
    }

    const Element element;
    const int n_points;
    const Shape shape;
    const int64_t stride;

  private:
    size_t index(int point, int64_t row, int channel) const {
        return size_t(stride * point + row * shape.pitch + shape.first + channel);
    }
    Device<char> data_;
};

// A float vector per point.
class PointVectors {
  public:
    PointVectors(int n_points, int64_t size)
        : size(size), stride((size + 3) / 4 * 4), data(size_t(n_points * stride), -7.f) {}
    float &at(int point, int64_t i) { return data.host[size_t(point * stride + i)]; }
    Vectors vectors(int point = 0) const { return {data.device() + point * stride, stride}; }
    template <class Value> PointVectors &fill(Value value) {
        for (float &x : data.host) x = float(value());
        data.upload();
        return *this;
    }
    const int64_t size, stride;
    Device<float> data;
};

// Rows of parameters, gradients or statistics, one pointer each, from the last to the first in memory.
class PointRows {
  public:
    PointRows(int n_points, int64_t size) : vectors(n_points, size), rows_(size_t(n_points)) {
        for (int p = 0; p < n_points; ++p) rows_.host[size_t(p)] = vectors.vectors(order(p)).data;
        rows_.upload();
    }
    float &at(int point, int64_t i) { return vectors.at(order(point), i); }
    Rows rows(int point = 0) const { return rows_.device() + point; }
    PointVectors vectors;

  private:
    int order(int point) const { return int(rows_.host.size()) - 1 - point; }
    Device<float *> rows_;
};

// Runs a kernel on n points three times with another order of blocks and threads, then point by point; every run must
// leave the same bytes in `outputs`, which hold their host copies before each. The results come back to the host.
// Checked mode, which looks for races itself, makes the first and the last run.
template <class... T>
void run_all_ways(int n_points, const std::function<void(int first, int n)> &run, Device<T> &...outputs) {
    const auto before = std::make_tuple(outputs.host...);
    decltype(std::make_tuple(outputs.host...)) first;
    for (int way = 0; way < 4; way += emulation::kChecked ? 3 : 1) {
        std::tie(outputs.host...) = before;
        (outputs.upload(), ...);
        emulation::set_seed(uint64_t(way) * 7919 + 1);
        if (way < 3) run(0, n_points);
        else
            for (int p = 0; p < n_points; ++p) run(p, 1);
        succeed(cudaDeviceSynchronize());
        (outputs.download(), ...);
        const auto now = std::make_tuple(outputs.host...);
        if (way == 0) first = now;
        const auto same = [](const auto &a, const auto &b) {
            return std::memcmp(a.data(), b.data(), a.size() * sizeof(a[0])) == 0;
        };
        std::apply(
            [&](const auto &...a) {
                std::apply([&](const auto &...b) { EXPECT_TRUE((same(a, b) && ...)) << "other bits in run " << way; },
                           now);
            },
            first);
    }
}

inline const char *name_of(Element element) {
    return element == Element::kFp32 ? "fp32" : element == Element::kBf16 ? "bf16" : "fp16";
}

} // namespace ist::cuda::test
