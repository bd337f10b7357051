// checker.cpp - checked mode: what threads do to memory is seen through the hooks of -fsanitize=thread, which are
// defined here (libtsan is not linked), and judged: bounds, alignment, values never written, races; and counted.
//
// Order among accesses is kept as clocks. `now` steps on at every synchronisation; an access is stamped with the time
// of its thread. A thread knows, of each other one, up to what time its accesses precede its own: through `floor`
// (barriers of the whole block), `warps` (barriers of some warps) and `lanes` (__syncwarp). Between blocks of a launch
// the only order is: accesses, __threadfence, atomicAdd of an integer; then atomicAdd of the same integer in the other
// block,
// __threadfence, accesses - of the same threads or through barriers of their blocks.
#if defined(IST_EMULATION_CHECKED)

#include "checker.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>

#include "counters.h"

namespace ist::emulation {
namespace {

using Time = uint32_t;

struct Access {
    Time time; // 0: none
    uint16_t thread, site;
};

// What happened to a byte. Of reads that do not precede each other, two are kept.
struct Cell {
    Access write, reads[2];
    uint32_t read_in, written_in; // launches
};

struct Clock {
    Time now, floor;
    Time lanes[32], warps[32];
};

struct Release {
    Time block_begin;
    uint16_t thread;
    Clock clock;
};

// The releases before `n` of an integer are known to whom knows `thread` up to `time`.
struct Acquired {
    const std::vector<Release> *releases;
    size_t n;
    uint16_t thread;
    Time time;
};

struct Synchronisation { // of a thread, across blocks
    bool fenced = false;
    Clock fence;
    std::vector<std::pair<const std::vector<Release> *, size_t>> seen; // since the last fence
};

struct Request {
    uintptr_t address[32];
    uint32_t mask;
};

struct SiteKey {
    const void *kernel, *code; // return address, or name of a source file ...
    int line;                  // ... and its line
    unsigned width;
    bool shared, write;
    bool operator==(const SiteKey &o) const {
        return kernel == o.kernel && code == o.code && line == o.line && width == o.width && shared == o.shared &&
               write == o.write;
    }
    size_t hash() const {
        return (reinterpret_cast<uintptr_t>(kernel) * 31 + reinterpret_cast<uintptr_t>(code)) * 31 + size_t(line) * 64 +
               width * 4 + shared * 2 + write;
    }
};

struct SiteState {
    SiteKey key;
    uint16_t number;
    SiteCounters counters;
    const Allocation *allocation; // where the last access was
    struct OfWarp {
        uint32_t next[32]; // requests each lane has taken part in
        uint32_t closed;
        std::deque<Request> open;
    } warps[32];
};

struct Page {
    uint8_t written[512] = {};
    std::unique_ptr<Cell[]> cells;
};
constexpr size_t kPageBytes = 4096;

// Sampling: a sector of global memory.
struct Sector {
    uint32_t launch[2];             // that last touched it, reading and writing
    uint8_t windows[2];             // of that launch which did
    uint32_t block;                 // that last read it
    uint32_t entered[kNCacheSizes]; // that block's count of misses when the sector entered the cache
};

struct Sampling {
    unsigned blocks = 0; // of a window
    unsigned window = 0;
    unsigned first[2] = {}, end = 0; // windows along x: [first[i], first[i] + end)
    uint64_t blocks_run = 0;
    uint32_t block = 0;
    uint32_t misses[kNCacheSizes] = {};
    uint64_t in_windows[2][8] = {}; // sectors by the windows that touched them, reading and writing
    uint64_t missed[kNCacheSizes] = {}, lines = 0, requests = 0;
    std::unordered_map<uintptr_t, std::unique_ptr<Sector[]>> pages;
    uintptr_t last_page = 0;
    Sector *last = nullptr;
    std::vector<LaunchCounters> launches;
};

struct Range {
    uintptr_t begin, end;
    bool has(uintptr_t p, size_t n) const { return p >= begin && p + n <= end; }
};

struct Checker {
    Time time = 0, launch_begin = 0, block_begin = 0;
    uint32_t launch_number = 0;
    const Launch *launch = nullptr;
    unsigned n_threads = 0, n_warps = 0;
    bool watching = false;
    pthread_t runner{}; // the host's thread that runs the launch
    bool uninitialized = true;
    std::vector<Clock> clocks;
    std::vector<Synchronisation> across;
    std::vector<Acquired> acquired; // by this block
    std::map<const void *, std::vector<Release>> integers;

    std::vector<Page> pages;
    std::vector<Cell> shared_cells;
    std::vector<uint8_t> shared_written;  // bits
    std::vector<uint16_t> shared_pending; // asynchronous copies of each 16 bytes
    Range thread_table{}, arguments{};
    std::vector<Range> images;

