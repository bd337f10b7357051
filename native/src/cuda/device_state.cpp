// device_state.cpp - see device_state.h.
#include "device_state.h"

namespace ist::cuda {
namespace {

constexpr int kLeastMajor = 8; // kernels use bf16 tensor cores and asynchronous copies

std::string in_words(int version) { return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10); }

} // namespace

std::string why_unusable(const DeviceState &state, int device) {
    if (state.driver_version == 0)
        return "there is no NVIDIA driver (libcuda.so.1) on this machine; install the driver of your card, or use the "
               "backend cpu";
    // Within a major version older drivers run newer programs; across one they do not.
    if (state.driver_version / 1000 < state.runtime_version / 1000)
        return "the NVIDIA driver is too old: it runs programs of CUDA " + in_words(state.driver_version) +
               ", but the CUDA backend was built with " + in_words(state.runtime_version) +
               "; install a newer driver, or build with the older toolkit (CUDA_HOME=DIR ./isthmus build --cuda)";
    if (!state.failure.empty() || state.n_devices == 0)
        return "the NVIDIA driver finds no device" + (state.failure.empty() ? "" : " (" + state.failure + ")") +
               "; see what nvidia-smi says and whether CUDA_VISIBLE_DEVICES hides it, or use the backend cpu";
    if (device < 0 || device >= state.n_devices)
        return "there is no device " + std::to_string(device) + ": this machine has " +
               (state.n_devices == 1
                    ? "one, number 0"
                    : std::to_string(state.n_devices) + ", numbers 0 .. " + std::to_string(state.n_devices - 1)) +
               "; choose one of them";
    if (state.major < kLeastMajor)
        return "device " + std::to_string(device) + " (" + state.name + ") has compute capability " +
               std::to_string(state.major) + "." + std::to_string(state.minor) + ", but " +
               std::to_string(kLeastMajor) + ".0 is needed (Ampere of 2020, or newer); use another device, or the " +
               "backend cpu";
    return "";
}

} // namespace ist::cuda
