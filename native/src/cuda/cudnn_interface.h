// cudnn_interface.h - what is used of cuDNN 9: its functions by their own names, loaded when somebody asks for them, so
// that neither the build nor the program needs anything of NVIDIA's. Handles and descriptors are opaque pointers, and
// enumerations ints, as the binary interface has them; tests/e2e/check_cudnn_interface.sh compares all of it with
// cudnn.h (last with 9.25.1).
#pragma once

#include <cstddef>

namespace ist::cuda::cudnn {

constexpr int kSuccess = 0;                         // cudnnStatus_t
constexpr int kFloat = 0, kHalf = 2, kBfloat16 = 9; // cudnnDataType_t
constexpr int kNhwc = 1;                            // cudnnTensorFormat_t
constexpr int kCrossCorrelation = 1;                // cudnnConvolutionMode_t
constexpr int kTensorOpMath = 1, kFmaMath = 3;      // cudnnMathType_t; FMA: without TF32
constexpr int kDeterministic = 1;                   // cudnnDeterminism_t

// cudnnConvolution{Fwd,BwdData,BwdFilter}AlgoPerf_t
struct Performance {
    int algorithm, status;
    float time;
    size_t memory;
    int determinism, math, reserved[3];
};

// Of each: what it returns, its name, its parameters.
#define IST_CUDNN_FUNCTIONS(FUNCTION)                                                                                  \
    FUNCTION(const char *, cudnnGetErrorString, (int status))                                                          \
    FUNCTION(int, cudnnCreate, (void **handle))                                                                        \
    FUNCTION(int, cudnnDestroy, (void *handle))                                                                        \
    FUNCTION(int, cudnnSetStream, (void *handle, void *stream))                                                        \
    FUNCTION(int, cudnnCreateTensorDescriptor, (void **tensor))                                                        \
    FUNCTION(int, cudnnDestroyTensorDescriptor, (void *tensor))                                                        \
    FUNCTION(int, cudnnSetTensor4dDescriptor, (void *tensor, int format, int type, int n, int c, int h, int w))        \
    FUNCTION(int, cudnnCreateFilterDescriptor, (void **filters))                                                       \
    FUNCTION(int, cudnnDestroyFilterDescriptor, (void *filters))                                                       \
    FUNCTION(int, cudnnSetFilter4dDescriptor, (void *filters, int type, int format, int k, int c, int h, int w))       \
    FUNCTION(int, cudnnCreateConvolutionDescriptor, (void **convolution))                                              \
    FUNCTION(int, cudnnDestroyConvolutionDescriptor, (void *convolution))                                              \
    FUNCTION(int, cudnnSetConvolution2dDescriptor,                                                                     \
             (void *convolution, int pad_h, int pad_w, int u, int v, int dilation_h, int dilation_w, int mode,         \
              int compute_type))                                                                                       \
    FUNCTION(int, cudnnSetConvolutionMathType, (void *convolution, int math))                                          \
    FUNCTION(int, cudnnGetConvolutionForwardAlgorithm_v7,                                                              \
             (void *handle, void *x, void *w, void *convolution, void *y, int requested, int *returned,                \
              Performance *performances))                                                                              \
    FUNCTION(int, cudnnGetConvolutionBackwardDataAlgorithm_v7,                                                         \
             (void *handle, void *w, void *dy, void *convolution, void *dx, int requested, int *returned,              \
              Performance *performances))                                                                              \
    FUNCTION(int, cudnnGetConvolutionBackwardFilterAlgorithm_v7,                                                       \
             (void *handle, void *x, void *dy, void *convolution, void *dw, int requested, int *returned,              \
              Performance *performances))                                                                              \
    FUNCTION(int, cudnnGetConvolutionForwardWorkspaceSize,                                                             \
             (void *handle, void *x, void *w, void *convolution, void *y, int algorithm, size_t *bytes))               \
    FUNCTION(int, cudnnGetConvolutionBackwardDataWorkspaceSize,                                                        \
             (void *handle, void *w, void *dy, void *convolution, void *dx, int algorithm, size_t *bytes))             \
    FUNCTION(int, cudnnGetConvolutionBackwardFilterWorkspaceSize,                                                      \
             (void *handle, void *x, void *dy, void *convolution, void *dw, int algorithm, size_t *bytes))             \
    FUNCTION(int, cudnnConvolutionForward,                                                                             \
             (void *handle, const void *alpha, void *x, const void *x_data, void *w, const void *w_data,               \
              void *convolution, int algorithm, void *workspace, size_t workspace_bytes, const void *beta, void *y,    \
              void *y_data))                                                                                           \
    FUNCTION(int, cudnnConvolutionBackwardData,                                                                        \
             (void *handle, const void *alpha, void *w, const void *w_data, void *dy, const void *dy_data,             \
              void *convolution, int algorithm, void *workspace, size_t workspace_bytes, const void *beta, void *dx,   \
              void *dx_data))                                                                                          \
    FUNCTION(int, cudnnConvolutionBackwardFilter,                                                                      \
             (void *handle, const void *alpha, void *x, const void *x_data, void *dy, const void *dy_data,             \
              void *convolution, int algorithm, void *workspace, size_t workspace_bytes, const void *beta, void *dw,   \
              void *dw_data))

struct Functions {
#define IST_CUDNN_MEMBER(Result, name, parameters) Result(*name) parameters = nullptr;
    IST_CUDNN_FUNCTIONS(IST_CUDNN_MEMBER)
#undef IST_CUDNN_MEMBER
};

// Those of the library, which stays loaded; Error(IST_UNSUPPORTED) where there is none. It is looked for where
// ISTHMUS_CUDNN says (its file, or the folder of libcudnn.so.9); without that variable as the system's loader does, in
// the folders of CUDNN_HOME, CUDA_HOME and the CUDA toolkit, and where Python environments have it (VIRTUAL_ENV,
// CONDA_PREFIX, the user's and the system's): PyTorch brings one.
const Functions &functions();

} // namespace ist::cuda::cudnn
