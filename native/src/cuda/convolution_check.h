// convolution_check.h - the own convolutions of a network against a library's, one by one, on random numbers.
#pragma once

#include "../network.h"
#include "convolution_library.h"
#include "isthmus/isthmus.h"

namespace ist::cuda {

// As ist_model_check_convolutions; the number of shapes.
int check_convolutions(Device &device, ConvolutionLibrary &library, const Network &network, Element element,
                       int n_images, int capacity, ist_convolution_check *out);

} // namespace ist::cuda
