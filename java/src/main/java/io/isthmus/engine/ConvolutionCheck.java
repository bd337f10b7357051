package io.isthmus.engine;

/**
 * One shape of convolution on a GPU, own kernels against cuDNN's: |own - cuDNN| / |cuDNN|.
 *
 * @param kernel its rows and columns
 * @param stride of both
 * @param channels of the input
 * @param filters channels of the output
 * @param height rows of the input
 * @param width columns of the input
 * @param forward distance of the outputs
 * @param dataGradient distance of the gradients of the input
 * @param weightGradient distance of the gradients of the filters
 */
public record ConvolutionCheck(
    int kernel,
    int stride,
    int channels,
    int filters,
    int height,
    int width,
    double forward,
    double dataGradient,
    double weightGradient) {}
