// cuda_images.cpp - see cuda_images.h.
#include "cuda_images.h"

#include <algorithm>
#include <vector>

namespace ist::cuda {
namespace {

constexpr int64_t kChunkBytes = 64 << 20; // of pixels reordered on the host at a time

} // namespace

CudaImages::CudaImages(Device &device, const HostImages &h) {
    n_images = h.n_images, channels = h.channels, height = h.height, width = h.width, n_classes = h.n_classes;
    const int64_t plane = int64_t(height) * width, image = plane * channels;
    pixels_ = DeviceBuffer(device, size_t(n_images * image));
    labels_ = DeviceBuffer(device, size_t(n_images) * sizeof(int32_t));
    table_ = DeviceBuffer(device, size_t(channels) * 256 * sizeof(float));

    const int64_t at_once = std::max<int64_t>(1, kChunkBytes / image);
    std::vector<uint8_t> nhwc(size_t(std::min(at_once, n_images) * image));
    for (int64_t first = 0; first < n_images; first += at_once) {
        const int64_t n = std::min(at_once, n_images - first);
        for (int64_t i = 0; i < n; i++)
            for (int c = 0; c < channels; c++)
                for (int64_t p = 0; p < plane; p++)
                    nhwc[size_t((i * plane + p) * channels + c)] = h.images[((first + i) * channels + c) * plane + p];
        device.upload(pixels_.as<uint8_t>() + first * image, nhwc.data(), size_t(n * image));
    }
    device.upload(labels_.data(), h.labels, size_t(n_images) * sizeof(int32_t));
    std::vector<float> table(size_t(channels) * 256);
    for (int c = 0; c < channels; c++)
        for (int v = 0; v < 256; v++) table[size_t(c) * 256 + size_t(v)] = float((v / 255.0 - h.mean[c]) / h.std[c]);
    device.upload(table_.data(), table.data(), table.size() * sizeof(float));
    device.wait();
}

ImageBytes CudaImages::bytes() const {
    ImageBytes bytes;
    bytes.pixels = pixels_.as<uint8_t>(), bytes.table = table_.as<float>();
    bytes.height = height, bytes.width = width, bytes.channels = channels;
    return bytes;
}

} // namespace ist::cuda
