// network_builder.h - writes a Network op by op; keeps shapes, tensors and their initialisation consistent.
#pragma once

#include <string>
#include <vector>

#include "network.h"

namespace ist {

// Methods append an op and return the index of the value it writes; `name` is the prefix of its tensors'
// state-dictionary keys ("conv1" -> "conv1.weight"). They throw Error(IST_INVALID_ARGUMENT) where a value would be
// empty or too large.
class NetworkBuilder {
  public:
    NetworkBuilder(const std::string &spec, int channels, int height, int width, int n_classes);

    int input() const { return 0; }
    int n_classes() const { return network_.n_classes; }
    const Value &value(int index) const { return network_.values.at(index); }

    // Square kernel, He initialisation.
    int conv(int src, const std::string &name, int filters, int kernel, int stride, int padding, bool bias = false);
    int batch_norm(int src, const std::string &name, Activation activation = Activation::kNone, int residual = -1);
    int add(int src, int residual, Activation activation = Activation::kNone);
    int activation(int src, Activation activation);
    int concat(int src, int residual);
    int pad_shortcut(int src, int channels, int stride);
    int avg_pool(int src, int window);
    int max_pool(int src, int window);
    int global_avg_pool(int src);
    // PyTorch's default initialisation.
    int linear(int src, const std::string &name, int outputs);

    // Appends the loss; `logits` has n_classes channels and 1 x 1 places.
    Network finish(int logits);

  private:
    int tensor(const std::string &name, std::vector<int64_t> shape, ParamTensor::Init init, int64_t fan = 0,
               bool statistic = false);
    int append(Op op, int channels, int height, int width);

    Network network_;
};

} // namespace ist