    std::vector<std::unique_ptr<SiteState>> sites;
    std::unordered_multimap<size_t, SiteState *> sites_by_key;
    SiteState *recent[1024] = {};
    std::vector<uint16_t> open_sites[32]; // of each warp
    std::vector<const void *> order;      // of kernels
    std::map<const void *, KernelCounters> kernels;
    KernelCounters *counters = nullptr;
    KernelCounters before; // `counters` when the launch began
    Sampling sampling;
};
Checker checker_state;

// ---- Names of places

std::string source_place(const void *code) {
    static std::map<const void *, std::string> known;
    const auto it = known.find(code);
    if (it != known.end()) return it->second;
    std::string text = "unknown place";
    Dl_info info;
    if (dladdr(code, &info) && info.dli_fname) {
        // The instruction before the return address. Addresses of a position-independent file count from its base.
        const auto *header = static_cast<const ElfW(Ehdr) *>(info.dli_fbase);
        const uintptr_t base = header->e_type == ET_DYN ? reinterpret_cast<uintptr_t>(info.dli_fbase) : 0;
        char command[1024];
        std::snprintf(command, sizeof(command), "addr2line -i -e '%s' 0x%lx 2>/dev/null",
                      *info.dli_fname ? info.dli_fname : "/proc/self/exe",
                      static_cast<unsigned long>(reinterpret_cast<uintptr_t>(code) - 1 - base));
        std::string found;
        if (FILE *out = popen(command, "r")) {
            char line[512];
            while (std::fgets(line, sizeof(line), out)) {
                std::string place = line;
                place = place.substr(place.rfind('/') + 1);
                place.resize(std::min(place.find('\n'), place.find(' ')) == std::string::npos
                                 ? place.size()
                                 : std::min(place.find('\n'), place.find(' ')));
                found += (found.empty() ? "" : " < ") + place;
            }
            pclose(out);
        }
        if (!found.empty() && found[0] != '?') text = found;
    }
    return known[code] = text;
}

std::string place(const SiteKey &key) {
    return key.line ? place(Site{static_cast<const char *>(key.code), key.line}) : source_place(key.code);
}

// ---- Sites

SiteState &find_site(const SiteKey &key) {
    Checker &c = checker_state;
    const size_t hash = key.hash();
    SiteState *&recent = c.recent[hash % 1024];
    if (recent && recent->key == key) return *recent;
    const auto range = c.sites_by_key.equal_range(hash);
    for (auto it = range.first; it != range.second; ++it) {
        if (it->second->key == key) return *(recent = it->second);
    }
    c.sites.push_back(std::make_unique<SiteState>());
    SiteState &site = *c.sites.back();
    site.key = key;
    site.number = uint16_t(c.sites.size() - 1);
    site.counters.shared = key.shared;
    site.counters.write = key.write;
    site.counters.width = key.width;
    c.sites_by_key.emplace(hash, &site);
    recent = &site;
    return site;
}

// Different addresses, in units of `unit` bytes, of lanes [first, end) of a request; returns how many.
size_t units(const SiteState &site, const Request &request, unsigned first, unsigned end, unsigned unit,
             uintptr_t (&found)[128]) {
    size_t n = 0;
    for (unsigned l = first; l < end; l++) {
        if (!(request.mask >> l & 1)) continue;
        for (uintptr_t u = request.address[l] / unit; u <= (request.address[l] + site.key.width - 1) / unit; u++) {
            found[n++] = u;
        }
    }
    std::sort(found, found + n);
    return size_t(std::unique(found, found + n) - found);
}

// 32 banks of 4 bytes: lanes 8 (16 bytes each), 16 or 32 at a time; different words of a bank follow each other.
void count_shared(SiteState &site, const Request &request) {
    const unsigned width = site.key.width, group = width >= 16 ? 8 : width == 8 ? 16 : 32;
    for (unsigned first = 0; first < 32; first += group) {
        uintptr_t words[128];
        const size_t n = units(site, request, first, first + group, 4, words);
        if (n == 0) continue;
        unsigned of_bank[32] = {}, most = 0;
        for (size_t i = 0; i < n; i++) most = std::max(most, ++of_bank[words[i] % 32]);
        site.counters.phases++;
        site.counters.passes += most;
        checker_state.counters->shared_phases++;
        checker_state.counters->shared_passes += most;
    }
}

void sample(const uintptr_t *sectors, size_t n, bool write) {
    Checker &c = checker_state;
    Sampling &s = c.sampling;
    constexpr uintptr_t kSectors = kPageBytes / 32;
    uintptr_t line = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || sectors[i] / 4 != line) s.lines++;
        line = sectors[i] / 4;
        const uintptr_t page = sectors[i] / kSectors;
        if (!s.last || page != s.last_page) {
            std::unique_ptr<Sector[]> &found = s.pages[page];
            if (!found) found.reset(new Sector[kSectors]());
            s.last_page = page, s.last = found.get();
        }
        Sector &sector = s.last[sectors[i] % kSectors];
        uint8_t &windows = sector.windows[write];
        if (sector.launch[write] != c.launch_number) {
            sector.launch[write] = c.launch_number;
            windows = 0;
        }
        const uint8_t now = uint8_t(windows | 1u << s.window);
        if (now != windows) {
            if (windows) s.in_windows[write][windows]--;
            s.in_windows[write][now]++;
            windows = now;
        }
        if (write) continue;
        const bool known = sector.block == s.block;
        sector.block = s.block;
        for (size_t k = 0; k < kNCacheSizes; k++) {
            if (known && s.misses[k] - sector.entered[k] < kCacheSizes[k] / 32) continue;
            sector.entered[k] = s.misses[k]++;
            s.missed[k]++;
        }
    }
}

