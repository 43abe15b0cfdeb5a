#!/bin/sh
# Makes sure that the system packages of a group are there: build, lint, fuzz, browser or python.
# Silent and instant when nothing is missing; otherwise says what it installs, and installs it
# through apt, or says what to install where it cannot.

set -eu

missing=

need_command() { # COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

need_library() { # PKG-CONFIG-NAME PACKAGE
    pkg-config --exists "$1" 2>/dev/null || missing="$missing $2"
}

need_build() {
    need_command gcc gcc
    [ -e /usr/include/stdio.h ] || missing="$missing libc6-dev"
    need_command readelf binutils
    need_command pkg-config pkg-config
    need_library libzstd libzstd-dev
    need_library libxxhash libxxhash-dev
    need_library gmp libgmp-dev
    need_library jansson libjansson-dev
    need_library libevent_extra libevent-dev
    need_library sqlite3 libsqlite3-dev
    need_library zlib zlib1g-dev
    need_library minizip libminizip-dev
    need_library cmocka libcmocka-dev
}

need_lint() {
    for name in clang-tidy-14 clang-tidy; do
        command -v "$name" >/dev/null 2>&1 && return
    done
    missing=" $(first_available clang-tidy-14 clang-tidy)"
}

need_fuzz() {
    need_command clang-14 clang-14
    ls /usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1 ||
        missing="$missing libclang-rt-14-dev"
}

need_browser() { # that the tests of the window drive
    need_command chromium chromium
}

need_python() { # the newest of the supported versions that this system's archive has
    version=$(first_available python3.13-dev python3.12-dev)
    version=${version%-dev}
    missing=" $version $version-venv $version-dev"
}

first_available() {
    for name in "$@"; do
        if apt-cache show "$name" >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    echo "$1"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

refuse() { # REASON
    echo "Missing system packages:$missing" >&2
    echo "$1 Install them (these are Debian's names), then run make again:" >&2
    echo "    apt-get install$missing" >&2
    exit 1
}

group=${1:-build}
need_"$group"
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null 2>&1 || refuse "There is no apt-get here."
[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1 || refuse "Neither root nor sudo."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

apt() { # ARGUMENT...: quiet, unless it fails
    echo "==> apt-get $*" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        refuse "apt-get failed."
    }
}

# A fresh machine has no package lists yet; what is there, and under which name, needs them.
apt update
missing=
need_"$group"
for name in $missing; do
    apt-cache show "$name" >/dev/null 2>&1 || {
        echo "This system's archive has no $name." >&2
        exit 1
    }
done

# shellcheck disable=SC2086 # a list of words on purpose
apt install -y --no-install-recommends $missing
