# Dependencies.cmake - what Isthmus is built with: found, or named with how to get it.
#
#   Isthmus::onednn     oneDNN 3.x from IST_ONEDNN_DIR
#   IST_ONEDNN_LIBS     the shared objects that must lie beside libisthmus_cpu.so at run time
#   GTest::gtest_main   only where IST_TESTS is on; IST_HAVE_GTEST says whether it was found

# --- oneDNN: the bytedeco jar (unpacked), the platform folder inside it, or an installation prefix ------------------
set(IST_ONEDNN_DIR "" CACHE PATH "oneDNN 3.x: a prefix with include/ and lib/, or the unpacked jar org.bytedeco:dnnl:linux-x86_64")

set(_onednn_places ${IST_ONEDNN_DIR} ${IST_ONEDNN_DIR}/org/bytedeco/dnnl/linux-x86_64)
if(NOT IST_ONEDNN_DIR)
    set(_onednn_places ${CMAKE_CURRENT_LIST_DIR}/../build/onednn/org/bytedeco/dnnl/linux-x86_64)
endif()
find_path(IST_ONEDNN_INCLUDE oneapi/dnnl/dnnl.hpp PATHS ${_onednn_places} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_library(IST_ONEDNN_LIBRARY NAMES libdnnl.so.3 dnnl PATHS ${_onednn_places} PATH_SUFFIXES lib lib64 NO_DEFAULT_PATH)
if(NOT IST_ONEDNN_INCLUDE OR NOT IST_ONEDNN_LIBRARY)
    unset(IST_ONEDNN_INCLUDE CACHE)
    unset(IST_ONEDNN_LIBRARY CACHE)
    message(FATAL_ERROR
        "oneDNN 3.x was not found in '${_onednn_places}'. Let Maven unpack it into build/onednn (mvn -q process-resources, "
        "done by ./isthmus), or unpack the jar org.bytedeco:dnnl:3.13-1.5.14:linux-x86_64 yourself and pass "
        "-DIST_ONEDNN_DIR=<folder>; a oneDNN installation prefix with include/ and lib/ works too.")
endif()

file(STRINGS ${IST_ONEDNN_INCLUDE}/oneapi/dnnl/dnnl_version.h _onednn_major REGEX "define DNNL_VERSION_MAJOR ")
if(NOT _onednn_major MATCHES " 3$")
    message(FATAL_ERROR "oneDNN 3.x is needed, ${IST_ONEDNN_INCLUDE} has another: '${_onednn_major}'.")
endif()

add_library(Isthmus::onednn SHARED IMPORTED)
set_target_properties(Isthmus::onednn PROPERTIES
    IMPORTED_LOCATION ${IST_ONEDNN_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${IST_ONEDNN_INCLUDE})

set(IST_ONEDNN_LIBS ${IST_ONEDNN_LIBRARY})
get_filename_component(_onednn_folder ${IST_ONEDNN_LIBRARY} DIRECTORY)
# oneDNN's threads are those of OpenMP, and the engine tells them how many they are: both must use the same runtime.
if(EXISTS ${_onednn_folder}/libgomp.so.1)
    list(APPEND IST_ONEDNN_LIBS ${_onednn_folder}/libgomp.so.1)
    set_property(TARGET Isthmus::onednn PROPERTY INTERFACE_LINK_LIBRARIES ${_onednn_folder}/libgomp.so.1)
else()
    find_package(OpenMP REQUIRED COMPONENTS CXX)
    set_property(TARGET Isthmus::onednn PROPERTY INTERFACE_LINK_LIBRARIES OpenMP::OpenMP_CXX)
endif()

# --- threads, GoogleTest --------------------------------------------------------------------------------------------
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

set(IST_HAVE_GTEST OFF)
if(IST_TESTS)
    find_package(GTest QUIET)
    if(GTest_FOUND)
        set(IST_HAVE_GTEST ON)
    else()
        message(WARNING "GoogleTest was not found: the native C++ tests are not built. On Debian or Ubuntu: apt-get install libgtest-dev")
    endif()
endif()