void count_global(SiteState &site, const Request &request) {
    uintptr_t sectors[128];
    const size_t n = units(site, request, 0, 32, 32, sectors);
    if (checker_state.sampling.blocks) sample(sectors, n, site.key.write);
    site.counters.sectors += n;
    (site.key.write ? checker_state.counters->written_sectors : checker_state.counters->read_sectors) += n;
}

void close(SiteState &site, const Request &request) {
    site.counters.requests++;
    checker_state.sampling.requests++;
    site.counters.bytes += uint64_t(site.key.width) * unsigned(__builtin_popcount(request.mask));
    if (site.key.shared) count_shared(site, request);
    else count_global(site, request);
}

void count(SiteState &site, const Warp &warp, unsigned lane, uintptr_t address) {
    SiteState::OfWarp &of = site.warps[warp.number];
    if (of.open.empty() && of.closed == 0) checker_state.open_sites[warp.number].push_back(site.number);
    const uint32_t n = of.next[lane]++ - of.closed;
    if (n >= of.open.size()) of.open.resize(n + 1);
    Request &request = of.open[n];
    request.address[lane] = address;
    request.mask |= 1u << lane;
    while (!of.open.empty() && of.open.front().mask == warp.lanes) {
        close(site, of.open.front());
        of.open.pop_front();
        of.closed++;
    }
}

// The lanes of a warp are together again: what each does next forms new requests.
void align_requests(unsigned warp) {
    for (uint16_t number : checker_state.open_sites[warp]) {
        SiteState &site = *checker_state.sites[number];
        SiteState::OfWarp &of = site.warps[warp];
        for (const Request &request : of.open) close(site, request);
        of.open.clear();
        of.closed = 0;
        std::memset(of.next, 0, sizeof(of.next));
    }
    checker_state.open_sites[warp].clear();
}

// ---- Order

bool knows(const Clock &clock, unsigned owner, const Access &a) {
    if (a.time <= clock.floor) return true;
    if (a.thread == owner) return a.time <= clock.now;
    if (a.thread / 32u == owner / 32 && a.time <= clock.lanes[a.thread % 32]) return true;
    return a.time <= clock.warps[a.thread / 32];
}

bool precedes(const Access &a, unsigned thread, bool shared) {
    const Checker &c = checker_state;
    if (a.time < (shared ? c.block_begin : c.launch_begin)) return true;
    if (a.time >= c.block_begin) return knows(c.clocks[thread], thread, a);
    for (const Acquired &acquired : c.acquired) {
        if (!knows(c.clocks[thread], thread, Access{acquired.time, acquired.thread, 0})) continue;
        for (size_t i = 0; i < acquired.n; i++) {
            const Release &release = (*acquired.releases)[i];
            if (a.time >= release.block_begin && knows(release.clock, release.thread, a)) return true;
        }
    }
    return false;
}

std::string bytes_text(size_t n) { return std::to_string(n) + (n == 1 ? " byte" : " bytes"); }

// Where an address is, for people.
std::string address_text(uintptr_t address, bool shared) {
    const char *p = reinterpret_cast<const char *>(address);
    if (shared) {
        return "byte " + std::to_string(p - shared_begin) + " of " +
               std::to_string(checker_state.launch->shared_bytes) + " of shared memory";
    }
    if (const Allocation *a = find_allocation(p, 1)) {
        return "byte " + std::to_string(p - a->begin) + " of " + std::to_string(a->bytes) + " of a device allocation";
    }
    for (long distance = 0; distance < 4096; distance++) {
        if (const Allocation *a = find_allocation(p - distance, 1)) {
            return "byte " + std::to_string(p - a->begin) + " of " + std::to_string(a->bytes) +
                   " of a device allocation";
        }
        if (const Allocation *a = find_allocation(p + distance, 1)) {
            return std::to_string(a->begin - p) + " bytes before a device allocation of " + std::to_string(a->bytes);
        }
    }
    return "device memory far from any allocation";
}

