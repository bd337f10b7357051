#!/usr/bin/env bash
# How the barrier falls with width and depth: perceptrons and ResNet-8s on the digits, ten minima each.
#
#   bench/studies/width_depth.sh [FOLDER]
#
# Runs go to FOLDER (default runs/width-depth), one folder for each network; a second start goes on where the first
# was stopped. The figures and their CSV files lie in FOLDER/width, FOLDER/depth and FOLDER/resnet.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-runs/width-depth}
configs=bench/studies/width-depth

# study NAME CONFIG MODEL...: a run for each network, then the figure of all of them.
study() {
  local name=$1 config=$2 model runs=()
  shift 2
  for model in "$@"; do
    runs+=("$folder/${model//[:=]/-}")
    [[ -e ${runs[-1]}/report.html ]] || ./isthmus run "$configs/$config" -s "model=$model" -o "${runs[-1]}"
  done
  ./isthmus report "${runs[@]}" --figure size -o "$folder/$name"
  ./isthmus report "${runs[@]}" --format csv >"$folder/$name/table.csv"
  ./isthmus report "${runs[@]}" --format markdown >"$folder/$name/table.md"
}

study width perceptrons.yaml mlp-4 mlp-8 mlp-16 mlp-32 mlp-64 mlp-128
study depth perceptrons.yaml mlp-16 mlp-16-16 mlp-16-16-16 mlp-16-16-16-16
study resnet resnets.yaml resnet8:width=2 resnet8:width=4 resnet8:width=8 resnet8:width=16
