#!/bin/sh
# Records the examples and prints what was recorded. Usage: demo.sh BIN_DIR

set -eu
bin=$(cd "$1" && pwd)
PATH=$bin:$PATH # as in an activated environment: `ct record` uses the Python found first
export PATH
unset CODETRACER_PYTHON_INTERPRETER PYTHON_EXECUTABLE PYTHONEXECUTABLE PYTHON
recordings=$(mktemp -d "${TMPDIR:-/tmp}/ct-demo.XXXXXX")

say() {
    printf '\n\033[1m%s\033[0m\n' "$*"
}

# The status of `ct record` is the program's own, and one example fails on purpose.
record() { # NAME
    say "\$ ct record -o $recordings/$1 examples/$1.py"
    ct record -o "$recordings/$1" "examples/$1.py" || echo "(exit status $?)"
    [ -e "$recordings/$1/trace.ctr" ] || {
        echo "nothing was recorded in $recordings/$1" >&2
        exit 1
    }
}

print() { # LINES ARGUMENT...
    lines=$1
    shift
    say "\$ ct print $*"
    ct print "$@" >"$recordings/printed.txt"
    tail -n "$lines" "$recordings/printed.txt"
    rm "$recordings/printed.txt"
}

record poet
print 40 "$recordings/poet" --summary
record bakery
print 40 "$recordings/bakery"

say "Both recordings stay in $recordings; walk through one with: $bin/ct replay $recordings/bakery"