[[noreturn]] void race(const SiteState &site, uintptr_t address, const Access &other, bool other_writes,
                       unsigned thread) {
    const Checker &c = checker_state;
    std::string text = std::string(site.key.write ? "writes " : "reads ") + address_text(address, site.key.shared) +
                       " at " + place(site.key) + ", which thread " + std::to_string(other.thread) +
                       (other.time < c.block_begin ? " of another block" : "") +
                       (other_writes ? " writes at " : " reads at ") + place(c.sites[other.site]->key) +
                       ", and nothing orders the two";
    if (thread != current->number) text = "on behalf of thread " + std::to_string(thread) + " " + text;
    stop(Kind::kRace, text);
}

Cell *cells_of(uintptr_t address, bool shared) { // valid to the end of its page
    Checker &c = checker_state;
    if (shared) return &c.shared_cells[address - reinterpret_cast<uintptr_t>(shared_begin)];
    const size_t offset = address - reinterpret_cast<uintptr_t>(arena_begin());
    if (offset / kPageBytes >= c.pages.size()) c.pages.resize(offset / kPageBytes + 1);
    Page &page = c.pages[offset / kPageBytes];
    if (!page.cells) page.cells.reset(new Cell[kPageBytes]());
    return &page.cells[offset % kPageBytes];
}

void set_written(uintptr_t address, size_t bytes, bool value) {
    Checker &c = checker_state;
    for (size_t i = 0; i < bytes;) {
        const size_t offset = address + i - reinterpret_cast<uintptr_t>(arena_begin());
        if (offset / kPageBytes >= c.pages.size()) c.pages.resize(offset / kPageBytes + 1);
        uint8_t *bits = c.pages[offset / kPageBytes].written;
        const size_t at = offset % kPageBytes;
        if (at % 8 == 0 && bytes - i >= 8) {
            const size_t n = std::min((bytes - i) / 8, (kPageBytes - at) / 8);
            std::memset(bits + at / 8, value ? 0xff : 0, n);
            i += 8 * n;
        } else {
            bits[at / 8] = uint8_t(value ? bits[at / 8] | 1u << at % 8 : bits[at / 8] & ~(1u << at % 8));
            i++;
        }
    }
}

uint8_t *written_bits(uintptr_t address, bool shared, size_t &bit) {
    Checker &c = checker_state;
    if (shared) {
        bit = address - reinterpret_cast<uintptr_t>(shared_begin);
        return c.shared_written.data();
    }
    const size_t offset = address - reinterpret_cast<uintptr_t>(arena_begin());
    if (offset / kPageBytes >= c.pages.size()) c.pages.resize(offset / kPageBytes + 1);
    bit = offset % kPageBytes;
    return c.pages[offset / kPageBytes].written;
}

// An access within bounds: order and values.
void judge(SiteState &site, uintptr_t address, size_t bytes, unsigned thread) {
    Checker &c = checker_state;
    if (c.sampling.blocks) return;
    const bool shared = site.key.shared, write = site.key.write;
    const Access mine{c.clocks[thread].now, uint16_t(thread), site.number};
    Cell *cell = nullptr;
    size_t unwritten = 0, fresh = 0;
    Access good{}; // a write that precedes this access
    for (size_t i = 0; i < bytes; i++) {
        if (!cell || (!shared && (address + i) % kPageBytes == 0)) cell = cells_of(address + i, shared);
        else cell++;
        size_t bit;
        uint8_t *bits = written_bits(address + i, shared, bit);
        if (cell->write.time && (cell->write.time != good.time || cell->write.thread != good.thread)) {
            if (!precedes(cell->write, thread, shared)) race(site, address + i, cell->write, true, thread);
            good = cell->write;
        }
        if (write) {
            for (Access &read : cell->reads) {
                if (read.time && !precedes(read, thread, shared)) race(site, address + i, read, false, thread);
                read.time = 0;
            }
            cell->write = mine;
            bits[bit / 8] |= uint8_t(1u << bit % 8);
            fresh += cell->written_in != c.launch_number;
            cell->written_in = c.launch_number;
        } else {
            Access &a = cell->reads[0], &b = cell->reads[1];
            // Whoever follows this read follows what preceded it: an own earlier read, too.
            if (!a.time || precedes(a, thread, shared)) a = mine;
            else b = mine;
            unwritten += !(bits[bit / 8] >> bit % 8 & 1);
            fresh += cell->read_in != c.launch_number;
            cell->read_in = c.launch_number;
        }
    }
    if (!shared) (write ? c.counters->written_bytes : c.counters->read_bytes) += fresh;
    if (unwritten == bytes && c.uninitialized) {
        stop(Kind::kUninitialized,
             "reads " + address_text(address, shared) + " at " + place(site.key) + ", where nothing has been written");
    }
}

