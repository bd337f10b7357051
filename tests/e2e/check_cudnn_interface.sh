#!/usr/bin/env bash
# Compares native/src/cuda/cudnn_interface.h with cuDNN's own headers, as the compiler sees both.
#
#   tests/e2e/check_cudnn_interface.sh CUDA_INCLUDE CUDNN_INCLUDE
#
# cmake/cuda_toolchain.sh --cudnn FOLDER fetches both.
set -euo pipefail
(($# == 2)) || { echo "usage: check_cudnn_interface.sh CUDA_INCLUDE CUDNN_INCLUDE" >&2; exit 2; }
cd "$(dirname "$0")/../.."
"${CXX:-c++}" -std=c++17 -fsyntax-only -Wno-deprecated-declarations -isystem "$1" -isystem "$2" -Inative/src \
  tests/e2e/check_cudnn_interface.cpp
echo "cudnn_interface.h is cuDNN's"
