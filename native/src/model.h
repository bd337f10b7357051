// model.h - a network or surface made ready to run on an engine's device.
#pragma once

#include <memory>
#include <string>

#include "backend.h"
#include "engine.h"
#include "network.h"
#include "surfaces.h"

namespace ist {

class Model {
  public:
    Model(std::shared_ptr<Engine> engine, const std::string &spec, int channels, int height, int width, int n_classes,
          ist_precision precision);

    const std::shared_ptr<Engine> &engine() const { return engine_; }
    const Network &network() const { return network_; }
    bool is_surface() const { return surface_ != nullptr; }

    // Where the vectors of this model's points live: the engine's backend.
    Backend &backend() { return engine_->backend(); }
    Executor &executor() { return *executor_; }

    // A fresh point; values [network().size()].
    void initialise(uint64_t seed, float *values) const;

    // The least batch for which batch statistics exist: the unbiased variance needs two values per channel.
    int least_batch() const { return least_batch_; }

  private:
    std::shared_ptr<Engine> engine_;
    const Surface *surface_ = nullptr;
    Network network_;
    std::unique_ptr<Executor> executor_;
    int least_batch_ = 1;
};

} // namespace ist