// An access of a lane of the running warp: a whole one of 1, 2, 4, 8 or 16 bytes.
void access(const Thread &thread, uintptr_t address, unsigned width, bool write, bool aligned, const void *code,
            int line) {
    Checker &c = checker_state;
    const char *p = reinterpret_cast<const char *>(address);
    const bool shared = p >= shared_begin - 4096 && p < shared_begin + kMaxShared + 4096;
    SiteState &site = find_site(SiteKey{c.launch->kernel, code, line, width, shared, write});
    if (aligned && address % width) {
        stop(Kind::kAlignment, std::string(write ? "writes " : "reads ") + bytes_text(width) + " at " +
                                   address_text(address, shared) + ", at " + place(site.key) +
                                   ", but the address is no multiple of " + std::to_string(width));
    }
    bool inside;
    if (shared) {
        inside = p >= shared_begin && p + width <= shared_begin + c.launch->shared_bytes;
    } else {
        const Allocation *a = site.allocation;
        if (!a || p < a->begin || p + width > a->begin + a->bytes) a = site.allocation = find_allocation(p, width);
        inside = a != nullptr;
    }
    if (!inside) {
        stop(Kind::kBounds, std::string(write ? "writes " : "reads ") + bytes_text(width) + " at " +
                                address_text(address, shared) + ", at " + place(site.key));
    }
    if (shared) {
        const size_t offset = size_t(p - shared_begin);
        if (c.shared_pending[offset / 16] || c.shared_pending[(offset + width - 1) / 16]) {
            stop(Kind::kPendingCopy, std::string(write ? "writes " : "reads ") + address_text(address, shared) +
                                         " at " + place(site.key) +
                                         ", where an asynchronous copy has not arrived: no wait covers it");
        }
    }
    count(site, *thread.warp, thread.lane, address);
    judge(site, address, width, thread.number);
}

bool on_a_stack(uintptr_t address) {
    return address >= reinterpret_cast<uintptr_t>(current->stack) &&
           address < reinterpret_cast<uintptr_t>(current->stack) + stack_bytes();
}

int add_image(dl_phdr_info *info, size_t, void *) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) &segment = info->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD) continue;
        const uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
        checker_state.images.push_back({begin, begin + segment.p_memsz});
    }
    return 0;
}

// What the compiler's hooks report.
void touched(const void *pointer, size_t bytes, bool write, bool aligned, const void *code) {
    const Checker &c = checker_state;
    if (!current || !c.watching || !pthread_equal(c.runner, pthread_self())) return;
    const checker::Unwatched engine_at_work;
    const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
    if (on_a_stack(address)) return;
    const char *p = static_cast<const char *>(pointer);
    const bool shared = p >= shared_begin - 4096 && p < shared_begin + kMaxShared + 4096;
    if (!shared && !in_arena(pointer)) {
        if (c.thread_table.has(address, bytes) || c.arguments.has(address, bytes) || is_pinned(pointer)) return;
        for (const Range &image : c.images) {
            if (!write && image.has(address, bytes)) return;
        }
        stop(Kind::kHostMemory, std::string(write ? "writes" : "reads") + " host memory at " + source_place(code));
    }
    // Structures go in the widest pieces their size and place allow.
    unsigned width = 16;
    while (bytes % width || (bytes > width && address % width)) width /= 2;
    for (size_t i = 0; i < bytes; i += width) access(*current, address + i, width, write, aligned, code, 0);
}

} // namespace

