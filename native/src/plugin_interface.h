// plugin_interface.h - the C functions between the core and a library that holds a backend (libisthmus_cuda.so).
//
// Core and plugin each carry their own C++ runtime, so an exception must be caught by the one that threw it: the core
// makes every call into the plugin's objects through ist_call_guarded, which is the plugin's and catches there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backend.h"

extern "C" {

// A new backend on `device`. interface_version: IST_INTERFACE of the caller; another build is refused. `message` gets
// the sentence of a failure, cut to `size`; it stays empty where only memory ran out.
IST_API ist_status ist_create_plugin_backend(int32_t device, uint64_t interface_version, ist::Backend **out,
                                             char *message, size_t size);

// Runs body(context) and turns what it throws into a status and a message, as above.
IST_API ist_status ist_call_guarded(void (*body)(void *), void *context, char *message, size_t size);
}
