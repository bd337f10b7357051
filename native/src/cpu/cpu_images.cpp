// cpu_images.cpp - see cpu_images.h.
#include "cpu_images.h"

#include <algorithm>

namespace ist::cpu {

CpuImages::CpuImages(const HostImages &h) {
    n_images = h.n_images, channels = h.channels, height = h.height, width = h.width, n_classes = h.n_classes;
    const int64_t plane = int64_t(height) * width;
    pixels_.resize(size_t(n_images * plane * channels));
    for (int64_t i = 0; i < n_images; i++)
        for (int c = 0; c < channels; c++)
            for (int64_t p = 0; p < plane; p++)
                pixels_[size_t((i * plane + p) * channels + c)] = h.images[(i * channels + c) * plane + p];
    labels_.assign(h.labels, h.labels + n_images);
    table_.resize(size_t(channels) * 256);
    for (int c = 0; c < channels; c++)
        for (int v = 0; v < 256; v++) table_[size_t(c) * 256 + size_t(v)] = float((v / 255.0 - h.mean[c]) / h.std[c]);
}

void CpuImages::assemble(const Sample &sample, float *dst) const {
    const uint8_t *image = pixels_.data() + sample.image * height * width * channels;
    for (int y = 0; y < height; y++) {
        float *row = dst + int64_t(y) * width * channels;
        const int from_y = y + sample.dy;
        if (from_y < 0 || from_y >= height) {
            std::fill(row, row + int64_t(width) * channels, 0.f);
            continue;
        }
        for (int x = 0; x < width; x++, row += channels) {
            const int from_x = (sample.flip ? width - 1 - x : x) + sample.dx;
            if (from_x < 0 || from_x >= width) {
                std::fill(row, row + channels, 0.f);
                continue;
            }
            const uint8_t *pixel = image + (int64_t(from_y) * width + from_x) * channels;
            for (int c = 0; c < channels; c++) row[c] = table_[size_t(c) * 256 + pixel[c]];
        }
    }
}

} // namespace ist::cpu
