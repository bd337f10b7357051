// path_step.cu - the parts of a path step in a row, and the memory between them.
#include "path.h"
#include "vectors.h"

namespace ist::cuda {
namespace {

// Lays arrays one behind the other.
class Carver {
  public:
    explicit Carver(void *memory) : memory_(static_cast<char *>(memory)) {}
    template <class T> T *take(int64_t count) {
        T *taken = reinterpret_cast<T *>(memory_ + used_);
        used_ += (size_t(count) * sizeof(T) + 255) / 256 * 256;
        return taken;
    }
    size_t used() const { return used_; }

  private:
    char *memory_;
    size_t used_ = 0;
};

size_t carve(void *memory, int n_pivots, int64_t n_geometry, PathWork &work) {
    Carver carver(memory);
    work.columns = carver.take<double>(4 * int64_t(n_pivots - 1) * n_columns(n_geometry));
    work.dots = carver.take<PathDots>(n_pivots - 1);
    work.forces = carver.take<PathForce>(n_pivots);
    work.squared_gaps = carver.take<double>(n_pivots - 1);
    work.places = carver.take<PathPlace>(n_pivots);
    work.moves = carver.take<PathMove>(n_pivots - 2);
    work.climbing = carver.take<int>(1);
    return carver.used();
}

} // namespace

size_t path_work_bytes(int n_pivots, int64_t n_geometry) {
    PathWork work;
    return carve(nullptr, n_pivots, n_geometry, work);
}

PathWork path_work(void *memory, int n_pivots, int64_t n_geometry) {
    PathWork work;
    carve(memory, n_pivots, n_geometry, work);
    return work;
}

void enqueue_path_step(const PathStepParams &params, const PathWork &work, Stream stream) {
    const ist_sgd *sgd = &params.neb->sgd; // an address in device memory
    enqueue_path_dots(params.path, sgd, work, stream);
    enqueue_path_forces(params.path.n_pivots, params.neb, params.losses, work, stream);
    enqueue_path_update(params.path, sgd, work, stream);
    if (!params.respaces) return;
    enqueue_path_plan(params.path.n_pivots, params.spacing, work, stream);
    enqueue_path_respace(params.path, work, stream);
}

} // namespace ist::cuda
