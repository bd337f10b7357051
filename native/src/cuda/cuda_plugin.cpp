// cuda_plugin.cpp - the C functions of a plugin (../plugin_interface.h): where the core meets the CUDA backend.
#include "../plugin_interface.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "../error.h"
#include "cuda_backend.h"
#include "cuda_device.h"

namespace {

void say(char *message, size_t size, const char *text) {
    if (size == 0) return;
    const size_t length = std::min(std::strlen(text), size - 1);
    std::memcpy(message, text, length);
    message[length] = '\0';
}

template <typename Body> ist_status guard(char *message, size_t size, Body body) noexcept {
    try {
        body();
        return IST_OK;
    } catch (const ist::Error &e) {
        say(message, size, e.what());
        return e.status;
    } catch (const std::bad_alloc &) {
        say(message, size, "");
        return IST_OUT_OF_MEMORY;
    } catch (const std::exception &e) {
        say(message, size, e.what());
        return IST_INTERNAL;
    } catch (...) {
        say(message, size, "an unknown exception");
        return IST_INTERNAL;
    }
}

} // namespace

ist_status ist_create_plugin_backend(int32_t device, uint64_t interface_version, ist::Backend **out, char *message,
                                     size_t size) {
    return guard(message, size, [&] {
        if (interface_version != IST_INTERFACE)
            throw ist::Error(IST_UNSUPPORTED, "the library of the CUDA backend is of another build than the engine's; "
                                              "build both anew with ./isthmus build --cuda");
        ist::cuda::require_device(device);
        *out = ist::cuda::create_cuda_backend(device).release();
    });
}

ist_status ist_call_guarded(void (*body)(void *), void *context, char *message, size_t size) {
    return guard(message, size, [&] { body(context); });
}
