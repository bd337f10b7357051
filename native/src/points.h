// points.h - n parameter vectors of one model on the device: minima being trained, the pivots of a path, or samples.
//
// Three matrices of one row per point, rows padded to 64 bytes: values, and, from their first use on, gradients and
// momentum. Arguments are checked here; the functions mean what isthmus.h says of ist_points_*.
#pragma once

#include <memory>
#include <vector>

#include "backend.h"
#include "engine.h"
#include "model.h"

namespace ist {

// A batch for every point. dataset and sampling are nullptr for surfaces; streams [count] then too.
struct Batches {
    const Dataset *dataset = nullptr;
    const ist_sampling *sampling = nullptr;
    const uint64_t *streams = nullptr;
};

class Points {
  public:
    Points(std::shared_ptr<Model> model, int n_points);

    int count() const { return n_; }
    const std::shared_ptr<Model> &model() const { return model_; }

    void initialise(int index, uint64_t seed);
    void write(int index, const float *values);
    void read(int index, float *out) const;
    void write_momentum(int index, const float *values);
    void read_momentum(int index, float *out) const;
    void read_gradient(int index, float *out) const;
    void combine(int index, const Points &source, int n_terms, const int32_t *indices, const double *weights);
    double distance(int a, int b, ist_geometry geometry) const;

    void gradient(const Batches &batches, int64_t step, float *losses);
    void descend(const Batches &batches, const ist_sgd &sgd, int64_t first_step, int n_steps, float *losses);
    void relax(const Batches &batches, const ist_neb &neb, const float *spacing, int64_t first_step, int n_steps,
               float *losses);
    void respace(ist_geometry geometry, const float *spacing);
    void recompute_statistics(const Batches &batches, int n_batches);
    void evaluate(const Dataset *dataset, ist_metrics *out);
    void predict(int index, const Dataset *dataset, float *out);

  private:
    // A matrix on the device; empty until allocated.
    class Rows {
      public:
        Rows(Backend &backend, int64_t stride) : backend_(backend), stride_(stride) {}
        ~Rows() { backend_.release(data_); }
        Rows(const Rows &) = delete;
        Rows &operator=(const Rows &) = delete;
        void allocate(int n) {
            if (!data_) data_ = backend_.allocate(n * stride_);
        }
        bool empty() const { return data_ == nullptr; }
        float *row(int i) const { return data_ + i * stride_; }

      private:
        Backend &backend_;
        int64_t stride_;
        float *data_ = nullptr;
    };

    Backend &backend() const { return model_->backend(); }
    const Network &network() const { return model_->network(); }
    int64_t geometry_size(ist_geometry geometry) const;
    void clear_momentum(int index);
    void check_index(const char *what, int64_t index) const;
    void check_dataset(const Dataset *dataset) const;
    void check_batches(const Batches &batches, int64_t first_step, int64_t n_steps) const;
    void check_spacing(const float *spacing) const;
    std::vector<PointJob> jobs(const uint64_t *streams) const;
    static const DeviceImages &images(const Batches &batches);
    static const ist_sampling &sampling(const Batches &batches);
    PathView path(ist_geometry geometry) const;

    std::shared_ptr<Model> model_;
    int n_;
    int64_t stride_;
    Rows values_, gradient_, momentum_;
    std::vector<char> has_gradient_; // [n_]
};

} // namespace ist
