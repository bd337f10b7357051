#!/usr/bin/env bash
# Isthmus against PyTorch and JAX on this machine's GPU, with one command: builds, examines the device, installs the peers,
# measures everything in one run and writes bench/results/<date>-<device>.md, raw samples beside it (.jsonl).
#
#   bench/gpu.sh                     all networks and works; an hour or two (estimated), most of it the peers' compilers
#   bench/gpu.sh --quick             ResNet-20, few settings and samples; about 4 minutes (estimated) once all is installed
#   bench/gpu.sh --peers LIST        none, all (the default), or some of torch,jax
#   bench/gpu.sh --app FOLDER        uses an app folder (./isthmus package, with the CUDA backend) instead of building
#   bench/gpu.sh --device cpu        a trial of the measuring program without a GPU, tiny networks; its times mean nothing
#   bench/gpu.sh ...                 everything else goes to bench/peers/compare_gpu.py, whose --help lists it
#
# Peers are taken from the python3 in PATH where it has them, else from PyPI into build/gpu-peers. One that cannot be had is a
# sentence, not a failure. No GPU, or no Python: exit 69; a build, an examination or a measurement that fails: exit 70.
set -euo pipefail

home=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
readonly home UNAVAILABLE=69 INTERNAL=70
peers=$home/build/gpu-peers
say() { echo "gpu.sh: $*" >&2; }
fail() { echo "gpu.sh: $2" >&2; exit "$1"; }

# --- the command line -----------------------------------------------------------------------------------------------

command="$*" device=cuda quick= wanted=all app= passed=()
while (($# > 0)); do
  case $1 in
    --peers | --app | --device) (($# > 1)) || fail 2 "$1 needs a value" ;;&
    --peers) wanted=$2; shift ;;
    --app) app=$2; shift ;;
    --device) device=$2; passed+=(--device "$2"); shift ;;
    --quick) quick=1; passed+=(--quick) ;;
    --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit ;;
    *) passed+=("$1") ;;
  esac
  shift
done
case $device in cuda | cpu) ;; *) fail 2 "--device knows cuda and cpu, not '$device'" ;; esac
case $wanted in
  all) wanted=torch,jax ;;
  none | torch | jax | torch,jax | jax,torch) ;;
  *) fail 2 "--peers knows none, all, torch and jax, not '$wanted'" ;;
esac
[[ -z $app || -x $app/isthmus ]] || fail 2 "--app: $app has no program isthmus; ./isthmus package makes such a folder"

# --- the device -----------------------------------------------------------------------------------------------------

if [[ $device == cuda ]]; then
  export CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=${CUDA_VISIBLE_DEVICES:-0} # nvidia-smi's order
  card=$(nvidia-smi "--id=${CUDA_VISIBLE_DEVICES%%,*}" --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null) ||
    fail $UNAVAILABLE "no NVIDIA GPU: nvidia-smi is missing or finds none; on a machine with one, install its driver (580 or newer)"
  say "found $card"
  if [[ -n $quick ]]; then length="about 4 minutes of measuring"; else length="an hour or two of measuring"; fi
  say "will $([[ -n $app ]] || echo 'build the CUDA backend (about 10 minutes the first time), ')run doctor, $([[ $wanted == none ]] || echo "get the peers ($wanted, a few GB), ")then take $length"
else
  say "a trial without a GPU: tiny networks on the processor, a few minutes; its times mean nothing"
fi

# --- Isthmus --------------------------------------------------------------------------------------------------------

if [[ -n $app ]]; then
  isthmus=$app/isthmus library=$(readlink -f "$app")/lib/libisthmus_cpu.so
else
  isthmus=$home/isthmus library=$home/build/native/libisthmus_cpu.so
  if [[ $device == cuda ]]; then "$isthmus" build --cuda; else "$isthmus" build; fi || fail $INTERNAL "the build failed; nothing was measured"
fi
if [[ $device == cuda ]]; then
  "$isthmus" doctor --backend cuda || fail $INTERNAL "doctor found faults on this device (above); nothing was measured"
fi

# --- peers ----------------------------------------------------------------------------------------------------------

command -v python3 >/dev/null || fail $UNAVAILABLE "missing: Python 3 with venv; on Debian or Ubuntu: apt-get install python3-venv"
mkdir -p "$peers"

# python_with NAME CHECK PACKAGE...: prints a Python in which CHECK runs, python3 or one made in build/gpu-peers/NAME.
python_with() {
  local own=$peers/$1/bin/python candidate
  for candidate in python3 "$own"; do
    if "$candidate" -c "$2" >/dev/null 2>&1; then command -v "$candidate"; return; fi
  done
  say "installing $1 from PyPI into build/gpu-peers/$1 (log: build/gpu-peers/$1.log)"
  { python3 -m venv "$peers/$1" && "$own" -m pip install "${@:3}" && "$own" -c "$2"; } >"$peers/$1.log" 2>&1 || return
  echo "$own"
}

base=$(python_with numpy 'import numpy' numpy) ||
  fail $UNAVAILABLE "NumPy could not be installed; the reason is at the end of build/gpu-peers/numpy.log"
if [[ $device == cuda ]]; then
  sees_torch='import numpy, torch; torch.zeros(1).cuda()'
  sees_jax='import jax; assert jax.default_backend() == "gpu"'
  jax=jax[cuda13]
else
  sees_torch='import numpy, torch' sees_jax='import jax' jax=jax
fi
absent() { say "$1"; passed+=(--absent "$1"); }
if [[ ,$wanted, == *,torch,* ]]; then
  if python=$(python_with torch "$sees_torch" torch numpy setuptools); then passed+=(--torch "$python"); else
    absent "PyTorch is not compared: it could not be installed or does not reach the device; build/gpu-peers/torch.log says why"
  fi
fi
if [[ ,$wanted, == *,jax,* ]]; then
  if python=$(python_with jax "$sees_jax" "$jax" numpy); then passed+=(--jax "$python"); else
    absent "JAX is not compared: it could not be installed or does not reach the device; build/gpu-peers/jax.log says why"
  fi
fi

# --- measuring ------------------------------------------------------------------------------------------------------

commit=$(git -C "$home" describe --always --dirty --abbrev=9 --match= 2>/dev/null || echo unknown)
note="Commit $commit; load of the machine at the start: $(cut -d ' ' -f 1 /proc/loadavg)"
status=0
"$base" "$home/bench/peers/compare_gpu.py" --library "$library" --command "$command" --note "$note" "${passed[@]}" || status=$?
case $status in
  0) ;;
  2) exit 2 ;;
  *) fail $INTERNAL "not everything was measured; the sentences above say what is missing" ;;
esac
