// dense_path.h - the convolutions of a pass through a library (convolution_library.h): what the own kernels do in one,
// in steps. Operands are written out dense, the library convolves point by point, elementwise kernels do the rest.
#pragma once

#include <map>
#include <memory>

#include "../../../kernels/filters.h"
#include "convolution_library.h"

namespace ist::cuda {

class DensePath {
  public:
    // `shapes`: of the convolutions, by op.
    DensePath(Device &device, ConvolutionLibrary &library, const std::map<int, ConvShape> &shapes, Element element,
              int n_images, int most_points);

    // As the functions of kernels/convolution.h, without packed weights; `weight`: offset in a parameter row. No bias
    // and no statistics.
    void forward(int op, const ConvForward &conv, int64_t weight, int n_points);
    // Leaves elementwise_backward_parts(input_of(op)) parts of sums.
    void backward_data(int op, const ConvBackwardData &conv, int64_t weight, int n_points);
    void backward_weights(int op, const ConvBackwardWeights &conv, int n_points);

    // The dense input of a convolution.
    Tensor input_of(int op) const;

  private:
    struct Convolution {
        ConvShape shape; // not padded
        std::unique_ptr<DenseConvolution> dense;
    };
    Tensor tensor(const DeviceBuffer &buffer, int height, int width, int channels) const;
    Tensor output_of(int op) const;
    Filters filters(int op, int64_t weight) const;
    void write_output_gradient(const OutputGradient &dz, const Tensor &to, ConstRows params, int n_points);
    void clear_padding(const Tensor &tensor, int n_points);
    int padded(int channels) const;
    template <class Body> void each_point(int op, int n_points, Body body);

    Device &device_;
    const Element element_;
    const int n_images_;
    std::map<int, Convolution> convolutions_;
    DeviceBuffer inputs_, outputs_, filters_, workspace_;
    int64_t input_elements_ = 0, output_elements_ = 0, filter_elements_ = 0; // of a point
};

} // namespace ist::cuda
