#!/bin/sh
# Runs every linter and names those that complained. Usage: lint.sh BIN_DIR MESON_BUILD_DIR

set -u
bin=$1
build=$2
complaints=

check() { # NAME COMMAND...
    name=$1
    shift
    echo "==> $name"
    "$@" || complaints="$complaints $name"
}

tidy() {
    command=$(command -v clang-tidy-14 || command -v clang-tidy) || return 1
    output=$(mktemp)
    status=0
    # clang does not know all of gcc's warning options; the count of hidden warnings is no news.
    printf '%s\n' src/*/*.c | xargs -P "$(nproc)" -n 4 "$command" -p "$build" --quiet \
        --extra-arg=-Wno-unknown-warning-option >"$output" 2>&1 || status=1
    grep -v -E '^[0-9]+ warnings? generated\.$' "$output"
    rm -f "$output"
    return $status
}

# shellcheck disable=SC2046 # a list of words on purpose
check clang-format "$bin/clang-format" --dry-run -Werror src/*/*.[ch] \
    $(ls tests/unit/*.[ch] tests/fuzz/*.[ch] 2>/dev/null)
check clang-tidy tidy
check layers "$bin/python" tools/check_layers.py
check source-lists "$bin/python" tools/source_lists.py --check
check ruff "$bin/ruff" check .
check ruff-format "$bin/ruff" format --check .
check mypy "$bin/mypy"
check stubtest "$bin/python" -m mypy.stubtest codetracer_python_recorder._recorder

if [ -n "$complaints" ]; then
    echo "complaints from:$complaints" >&2
    exit 1
fi
