#!/usr/bin/env bash
# Runs build/isthmus-app.tar.xz where there is nothing but glibc, libstdc++, zlib and a shell: a folder of its own, by
# chroot. Needs root.
#
#   tests/e2e/check_app.sh build/isthmus-app.tar.xz
set -euo pipefail

archive=$1
limit=$((64 << 20))
size=$(stat -c %s "$archive")
((size < limit)) || { echo "$archive has $size bytes, more than $limit" >&2; exit 1; }

root=$(mktemp -d)
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,usr/bin,etc,tmp,proc,files}
tar -C "$root" -xf "$archive"
for tool in /bin/sh /usr/bin/readlink /usr/bin/dirname; do cp "$(readlink -f "$tool")" "$root$tool"; done
# What the system gives: all that the files need and the app does not bring.
{ find "$root" -type f \( -name '*.so*' -o -perm -u+x \) -exec ldd {} + 2>/dev/null || true; } |
  awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\/lib.*ld-linux/ { print $1 }' | sort -u |
  while read -r library; do
    case $library in "$root"/*) ;; *) mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library" ;; esac
  done
mount --bind /proc "$root/proc" 2>/dev/null || mount -t proc proc "$root/proc" 2>/dev/null ||
  echo "no /proc in the chroot: going on without" >&2

isthmus() { chroot "$root" /usr/bin/env -i -C /files HOME=/files LC_ALL=C.UTF-8 PATH=/usr/bin:/bin /app/isthmus "$@"; }
cp "$(command -v env)" "$root/usr/bin/env"

isthmus --help | grep -q 'Verbs:'
isthmus doctor
cat >"$root/files/tiny.yaml" <<'END'
data: {name: digits, train_limit: 100, test_limit: 50}
model: resnet8:width=4
training: {minima: 2, batch: 25, steps: 20}
exploration: {batch: 25, autoneb: [{steps: 4, learning_rate: 0.1}, {steps: 4}]}
END
isthmus run tiny.yaml -o tiny --quiet
test -s "$root/files/tiny/report.html"
find "$root/files/tiny" -name '*.png' -size +0 | grep -q .
status=0
isthmus run tiny.yaml -o other -s backend=cuda || status=$?
[[ $status == 69 || -e /dev/nvidiactl ]] || { echo "without a GPU a run on it must end with 69, not $status" >&2; exit 1; }
[[ ! -e $root/app/lib/libisthmus_cuda.so ]] || grep -q libcudnn.so.9 "$root/app/lib/libisthmus_cuda.so" ||
  { echo "the CUDA backend does not know cuDNN" >&2; exit 1; }
echo "the app runs without Java: $((size >> 20)) MiB packed"
