// cuda_backend.cpp - see cuda_backend.h. Kernels read their arguments from device memory; here these are uploaded for
// each call.
#include "cuda_backend.h"

#include <cstring>

#include "../../../kernels/path.h"
#include "../../../kernels/vectors.h"
#include "../error.h"
#include "cuda_executor.h"

namespace ist::cuda {

class CudaBackend::Arguments {
  public:
    // Where the array will be once upload() is done: an offset until then.
    template <class T> size_t add(const T *values, int64_t count) {
        const size_t at = (bytes_.size() + 15) / 16 * 16, size = size_t(count) * sizeof(T);
        bytes_.resize(at + size);
        std::memcpy(bytes_.data() + at, values, size);
        return at;
    }
    char *upload(Device &device, DeviceBuffer &buffer) const {
        buffer.reserve(device, bytes_.size());
        device.upload(buffer.data(), bytes_.data(), bytes_.size());
        return buffer.as<char>();
    }

  private:
    std::vector<char> bytes_;
};

namespace {

size_t bytes_of(int64_t count) { return size_t(count) * sizeof(float); }

template <class T> const T *at(const char *base, size_t offset) { return reinterpret_cast<const T *>(base + offset); }

} // namespace

float *CudaBackend::allocate(int64_t count) { return static_cast<float *>(device_.allocate(bytes_of(count))); }
void CudaBackend::release(float *vector) noexcept {
    if (vector) device_.release(vector);
}
void CudaBackend::upload(float *dst, const float *host_src, int64_t count) {
    device_.upload(dst, host_src, bytes_of(count));
    device_.wait();
}
void CudaBackend::download(float *host_dst, const float *src, int64_t count) {
    device_.download(host_dst, src, bytes_of(count));
}
void CudaBackend::copy(float *dst, const float *src, int64_t count) {
    device_.copy(dst, src, bytes_of(count));
    device_.wait();
}
void CudaBackend::clear(float *dst, int64_t count) {
    device_.clear(dst, bytes_of(count));
    device_.wait();
}

std::unique_ptr<DeviceImages> CudaBackend::load(const HostImages &images) {
    return std::make_unique<CudaImages>(device_, images);
}

std::unique_ptr<Executor> CudaBackend::prepare(const Network &network, ist_precision precision) {
    const Element element = precision == IST_FP16   ? Element::kFp16
                            : precision == IST_BF16 ? Element::kBf16
                                                    : Element::kFp32;
    return std::make_unique<CudaExecutor>(device_, network, element, library_.get());
}

void CudaBackend::combine(float *dst, int n_terms, const float *const *src, const double *weights, int64_t count) {
    if (n_terms == 1 && weights[0] == 1.0) return dst == src[0] ? void() : copy(dst, src[0], count);
    Arguments arguments;
    const size_t src_at = arguments.add(src, n_terms), weights_at = arguments.add(weights, n_terms);
    const char *base = arguments.upload(device_, arguments_);
    enqueue_combine(dst, n_terms, at<const float *>(base, src_at), at<double>(base, weights_at), count,
                    device_.stream());
    device_.wait();
}

double CudaBackend::squared_distance(const float *a, const float *b, int64_t count) {
    work_.reserve(device_, size_t(n_columns(count) + 1) * sizeof(double));
    device_.use();
    double *sum = work_.as<double>(), result = 0;
    enqueue_squared_distance(a, b, count, sum + 1, sum, device_.stream());
    device_.download(&result, sum, sizeof result);
    return result;
}

void CudaBackend::sgd_update(int n, float *const *params, const float *const *gradient, float *const *momentum,
                             const ist_sgd &sgd, int64_t count) {
    Arguments arguments;
    const size_t params_at = arguments.add(params, n), gradient_at = arguments.add(gradient, n),
                 momentum_at = arguments.add(momentum, n), sgd_at = arguments.add(&sgd, 1);
    const char *base = arguments.upload(device_, arguments_);
    SgdUpdateParams update;
    update.params = at<float *>(base, params_at);
    update.gradient = at<const float *>(base, gradient_at);
    update.momentum = at<float *>(base, momentum_at);
    update.sgd = at<ist_sgd>(base, sgd_at);
    update.count = count;
    enqueue_sgd_update(update, n, device_.stream());
    device_.wait();
}

void CudaBackend::path_dots(const PathView &path, float weight_decay, PathDots *dots) {
    work_.reserve(device_, path_work_bytes(path.n_pivots, path.n_geometry));
    const PathWork work = path_work(work_.data(), path.n_pivots, path.n_geometry);
    Arguments arguments;
    ist_sgd sgd{};
    sgd.weight_decay = weight_decay;
    arguments.add(&sgd, 1);
    enqueue_path_dots(path, at<ist_sgd>(arguments.upload(device_, arguments_), 0), work, device_.stream());
    device_.download(dots, work.dots, size_t(path.n_pivots - 1) * sizeof *dots);
    dots[path.n_pivots - 1] = {0, 0, 0, 0};
}

void CudaBackend::path_update(const PathView &path, const ist_sgd &sgd, const PathForce *forces, double *squared_gaps) {
    work_.reserve(device_, path_work_bytes(path.n_pivots, path.n_geometry));
    const PathWork work = path_work(work_.data(), path.n_pivots, path.n_geometry);
    Arguments arguments;
    arguments.add(&sgd, 1);
    const char *base = arguments.upload(device_, arguments_);
    device_.upload(work.forces, forces, size_t(path.n_pivots) * sizeof *forces);
    enqueue_path_update(path, at<ist_sgd>(base, 0), work, device_.stream());
    device_.download(squared_gaps, work.squared_gaps, size_t(path.n_pivots - 1) * sizeof *squared_gaps);
}

void CudaBackend::path_respace(const PathView &path, const PathPlace *places) {
    work_.reserve(device_, path_work_bytes(path.n_pivots, path.n_geometry));
    const PathWork work = path_work(work_.data(), path.n_pivots, path.n_geometry);
    std::vector<PathMove> moves(size_t(path.n_pivots) - 2);
    order_moves(path.n_pivots, places, moves.data());
    device_.upload(work.moves, moves.data(), moves.size() * sizeof moves[0]);
    enqueue_path_respace(path, work, device_.stream());
    device_.wait();
}

std::unique_ptr<Backend> create_cuda_backend(int device) { return std::make_unique<CudaBackend>(device); }

} // namespace ist::cuda
