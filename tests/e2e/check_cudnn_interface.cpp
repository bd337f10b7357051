// check_cudnn_interface.cpp - see check_cudnn_interface.sh.
#include <cstddef>
#include <type_traits>

#include <cudnn.h>

#include "cuda/cudnn_interface.h"

namespace {

using namespace ist::cuda::cudnn;

static_assert(CUDNN_MAJOR == 9, "another major version has another interface");
static_assert(kSuccess == CUDNN_STATUS_SUCCESS && kNhwc == CUDNN_TENSOR_NHWC);
static_assert(kFloat == CUDNN_DATA_FLOAT && kHalf == CUDNN_DATA_HALF && kBfloat16 == CUDNN_DATA_BFLOAT16);
static_assert(kCrossCorrelation == CUDNN_CROSS_CORRELATION && kDeterministic == CUDNN_DETERMINISTIC);
static_assert(kTensorOpMath == CUDNN_TENSOR_OP_MATH && kFmaMath == CUDNN_FMA_MATH);

template <class Theirs>
constexpr bool kSamePerformance =
    sizeof(Theirs) == sizeof(Performance) && offsetof(Theirs, algo) == offsetof(Performance, algorithm) &&
    offsetof(Theirs, status) == offsetof(Performance, status) &&
    offsetof(Theirs, determinism) == offsetof(Performance, determinism);
static_assert(kSamePerformance<cudnnConvolutionFwdAlgoPerf_t> && kSamePerformance<cudnnConvolutionBwdDataAlgoPerf_t> &&
              kSamePerformance<cudnnConvolutionBwdFilterAlgoPerf_t>);

// Passed alike: both pointers, or both whole numbers of one size.
template <class A, class B>
constexpr bool kAlike = std::is_pointer_v<A> == std::is_pointer_v<B> && sizeof(A) == sizeof(B);
template <class A, class B> constexpr bool kSameCall = false;
template <class R, class... P, class S, class... Q>
constexpr bool kSameCall<R (*)(P...), S (*)(Q...)> = [] {
    if constexpr (sizeof...(P) != sizeof...(Q)) return false;
    else return kAlike<R, S> && (kAlike<P, Q> && ...);
}();

#define CHECK(Result, name, parameters)                                                                                \
    static_assert(kSameCall<decltype(&::name), decltype(Functions::name)>, #name " has other parameters");
IST_CUDNN_FUNCTIONS(CHECK)

} // namespace
