// convolution.h - square convolutions of many points: forward, data gradient, weight gradient, packed weights.
//
// All are implicit matrix products on tensor cores (mma.sync): activations are staged in shared memory once per tile
// and read from there for every tap. Products of bf16 or fp16 elements are exact in float32; of float32 elements they
// are three TF32 products (hi hi + hi lo + lo hi), 2^-21 of a product at worst. Sums are float32 in a fixed order that
// depends on shapes only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "augment.h"
#include "gradient.h"

namespace ist::cuda {

// z[n][oy][ox][f] = bias[f] + sum over ky, kx, c of a[n][oy * stride + ky - padding][ox * stride + kx - padding][c]
// * w[f][c][ky][kx], zero outside.
struct ConvShape {
    int kernel = 1, stride = 1, padding = 0;
    int in_channels = 0, in_height = 0, in_width = 0;
    int filters = 0, height = 0, width = 0; // of the output
    int taps() const { return kernel * kernel; }
};

// --- weights -------------------------------------------------------------------------------------------------------

// Weights as the tensor cores read them: [point][16 output channels][k-step][tap][lane][4 words], where a k-step is 32
// bytes of input channels; output channel 4 * (g / 2) + 2 * j + g % 2 of its 16 is column g of product j, so that a
// thread ends up with four neighbouring channels. Padded with zeros.
struct PackedWeights {
    void *data = nullptr;
    int64_t point_stride = 0; // bytes
};
// Bytes per point for one convolution; of the data gradient, input channels are the outputs.
size_t packed_bytes(const ConvShape &shape, Element element, bool for_data);

struct PackJob {
    int64_t weight; // offset of w [filters][channels][kernel][kernel] in a parameter row
    int filters, channels, taps;
    int64_t forward, data; // byte offsets within a point's packed weights; -1: not wanted
    Norm folded = {};      // applied: the forward pass' weights are gamma * invstd * w
};
// All convolutions of a network at once; `jobs` [n_jobs] in device memory.
void pack_weights(const PackJob *jobs, int n_jobs, Element element, ConstRows params, PackedWeights packed,
                  int n_points, Stream stream);

// --- the input -----------------------------------------------------------------------------------------------------

// Whether a convolution can read its input as DrawnImages: what augment() would write is computed as it is read.
inline bool conv_reads_images(int kernel, int stride) { return kernel == 3 && stride == 1; }

// --- forward -------------------------------------------------------------------------------------------------------

struct ConvForward {
    ConvShape shape;
    Operand src;        // activation: none or ReLU
    DrawnImages images; // read in place of src, where given: src is their shape alone
    Tensor kept;        // data nullptr: none; otherwise what src says is written there too, a storage of its own
    PackedWeights weights;
    int64_t bias = -1;  // offset in a parameter row, -1: none
    Tensor dst;         // raw outputs, rounded to dst.element
    Vectors statistics; // data nullptr: none; [parts][3][filters]: count, mean, sum of squared deviations of dst
    // With a norm, which is in the weights (PackJob::folded), dst is activation(norm(z) + residual) in place of z; x is
    // not used, the activation none or ReLU, the residual without a norm. No bias and no statistics then, and no
    // residual with images.
    Operand folded;
    ConstRows params = nullptr;
    int n_images = 0;
};
// Parts of the statistics a forward pass writes; a function of shapes alone.
int conv_forward_parts(const ConvShape &shape, Element element, int n_images);
void conv_forward(const ConvForward &conv, int n_points, Stream stream);

// --- backward ------------------------------------------------------------------------------------------------------

// The gradient of a convolution's output, [gamma * invstd *] g [+ slope * value + offset].
struct OutputGradient {
    Gradient dz;
    Norm scaled_by; // not applied: g is taken as it is
};

// What becomes of v = d loss / d(input of the convolution).
struct InputGradient {
    // Another gradient of the same input is added to v first: data nullptr: none. Where it comes through a shortcut A
    // of step and first channel, pixel (y, x) takes its pixel (y / step, x / step) if both divide.
    Tensor added;
    int added_step = 1, added_first = 0;
    // Then v becomes 0 where the ReLU in front of the convolution gave none: where mask is not positive, or where
    // norm(mask) is not.
    Tensor mask;            // data nullptr: no ReLU
    bool mask_is_x = false; // the mask is norm(x)
    // Sums for the batch norm in front of that: of v and of v * (x - mean), [parts][2][channels]; data nullptr: none.
    Tensor x;
    Norm norm;
    Vectors sums;
    // dst = v or, with `scaled`, gamma * invstd * v; written, or added to what is there.
    bool scaled = false;
    GradientOut dst;
};

struct ConvBackwardData {
    ConvShape shape;
    OutputGradient dz;
    PackedWeights weights;
    InputGradient input;
    ConstRows params = nullptr;
    int n_images = 0;
};
int conv_backward_data_parts(const ConvShape &shape, Element element, int n_images);
void conv_backward_data(const ConvBackwardData &conv, int n_points, Stream stream);

struct ConvBackwardWeights {
    ConvShape shape;
    OutputGradient dz;
    Operand src;              // of the forward pass
    DrawnImages images;       // of the forward pass
    float *partial = nullptr; // workspace of conv_weights_partial_floats() per point
    Rows gradient = nullptr;
    int64_t weight = 0; // offset in a gradient row; [filters][channels][kernel][kernel] is overwritten
    float unscale = 1;  // multiplies the gradient
    ConstRows params = nullptr;
    int n_images = 0;
};
int64_t conv_weights_partial_floats(const ConvShape &shape, Element element, int n_images);
void conv_backward_weights(const ConvBackwardWeights &conv, int n_points, Stream stream);

// Both at once, on one reading of what they share, for the shapes that fit: stride 1, kernel 1 or 3, an output of the
// input's size and at most 64 filters; and on devices whose blocks may have conv_backward_shared_bytes(). shape, dz,
// params and n_images are those of `weights`; its partial sums and those of data.input are in conv_backward_parts()
// parts.
bool conv_backward_fits(const ConvShape &shape);
size_t conv_backward_shared_bytes(const ConvShape &shape, Element element, int n_images);
int conv_backward_parts(const ConvShape &shape, Element element, int n_images);
int64_t conv_backward_partial_floats(const ConvShape &shape, Element element, int n_images); // per point
void conv_backward(const ConvBackwardWeights &weights, const ConvBackwardData &data, int n_points, Stream stream);

} // namespace ist::cuda
