// device.h - one GPU: its stream, its memory, what it is. All work of a backend goes through the one stream.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "../../../kernels/tensor.h"

namespace ist::cuda {

class Device {
  public:
    explicit Device(int ordinal); // that require_device (cuda_device.h) let pass
    ~Device();
    Device(const Device &) = delete;
    Device &operator=(const Device &) = delete;

    // Makes it the device of the calling thread: before kernels are launched, and in every function below.
    void use() const;
    Stream stream() const { return stream_; }

    // One line: name, compute capability, memory, versions.
    const std::string &description() const { return description_; }
    int compute_capability() const { return compute_capability_; } // 10 * major + minor
    int n_multiprocessors() const { return n_multiprocessors_; }
    size_t shared_memory_per_block() const { return shared_memory_per_block_; } // the most a kernel may ask for

    void *allocate(size_t bytes); // zeroed; Error(IST_OUT_OF_MEMORY) names bytes asked and available
    void release(void *memory) noexcept;

    // In order with everything on the stream. Downloads and wait() block until it is done; an upload returns once the
    // host's memory may change.
    void upload(void *dst, const void *host_src, size_t bytes);
    void download(void *host_dst, const void *src, size_t bytes);
    void copy(void *dst, const void *src, size_t bytes);
    void clear(void *dst, size_t bytes);
    void wait();

  private:
    const int ordinal_;
    Stream stream_ = nullptr;
    std::string name_, description_;
    int compute_capability_ = 0, n_multiprocessors_ = 0;
    size_t shared_memory_per_block_ = 0;
};

// Memory on a device, zeroed, freed with the object. The device outlives it.
class DeviceBuffer {
  public:
    DeviceBuffer() = default;
    DeviceBuffer(Device &device, size_t bytes)
        : device_(&device), data_(bytes > 0 ? device.allocate(bytes) : nullptr), bytes_(bytes) {}
    ~DeviceBuffer() {
        if (data_) device_->release(data_);
    }
    DeviceBuffer(DeviceBuffer &&other) noexcept
        : device_(other.device_), data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    DeviceBuffer &operator=(DeviceBuffer &&other) noexcept {
        std::swap(device_, other.device_);
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }

    // At least so many bytes; what it held is lost when it grows.
    void reserve(Device &device, size_t bytes) {
        if (bytes <= bytes_) return;
        *this = DeviceBuffer(); // freed first: there may not be room for both
        *this = DeviceBuffer(device, bytes);
    }

    size_t bytes() const { return bytes_; }
    void *data() const { return data_; }
    template <class T> T *as() const { return static_cast<T *>(data_); }

  private:
    Device *device_ = nullptr;
    void *data_ = nullptr;
    size_t bytes_ = 0;
};

} // namespace ist::cuda
