// plugin.h - backends in libraries of their own, loaded when an engine asks for one and kept until the process ends.
#pragma once

#include <memory>
#include <string>

#include "backend.h"

namespace ist {

// The folder of the library or program that holds this code: plugins lie beside it.
std::string plugin_folder();

// The backend of kind IST_BACKEND_CUDA or IST_BACKEND_EMULATED from its library in `folder`. Error(IST_UNSUPPORTED):
// the library, the driver or the device is not there or does not fit.
std::unique_ptr<Backend> load_backend(ist_backend kind, int device, const std::string &folder);

} // namespace ist
