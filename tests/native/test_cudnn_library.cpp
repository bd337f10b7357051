// test_cudnn_library.cpp - what is said where cuDNN is not to be had (cuda/cudnn_library.cpp).
#include <cstdlib>

#include <gtest/gtest.h>

#include "../../native/src/cuda/cudnn_interface.h"
#include "error.h"
#include "plugin.h"

namespace {

using namespace ist;

std::string refusal(const std::string &named) {
    setenv("ISTHMUS_CUDNN", named.c_str(), 1);
    std::string text;
    try {
        cuda::cudnn::functions();
    } catch (const Error &e) {
        EXPECT_EQ(e.status, IST_UNSUPPORTED);
        text = e.what();
    }
    unsetenv("ISTHMUS_CUDNN");
    return text;
}

TEST(CudnnLibrary, WhatIsNamedMustBeCudnn) {
    const std::string folder = refusal(plugin_folder() + "/plugins");
    EXPECT_EQ(folder.find("ISTHMUS_CUDNN names no cuDNN 9 that can be loaded ("), 0u) << folder;
    EXPECT_NE(folder.find("/plugins/libcudnn.so.9"), std::string::npos) << folder;
    EXPECT_NE(refusal("/nowhere").find("/nowhere"), std::string::npos);
    const std::string other = refusal(plugin_folder() + "/plugins/none/libisthmus_cuda.so");
    EXPECT_EQ(other.find("the cuDNN that was found lacks cudnnGetErrorString; name version 9"), 0u) << other;
}

TEST(CudnnLibrary, WhereThereIsNoneThatIsSaid) {
    try {
        EXPECT_STREQ(cuda::cudnn::functions().cudnnGetErrorString(0), "CUDNN_STATUS_SUCCESS");
    } catch (const Error &e) {
        EXPECT_EQ(std::string(e.what()).find("there is no cuDNN 9 (libcudnn.so.9) where the system"), 0u) << e.what();
    }
}

} // namespace
