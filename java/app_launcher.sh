#!/bin/sh
# Starts Isthmus from its app folder, which ./isthmus package makes: no Java and no compiler needed, only glibc 2.34,
# libstdc++ and zlib. Every verb is here: ./isthmus --help
here=$(dirname "$(readlink -f "$0")")
# shellcheck disable=SC2086 # several options, as words
exec "$here/runtime/bin/java" "@$here/jvm.options" "-Djava.library.path=$here/lib" ${ISTHMUS_JAVA_OPTIONS:-} \
  -jar "$here/java/isthmus.jar" "$@"
