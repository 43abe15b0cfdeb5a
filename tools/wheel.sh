#!/usr/bin/env bash
# Builds a wheel that is laid out for what programs make the recorder do: built once to count what
# runs while tools/exercise.py is recorded, and again by those counts.
#
#     wheel.sh BIN BUILD TO [SETTING...]
#
# BIN has the interpreter with the build tools, BUILD is the folder to build in, made anew, TO gets
# the wheel; settings are pip's, for the build.
set -euo pipefail
bin=$(cd "$1" && pwd) build=$2 to=$3
shift 3
cd "$(dirname "$0")/.."
export PATH="$bin:$PATH"

counted=$(mktemp -d)
trap 'rm -rf "$counted"' EXIT
rm -rf "$build"

build_wheel() { # TO SETTING...
    local folder=$1
    shift
    pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps \
        -Cbuild-dir="$build" -w "$folder" "$@" .
}

build_wheel "$counted" "$@" -Csetup-args=-Db_pgo=generate
pip install --quiet --disable-pip-version-check --no-index --no-deps --target "$counted/site" \
    "$counted"/*.whl
for run in 1 2 3; do
    PYTHONPATH="$counted/site" python -m codetracer_python_recorder --format ctr \
        -o "$counted/$run" --trace-filter tools/exercise.toml tools/exercise.py
done
# What was not exercised is compiled as ever, and not as if it never ran.
build_wheel "$to" "$@" -Csetup-args=-Db_pgo=use \
    -Csetup-args=-Dc_args='-fprofile-partial-training -Wno-missing-profile'