namespace checker {

void begin_launch(const Launch &launch, const std::vector<Thread> &threads) {
    Checker &c = checker_state;
    if (c.time > 0xf0000000) { // long before the clock wraps, the past is forgotten
        for (Page &page : c.pages) page.cells.reset();
        c.shared_cells.clear();
        c.time = 0;
    }
    c.launch = &launch;
    c.runner = pthread_self();
    c.launch_begin = ++c.time;
    c.launch_number++;
    c.n_threads = launch.block.x * launch.block.y * launch.block.z;
    c.n_warps = (c.n_threads + 31) / 32;
    c.clocks.resize(c.n_threads);
    c.across.resize(c.n_threads);
    c.shared_cells.resize(kMaxShared);
    c.shared_written.resize(kMaxShared / 8);
    c.shared_pending.resize(kMaxShared / 16);
    c.integers.clear();
    c.thread_table = {reinterpret_cast<uintptr_t>(threads.data()),
                      reinterpret_cast<uintptr_t>(threads.data() + threads.size())};
    const uintptr_t arguments = reinterpret_cast<uintptr_t>(launch.arguments.get());
    c.arguments = {arguments, arguments + launch.argument_bytes};
    if (c.images.empty()) dl_iterate_phdr(add_image, nullptr);
    for (auto &site : c.sites) site->allocation = nullptr;
    const auto [it, added] = c.kernels.try_emplace(launch.kernel);
    if (added) c.order.push_back(launch.kernel);
    c.counters = &it->second;
    c.counters->launches++;
    c.counters->threads = std::max(c.counters->threads, c.n_threads);
    c.counters->shared_bytes = std::max(c.counters->shared_bytes, launch.shared_bytes);
    c.before = *c.counters;
}

bool sampling() { return checker_state.sampling.blocks > 0; }

void choose_blocks(const Launch &launch, std::vector<unsigned> &blocks) {
    Sampling &s = checker_state.sampling;
    if (!s.blocks) return;
    const dim3 &grid = launch.grid;
    s.blocks_run = 0, s.lines = s.requests = 0;
    for (auto &kind : s.in_windows) std::fill_n(kind, 8, 0);
    std::fill_n(s.missed, kNCacheSizes, 0);
    // Kernels without shared memory are quick.
    const bool whole = grid.x <= 2 * uint64_t(s.blocks) || (grid.x <= 8 && launch.shared_bytes == 0);
    s.end = whole ? grid.x : s.blocks;
    s.first[0] = whole ? 0 : std::min(grid.x / 4, grid.x / 2 - s.blocks);
    s.first[1] = grid.x / 2 + s.first[0];
    blocks.clear();
    const auto add = [&](unsigned first, unsigned z) {
        for (unsigned x = first; x < first + s.end; x++)
            for (unsigned y = 0; y < grid.y; y++) blocks.push_back(x + grid.x * (y + grid.y * z));
    };
    add(s.first[0], 0);
    if (!whole) add(s.first[1], 0);
    if (grid.z > 1) add(s.first[0], 1);
}

void begin_block() {
    Checker &c = checker_state;
    c.watching = false;
    c.block_begin = ++c.time;
    for (Clock &clock : c.clocks) clock = Clock{c.time, c.time - 1, {}, {}};
    for (Synchronisation &s : c.across) s = Synchronisation();
    c.acquired.clear();
    const size_t bytes = c.launch->shared_bytes;
    std::fill_n(c.shared_written.begin(), (bytes + 7) / 8, uint8_t(0));
    std::fill(c.shared_pending.begin(), c.shared_pending.end(), uint16_t(0));
    for (unsigned w = 0; w < 32; w++) { // left by a launch that was stopped
        for (uint16_t number : c.open_sites[w]) {
            c.sites[number]->warps[w].open.clear();
            c.sites[number]->warps[w].closed = 0;
            std::memset(c.sites[number]->warps[w].next, 0, sizeof(c.sites[number]->warps[w].next));
        }
        c.open_sites[w].clear();
    }
    c.counters->blocks++;
    Sampling &s = c.sampling;
    if (!s.blocks) return;
    s.window = block_index.z > 0 ? 2 : block_index.x >= s.first[0] + s.end ? 1 : 0;
    s.block++;
    s.blocks_run++;
    std::fill_n(s.misses, kNCacheSizes, 0);
}

void end_block() {
    for (unsigned w = 0; w < checker_state.n_warps; w++) align_requests(w);
}

// Different sectors of the whole grid. Those of two windows of a z, or of two z, are taken for the whole grid's along x
// or z.
double all_sectors(const uint64_t (&in_windows)[8], double along_x, double along_z, int n_windows) {
    const auto n = [&](int windows) { return double(in_windows[windows]); };
    const double own = (n(1) + n(2) + n(4) + 2 * n(6)) / n_windows;
    return n(7) + n(3) * along_z + n(5) * along_x + own * along_x * along_z;
}

void end_launch() {
    Checker &c = checker_state;
    Sampling &s = c.sampling;
    if (s.blocks) {
        const Launch &launch = *c.launch;
        LaunchCounters l;
        l.kernel = kernel_name(launch.kernel);
        l.grid[0] = launch.grid.x, l.grid[1] = launch.grid.y, l.grid[2] = launch.grid.z;
        l.threads = c.n_threads, l.shared_bytes = launch.shared_bytes;
        l.blocks = uint64_t(launch.grid.x) * launch.grid.y * launch.grid.z, l.blocks_run = s.blocks_run;
        const double along_x = double(launch.grid.x) / s.end, along_z = launch.grid.z;
        const double all = double(l.blocks) / double(l.blocks_run);
        const int n_windows = (s.end < launch.grid.x ? 2 : 1) + (launch.grid.z > 1 ? 1 : 0);
        l.read_bytes = 32 * all_sectors(s.in_windows[0], along_x, along_z, n_windows);
        l.written_bytes = 32 * all_sectors(s.in_windows[1], along_x, along_z, n_windows);
        for (size_t k = 0; k < kNCacheSizes; k++) l.read_sectors[k] = all * double(s.missed[k]);
        const KernelCounters &now = *c.counters, &before = c.before;
        l.all_read_sectors = all * double(now.read_sectors - before.read_sectors);
        l.written_sectors = all * double(now.written_sectors - before.written_sectors);
        l.lines = all * double(s.lines), l.requests = all * double(s.requests);
        l.shared_passes = all * double(now.shared_passes - before.shared_passes);
        l.shared_phases = all * double(now.shared_phases - before.shared_phases);
        l.mma = all * double(now.mma - before.mma);
        l.mma_operations = all * double(now.mma_operations - before.mma_operations);
        s.launches.push_back(l);
    }
    c.launch = nullptr;
}

void met(Warp &warp, unsigned mask, bool orders) {
    Checker &c = checker_state;
    if (mask == warp.lanes) align_requests(warp.number);
    if (!orders || c.sampling.blocks) return;
    const Time before = c.time++;
    Clock joined{};
    Clock *clocks = &c.clocks[warp.number * 32];
    for (unsigned left = mask; left; left &= left - 1) {
        const Clock &clock = clocks[__builtin_ctz(left)];
        joined.floor = std::max(joined.floor, clock.floor);
        for (int i = 0; i < 32; i++) {
            joined.lanes[i] = std::max(joined.lanes[i], clock.lanes[i]);
            joined.warps[i] = std::max(joined.warps[i], clock.warps[i]);
        }
    }
    joined.now = c.time;
    for (unsigned left = mask; left; left &= left - 1) joined.lanes[__builtin_ctz(left)] = before;
    for (unsigned left = mask; left; left &= left - 1) clocks[__builtin_ctz(left)] = joined;
}

void met(const uint32_t (&waiting)[32], bool all) {
    Checker &c = checker_state;
    const Time before = c.time++;
    Clock joined{};
    for (unsigned w = 0; w < c.n_warps; w++) {
        if (!waiting[w]) continue;
        align_requests(w);
        if (all || c.sampling.blocks) continue;
        for (unsigned left = waiting[w]; left; left &= left - 1) {
            const Clock &clock = c.clocks[w * 32 + unsigned(__builtin_ctz(left))];
            joined.floor = std::max(joined.floor, clock.floor);
            for (int i = 0; i < 32; i++) joined.warps[i] = std::max(joined.warps[i], clock.warps[i]);
        }
    }
    if (c.sampling.blocks) return;
    joined.now = c.time;
    if (all) joined.floor = before;
    for (unsigned w = 0; w < c.n_warps; w++) {
        if (waiting[w]) joined.warps[w] = before;
    }
    for (unsigned w = 0; w < c.n_warps; w++) {
        for (unsigned left = waiting[w]; left; left &= left - 1)
            c.clocks[w * 32 + unsigned(__builtin_ctz(left))] = joined;
    }
}

void watch(bool on) { checker_state.watching = on; }

void copy_issued(const AsyncCopy &copy) {
    const Site s = copy.site;
    if (copy.global) access(*current, reinterpret_cast<uintptr_t>(copy.global), 16, false, true, s.file, s.line);
    access(*current, reinterpret_cast<uintptr_t>(copy.shared), 16, true, true, s.file, s.line);
    checker_state.shared_pending[size_t(copy.shared - shared_begin) / 16]++;
}

void copy_done(const AsyncCopy &copy) {
    checker_state.shared_pending[size_t(copy.shared - shared_begin) / 16]--;
    SiteState &site = find_site(SiteKey{checker_state.launch->kernel, copy.site.file, copy.site.line, 16, true, true});
    judge(site, reinterpret_cast<uintptr_t>(copy.shared), 16, current->number);
}

// Data of a row goes to several lanes; two stand for them.
void matrix_row_read(unsigned lane, const char *row, Site s) {
    const Thread &giver = current->warp->threads[lane];
    access(giver, reinterpret_cast<uintptr_t>(row), 16, false, true, s.file, s.line);
    SiteState &site = find_site(SiteKey{checker_state.launch->kernel, s.file, s.line, 16, true, false});
    const unsigned receiver = current->warp->threads[lane % 8 * 4 + (lane % 8 * 4 == lane)].number;
    judge(site, reinterpret_cast<uintptr_t>(row), 16, receiver);
}

void multiplied(int depth) {
    checker_state.counters->mma++;
    checker_state.counters->mma_operations += 2u * 16 * 8 * unsigned(depth);
}

void fence() {
    Checker &c = checker_state;
    const unsigned thread = current->number;
    Synchronisation &s = c.across[thread];
    s.fenced = true;
    s.fence = c.clocks[thread];
    for (const auto &[releases, n] : s.seen)
        c.acquired.push_back({releases, n, uint16_t(thread), c.clocks[thread].now});
    s.seen.clear();
    c.clocks[thread].now = ++c.time;
}

void atomic(const void *address) {
    Checker &c = checker_state;
    const char *p = static_cast<const char *>(address);
    const bool shared = p >= shared_begin && p + 4 <= shared_begin + c.launch->shared_bytes;
    if (!shared && !find_allocation(address, 4)) stop(Kind::kBounds, "adds atomically outside any memory");
    Synchronisation &s = c.across[current->number];
    std::vector<Release> &releases = c.integers[address];
    s.seen.emplace_back(&releases, releases.size());
    if (s.fenced) releases.push_back({c.block_begin, uint16_t(current->number), s.fence});
}

void written(const void *begin, size_t bytes) {
    if (!sampling()) set_written(reinterpret_cast<uintptr_t>(begin), bytes, true);
}
void forgotten(const void *begin, size_t bytes) { set_written(reinterpret_cast<uintptr_t>(begin), bytes, false); }

} // namespace checker

