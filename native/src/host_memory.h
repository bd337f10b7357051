// host_memory.h - how much memory this process could still get, for those who are refused some.
#pragma once

#include <cstddef>
#include <string>

namespace ist {

// Bytes: what the system has to give, or what is left of a limit on address space (ulimit -v), whichever is less.
size_t available_host_memory();

// "12 MiB"; below one MiB "345 bytes".
std::string bytes_in_words(size_t bytes);

} // namespace ist
