// host_memory.cpp - see host_memory.h. Nothing here allocates: it is asked when there is no memory left.
#include "host_memory.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace ist {
namespace {

// The beginning of a file under /proc; empty where it cannot be read.
struct Text {
    char data[2048];
    explicit Text(const char *file) {
        const int descriptor = open(file, O_RDONLY | O_CLOEXEC);
        const ssize_t n = descriptor < 0 ? 0 : read(descriptor, data, sizeof data - 1);
        data[std::max<ssize_t>(n, 0)] = '\0';
        if (descriptor >= 0) close(descriptor);
    }
};

// A line of /proc/meminfo, in bytes; -1 if there is none.
long long field(const Text &meminfo, const char *name) {
    const char *at = std::strstr(meminfo.data, name);
    return at ? std::atoll(at + std::strlen(name)) << 10 : -1;
}

size_t of_system() {
    const Text meminfo("/proc/meminfo");
    const long long available = field(meminfo, "MemAvailable:"), swap = field(meminfo, "SwapFree:");
    if (available < 0) return size_t(sysconf(_SC_PHYS_PAGES)) * size_t(sysconf(_SC_PAGESIZE));
    return size_t(available + std::max(swap, 0ll));
}

size_t of_address_space() {
    rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return ~size_t(0);
    const size_t used = size_t(std::atoll(Text("/proc/self/statm").data)) * size_t(sysconf(_SC_PAGESIZE));
    return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

} // namespace

size_t available_host_memory() { return std::min(of_system(), of_address_space()); }

std::string bytes_in_words(size_t bytes) {
    const bool many = bytes >> 20 > 0;
    return std::to_string(many ? bytes >> 20 : bytes) + (many ? " MiB" : " bytes");
}

} // namespace ist
