// engine.h - one device and what lives on it: engine, data set.
#pragma once

#include <memory>
#include <string>

#include "backend.h"

namespace ist {

class Engine {
  public:
    // device: 0 for the CPU; n_threads 0: one per available core (of the CPU alone).
    Engine(ist_backend kind, int device, int n_threads);

    Backend &backend() { return *backend_; }
    const Backend &backend() const { return *backend_; }

    // After a device error the engine refuses work with the text of that error.
    void check_usable() const;
    void mark_failed(const std::string &text) { failure_ = text; }

  private:
    std::unique_ptr<Backend> backend_;
    std::string failure_;
};

struct Dataset {
    std::shared_ptr<Engine> engine; // declared first: images are freed before it
    std::unique_ptr<DeviceImages> images;
};

// Checks everything a caller can get wrong, then loads.
std::shared_ptr<Dataset> create_dataset(const std::shared_ptr<Engine> &engine, const HostImages &images);

} // namespace ist
