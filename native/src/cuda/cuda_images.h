// cuda_images.h - a data set in device memory: bytes, labels, and the table that normalises.
#pragma once

#include "../../../kernels/augment.h"
#include "../backend.h"
#include "device.h"

namespace ist::cuda {

class CudaImages : public DeviceImages {
  public:
    CudaImages(Device &device, const HostImages &images);
    ImageBytes bytes() const;
    const int32_t *labels() const { return labels_.as<int32_t>(); }

  private:
    DeviceBuffer pixels_; // [n_images][height][width][channels]
    DeviceBuffer labels_; // [n_images]
    DeviceBuffer table_;  // [channels][256]
};

} // namespace ist::cuda