void set_uninitialized_check(bool on) { checker_state.uninitialized = on; }

void set_sampling(unsigned blocks) {
    std::lock_guard<std::recursive_mutex> lock(device_mutex());
    checker_state.sampling.blocks = blocks;
}

std::vector<LaunchCounters> take_launches() {
    std::lock_guard<std::recursive_mutex> lock(device_mutex());
    return std::exchange(checker_state.sampling.launches, {});
}

std::vector<KernelCounters> take_counters() {
    std::lock_guard<std::recursive_mutex> lock(device_mutex());
    Checker &c = checker_state;
    std::vector<KernelCounters> all;
    for (const void *kernel : c.order) {
        KernelCounters counters = c.kernels[kernel];
        counters.kernel = kernel_name(kernel);
        for (const auto &site : c.sites) {
            if (site->key.kernel != kernel || site->counters.requests == 0) continue;
            counters.sites.push_back(site->counters);
            counters.sites.back().place = place(site->key);
            SiteCounters fresh;
            fresh.shared = site->key.shared, fresh.write = site->key.write, fresh.width = site->key.width;
            site->counters = fresh;
        }
        all.push_back(std::move(counters));
    }
    c.order.clear();
    c.kernels.clear();
    return all;
}

} // namespace ist::emulation

// ---- The compiler's hooks

