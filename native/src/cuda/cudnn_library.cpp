// cudnn_library.cpp - finds and loads cuDNN (cudnn_interface.h).
#include <dlfcn.h>
#include <glob.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>
#include <type_traits>
#include <vector>

#include "../error.h"
#include "cudnn_interface.h"

namespace ist::cuda::cudnn {
namespace {

constexpr const char *kFile = "libcudnn.so.9";

std::string variable(const char *name) {
    const char *value = std::getenv(name);
    return value ? value : "";
}

std::string in_folder(const std::string &path) {
    struct stat info{};
    return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) ? path + "/" + kFile : path;
}

std::vector<std::string> places() {
    std::vector<std::string> files = {kFile};
    for (const char *name : {"CUDNN_HOME", "CUDA_HOME"})
        if (const std::string home = variable(name); !home.empty())
            for (const char *below : {"/", "/lib64/", "/lib/"}) files.push_back(home + below + kFile);
    files.push_back(std::string("/usr/local/cuda/lib64/") + kFile);
    const std::string home = variable("HOME");
    for (const std::string &prefix : {variable("VIRTUAL_ENV"), variable("CONDA_PREFIX"),
                                      home.empty() ? home : home + "/.local", std::string("/usr/local")}) {
        if (prefix.empty()) continue;
        glob_t found{};
        const std::string pattern = prefix + "/lib/python3*/*-packages/nvidia/cudnn/lib/" + kFile;
        if (glob(pattern.c_str(), 0, nullptr, &found) == 0)
            files.insert(files.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
        globfree(&found);
    }
    return files;
}

void *open(const std::string &file) { return dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL); }

void *open_any() {
    if (const std::string named = variable("ISTHMUS_CUDNN"); !named.empty()) {
        if (void *library = open(in_folder(named))) return library;
        const char *reason = dlerror();
        throw Error(IST_UNSUPPORTED, "ISTHMUS_CUDNN names no cuDNN 9 that can be loaded (" +
                                         std::string(reason ? reason : named) + "); correct it, or unset it");
    }
    for (const std::string &file : places())
        if (void *library = open(file)) return library;
    throw Error(IST_UNSUPPORTED, std::string("there is no cuDNN 9 (") + kFile +
                                     ") where the system, CUDA or a Python environment keep libraries; name its folder "
                                     "in ISTHMUS_CUDNN, or do without (ISTHMUS_CONVOLUTIONS=own)");
}

Functions load() {
    void *library = open_any();
    Functions found;
    const auto find = [&](auto &function, const char *name) {
        void *address = dlsym(library, name);
        if (!address)
            throw Error(IST_UNSUPPORTED, std::string("the cuDNN that was found lacks ") + name +
                                             "; name version 9 in ISTHMUS_CUDNN, or do without "
                                             "(ISTHMUS_CONVOLUTIONS=own)");
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address);
    };
#define IST_CUDNN_FIND(Result, name, parameters) find(found.name, #name);
    IST_CUDNN_FUNCTIONS(IST_CUDNN_FIND)
#undef IST_CUDNN_FIND
    return found;
}

} // namespace

const Functions &functions() {
    static const Functions loaded = load();
    return loaded;
}

} // namespace ist::cuda::cudnn
