// convolution_library.h - convolutions of dense activations and filters, as libraries have them: in place of the own
// kernels of ../../../kernels/convolution.h, to check them by.
//
// Activations are [image][y][x][channel], filters [filter][ky][kx][channel], all of one element type and with channels
// and filters padded to 16 bytes; sums are float32, float32 products are exact. Everything is in order on the device's
// stream, can be recorded in a graph, and gives the same bits every time.
#pragma once

#include <cstddef>
#include <memory>

#include "../../../kernels/convolution.h"
#include "device.h"

namespace ist::cuda {

// One convolution of a point's images.
class DenseConvolution {
  public:
    virtual ~DenseConvolution() = default;
    virtual size_t workspace_bytes() const = 0;
    virtual void forward(const void *x, const void *w, void *y, void *workspace) = 0;
    virtual void backward_data(const void *dy, const void *w, void *dx, void *workspace) = 0;
    virtual void backward_weights(const void *x, const void *dy, void *dw, void *workspace) = 0;
};

class ConvolutionLibrary {
  public:
    virtual ~ConvolutionLibrary() = default;
    // Channels and filters of `shape` are padded.
    virtual std::unique_ptr<DenseConvolution> prepare(const ConvShape &shape, Element element, int n_images) = 0;
};

// cuDNN on a device; Error(IST_UNSUPPORTED) where there is none.
std::unique_ptr<ConvolutionLibrary> open_cudnn(Device &device);

// What the environment variable ISTHMUS_CONVOLUTIONS asks for: nullptr for `own`, `auto` or none, which are the own
// kernels. Error(IST_INVALID_ARGUMENT) for another word, Error(IST_UNSUPPORTED) for `cudnn` where there is none.
std::unique_ptr<ConvolutionLibrary> chosen_convolutions(Device &device);

} // namespace ist::cuda
