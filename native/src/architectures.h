// architectures.h - the networks of the paper, written as lists of ops.
//
// Names of tensors are those of the state dictionaries of the authors' PyTorch-AutoNEB, so that its models load ours
// and the reverse (ResNets in torchvision's style with linear_out; shortcut A has no tensors):
//   resnet     conv1, bn1, layer<s>.<b>.{conv1, bn1, conv2, bn2, downsample.0, downsample.1}, linear_out
//   densenet   conv1, dense<s>.<l>.{bn1, conv1[, bn2, conv2]}, trans<s>.{bn1, conv1}, bn1, linear_out
//   mlp        body.layer_<i>.{linear[, batch_norm]}, final
//   cnn        conv.conv_<i>.{conv[, batchnorm]}, [fc.fc_0.{linear[, batch_norm]},] final
// Parameters stand in the order of the layers, a block's shortcut last, as in PyTorch.
#pragma once

#include "model_spec.h"
#include "network.h"

namespace ist {

// The network of `spec` for images of this shape. Error(IST_INVALID_ARGUMENT) says which rule the spec or the shape
// breaks.
//
// ResNet 6n+2: He, Zhang, Ren & Sun 2016, section 4.2 (post-activation). DenseNet: Huang, Liu, van der Maaten &
// Weinberger 2017, section 4. Convolutions are initialised after He et al. 2015, eq. 10: normal with variance 2 /
// fan-in.
Network build_network(const ModelSpec &spec, int channels, int height, int width, int n_classes);

inline Network build_network(const std::string &spec, int channels, int height, int width, int n_classes) {
    return build_network(ModelSpec(spec), channels, height, width, n_classes);
}

// Draws the parameters of a fresh network; values [network.size()]. The same numbers for the same seed.
void initialise(const Network &network, uint64_t seed, float *values);

} // namespace ist
