// names.cpp - the name of a kernel from its address: from the symbols of the file it lies in, hidden ones included.
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>

#include "engine.h"

namespace ist::emulation {
namespace {

std::string demangled(const char *symbol) {
    int status = 0;
    char *text = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
    std::string name = text ? text : symbol;
    std::free(text);
    // The name alone, without the parameters' types: up to the bracket that closes last.
    if (name.compare(0, 5, "void ") == 0) name.erase(0, 5);
    if (!name.empty() && name.back() == ')') {
        int depth = 0;
        for (size_t i = name.size(); i-- > 0;) {
            depth += (name[i] == ')') - (name[i] == '(');
            if (depth == 0) {
                name.erase(i);
                break;
            }
        }
    }
    return name;
}

std::string find_name(const void *function) {
    Dl_info info;
    if (!dladdr(function, &info) || !info.dli_fname) return "unknown";
    std::ifstream file(*info.dli_fname ? info.dli_fname : "/proc/self/exe", std::ios::binary);
    if (!file) file.open("/proc/self/exe", std::ios::binary);
    const std::vector<char> image{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto *header = reinterpret_cast<const Elf64_Ehdr *>(image.data());
    if (image.size() < sizeof(*header) || std::memcmp(header->e_ident, ELFMAG, SELFMAG)) return "unknown";
    const uint64_t address = reinterpret_cast<uintptr_t>(function) -
                             (header->e_type == ET_DYN ? reinterpret_cast<uintptr_t>(info.dli_fbase) : 0);
    const auto *sections = reinterpret_cast<const Elf64_Shdr *>(image.data() + header->e_shoff);
    for (int s = 0; s < header->e_shnum; s++) {
        if (sections[s].sh_type != SHT_SYMTAB) continue;
        const auto *symbols = reinterpret_cast<const Elf64_Sym *>(image.data() + sections[s].sh_offset);
        const char *texts = image.data() + sections[sections[s].sh_link].sh_offset;
        for (size_t i = 0; i < sections[s].sh_size / sizeof(Elf64_Sym); i++) {
            if (ELF64_ST_TYPE(symbols[i].st_info) == STT_FUNC && symbols[i].st_value == address) {
                return demangled(texts + symbols[i].st_name);
            }
        }
    }
    return info.dli_sname ? demangled(info.dli_sname) : "unknown";
}

} // namespace

std::string kernel_name(const void *kernel) {
    static std::map<const void *, std::string> names;
    const auto it = names.find(kernel);
    return it != names.end() ? it->second : names[kernel] = find_name(kernel);
}

} // namespace ist::emulation
