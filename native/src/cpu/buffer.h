// buffer.h - zeroed, cache-line aligned memory that says how much was asked and how much is there when it fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace ist::cpu {

class Buffer {
  public:
    Buffer() = default;
    explicit Buffer(size_t bytes);
    ~Buffer();
    Buffer(Buffer &&other) noexcept
        : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Buffer &operator=(Buffer &&other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    void *data() const { return data_; }
    template <class T> T *as() const { return static_cast<T *>(data_); }
    char *bytes_at(size_t offset) const { return static_cast<char *>(data_) + offset; }
    size_t size() const { return bytes_; }
    void *release() {
        bytes_ = 0;
        return std::exchange(data_, nullptr);
    }
    static void free(void *data) noexcept;

  private:
    void *data_ = nullptr;
    size_t bytes_ = 0;
};

} // namespace ist::cpu