#define HOOK extern "C" __attribute__((visibility("default")))
#define CODE __builtin_return_address(0)

HOOK void __tsan_init() {}
HOOK void __tsan_func_entry(void *) {}
HOOK void __tsan_func_exit() {}
HOOK void __tsan_vptr_update(void **, void *) {}
HOOK void __tsan_vptr_read(void **) {}
#define ACCESS(n)                                                                                                      \
    HOOK void __tsan_read##n(void *p) { ist::emulation::touched(p, n, false, true, CODE); }                            \
    HOOK void __tsan_write##n(void *p) { ist::emulation::touched(p, n, true, true, CODE); }                            \
    HOOK void __tsan_volatile_read##n(void *p) { ist::emulation::touched(p, n, false, true, CODE); }                   \
    HOOK void __tsan_volatile_write##n(void *p) { ist::emulation::touched(p, n, true, true, CODE); }                   \
    HOOK void __tsan_unaligned_read##n(void *p) { ist::emulation::touched(p, n, false, false, CODE); }                 \
    HOOK void __tsan_unaligned_write##n(void *p) { ist::emulation::touched(p, n, true, false, CODE); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
HOOK void __tsan_read_range(void *p, size_t n) { ist::emulation::touched(p, n, false, false, CODE); }
HOOK void __tsan_write_range(void *p, size_t n) { ist::emulation::touched(p, n, true, false, CODE); }

// Atomic operations of host code that was compiled with the kernels: the hooks are the operations.
#define ATOMICS(bits, type)                                                                                            \
    HOOK type __tsan_atomic##bits##_load(const volatile type *p, int) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); } \
    HOOK void __tsan_atomic##bits##_store(volatile type *p, type v, int) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); } \
    HOOK type __tsan_atomic##bits##_exchange(volatile type *p, type v, int) {                                          \
        return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                                            \
    }                                                                                                                  \
    HOOK type __tsan_atomic##bits##_fetch_add(volatile type *p, type v, int) {                                         \
        return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                                             \
    }                                                                                                                  \
    HOOK type __tsan_atomic##bits##_fetch_sub(volatile type *p, type v, int) {                                         \
        return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST);                                                             \
    }                                                                                                                  \
    HOOK type __tsan_atomic##bits##_fetch_and(volatile type *p, type v, int) {                                         \
        return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST);                                                             \
    }                                                                                                                  \
    HOOK type __tsan_atomic##bits##_fetch_or(volatile type *p, type v, int) {                                          \
        return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);                                                              \
    }                                                                                                                  \
    HOOK type __tsan_atomic##bits##_fetch_xor(volatile type *p, type v, int) {                                         \
        return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);                                                             \
    }                                                                                                                  \
    HOOK int __tsan_atomic##bits##_compare_exchange_strong(volatile type *p, type *expected, type v, int, int) {       \
        return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                 \
    }                                                                                                                  \
    HOOK int __tsan_atomic##bits##_compare_exchange_weak(volatile type *p, type *expected, type v, int, int) {         \
        return __atomic_compare_exchange_n(p, expected, v, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                  \
    }
ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)
HOOK void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
HOOK void __tsan_atomic_signal_fence(int) {}

#else

#include "counters.h"
#include "emulation.h"

namespace ist::emulation {
std::vector<KernelCounters> take_counters() { return {}; }
void set_sampling(unsigned) {}
std::vector<LaunchCounters> take_launches() { return {}; }
void set_uninitialized_check(bool) {}
} // namespace ist::emulation

#endif
