// device_state.h - what CUDA says of driver and device, and whether that will do.
#pragma once

#include <string>

namespace ist::cuda {

struct DeviceState {
    int driver_version = 0;  // newest CUDA of the driver, 1000 * major + 10 * minor; 0: there is no driver
    int runtime_version = 0; // CUDA this library was built with, likewise
    std::string failure;     // why devices could not be counted; empty: they were
    int n_devices = 0;
    std::string name; // of the device asked for, where it exists
    int major = 0, minor = 0;
};

// One sentence why `device` cannot be used: what is missing and what to do. Empty where it can.
std::string why_unusable(const DeviceState &state, int device);

} // namespace ist::cuda
