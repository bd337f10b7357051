// cpu_images.h - a data set on the host, and the assembly of (augmented) batches from it.
#pragma once

#include <vector>

#include "../backend.h"
#include "../random.h"

namespace ist::cpu {

class CpuImages : public DeviceImages {
  public:
    explicit CpuImages(const HostImages &images);
    // dst [height][width][channels]: normalised pixels of one image, moved and mirrored as the sample says; what lies
    // outside the image is 0 after normalisation.
    void assemble(const Sample &sample, float *dst) const;
    int label(int64_t image) const { return labels_[size_t(image)]; }

  private:
    std::vector<uint8_t> pixels_; // [n_images][height][width][channels]
    std::vector<int32_t> labels_;
    std::vector<float> table_; // [channels][256]
};

} // namespace ist::cpu
