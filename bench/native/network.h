// network.h - the C API as C++ values, and the data every bench uses: noise images and vectors from fixed seeds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "isthmus/isthmus.h"

namespace ist::bench {

struct Destroy {
    void operator()(ist_engine *handle) const { ist_engine_destroy(handle); }
    void operator()(ist_dataset *handle) const { ist_dataset_destroy(handle); }
    void operator()(ist_model *handle) const { ist_model_destroy(handle); }
    void operator()(ist_points *handle) const { ist_points_destroy(handle); }
};
using Engine = std::shared_ptr<ist_engine>;
using Dataset = std::shared_ptr<ist_dataset>;
using Model = std::shared_ptr<ist_model>;

Engine open_engine(int n_threads);
bool supports(ist_precision precision);
std::string description(int n_threads);

Dataset noise_images(const Engine &engine, int n_images); // 3 x 32 x 32, 10 classes

// A network for them.
class Network {
  public:
    Network(Engine engine, const std::string &spec, ist_precision precision);
    ist_model *model() const { return model_.get(); }
    double n_params() const { return double(ist_model_n_params(model_.get())); }
    double forward_flops() const { return double(ist_model_flops(model_.get())); } // an image
    // Forward, gradients of weights and inputs, without the input gradient of the first convolution, which nobody
    // needs.
    double training_flops() const { return 3 * forward_flops() - first_layer_flops(); }

  private:
    double first_layer_flops() const;
    Engine engine_;
    Model model_;
};

// n points with the batches they see. Every call checks that the losses are numbers.
class Points {
  public:
    Points(const Network &network, Dataset dataset, int n, int batch);
    void initialise();      // every point from a seed of its own
    void initialise_path(); // a straight line between two such points
    void descend();         // one step
    void gradient();        // of one mini-batch each
    void relax();           // one step of the path
    void forward();         // of one mini-batch each, training mode
    void evaluate() const;  // the whole data set
    int count() const { return int(streams_.size()); }

  private:
    Dataset dataset_;
    std::unique_ptr<ist_points, Destroy> points_;
    std::vector<uint64_t> streams_;
    std::vector<float> losses_, spacing_;
    ist_sampling sampling_;
    int64_t step_ = 0;
};

} // namespace ist::bench
