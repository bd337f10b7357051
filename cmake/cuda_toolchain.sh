#!/usr/bin/env bash
# Prints the folder of a CUDA toolkit that builds the CUDA backend (bin/nvcc below it).
#
#   cmake/cuda_toolchain.sh FOLDER            an installed toolkit, or one fetched from PyPI into FOLDER (about 280 MB)
#   cmake/cuda_toolchain.sh --cudnn FOLDER    also cuDNN (820 MB): FOLDER/cudnn/nvidia/cudnn has its include and lib
#
# An installed one wins: CUDA_HOME, nvcc in PATH, /usr/local/cuda, if it is CUDA 12.0 or newer. What is fetched is pinned
# to 13.0, whose programs run with every driver from 580 on. No network, no pip: exit 69 with a sentence.
set -euo pipefail

readonly UNAVAILABLE=69 LEAST=12.0
readonly TOOLKIT=(
  nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96
  nvidia-cuda-cccl==13.0.85 nvidia-cuda-cuobjdump==13.2.78 nvidia-cuda-nvdisasm==13.5.37)
readonly CUDNN=(nvidia-cudnn-cu13==9.25.1.1)

fail() { echo "isthmus: $1" >&2; exit $UNAVAILABLE; }

# version NVCC: the toolkit's, such as 13.0, or nothing.
version() {
  local text
  text=$("$1" --version 2>/dev/null) || return 0
  [[ $text =~ release\ ([0-9]+\.[0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# Prints the first installed toolkit that is new enough.
installed() {
  local candidate found
  candidate=$(command -v nvcc || true)
  for candidate in "${CUDA_HOME:-}" "${candidate:+$(dirname "$(dirname "$(readlink -f "$candidate")")")}" /usr/local/cuda; do
    [[ -n $candidate && -x $candidate/bin/nvcc ]] || continue
    found=$(version "$candidate/bin/nvcc")
    if [[ -n $found && $(printf '%s\n' $LEAST "$found" | sort -V | head -n 1) == "$LEAST" ]]; then
      echo "$candidate"
      return
    fi
    echo "isthmus: $candidate is CUDA ${found:-of an unknown version}, which is older than $LEAST: not used" >&2
  done
}

# Sets `pip` to a command that installs from PyPI.
find_pip() {
  command -v python3 >/dev/null || fail "missing: Python 3, which fetches the CUDA compiler; install it (apt-get install python3-venv) or set CUDA_HOME"
  pip=(python3 -m pip)
  "${pip[@]}" --version >/dev/null 2>&1 && return
  [[ -x $folder/venv/bin/pip ]] || python3 -m venv "$folder/venv" >/dev/null 2>&1 ||
    fail "missing: pip, which fetches the CUDA compiler; install it (apt-get install python3-venv) or set CUDA_HOME"
  pip=("$folder/venv/bin/python" -m pip)
}

# fetch NAME PACKAGE...: into FOLDER/NAME, unless it is there already. NAME.stamp tells what was fetched.
fetch() {
  local stamp=$folder/$1.stamp
  [[ -e $stamp && $(<"$stamp") == "${*:2}" ]] && return
  find_pip
  echo "isthmus: fetching the $1 from PyPI (log: $folder/$1.log)" >&2
  rm -rf "${folder:?}/$1" "$stamp"
  "${pip[@]}" install --no-deps --disable-pip-version-check --no-warn-script-location --target "$folder/$1" "${@:2}" \
    >"$folder/$1.log" 2>&1 || fail "the $1 could not be fetched from PyPI; the reason is at the end of $folder/$1.log"
  echo "${*:2}" >"$stamp"
}

cudnn=
if [[ ${1:-} == --cudnn ]]; then cudnn=1; shift; fi
(($# == 1)) || fail "usage: cuda_toolchain.sh [--cudnn] FOLDER"
mkdir -p "$1"
folder=$(readlink -f "$1")
toolkit=$(installed)
if [[ -z $toolkit ]]; then
  fetch toolkit "${TOOLKIT[@]}"
  toolkit=$folder/toolkit/nvidia/cu13
  ln -sfn lib "$toolkit/lib64" # where nvcc looks
fi
if [[ -n $cudnn ]]; then fetch cudnn "${CUDNN[@]}"; fi
echo "$toolkit"
