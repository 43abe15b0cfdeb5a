#!/bin/sh
# Prints the supported interpreters of this machine, newest first, one "VERSION PATH" per line.
# $PYTHON, when set, is the only candidate. Exit status 1 and a word of advice when there is none.

set -u

# A candidate counts only when it runs and says itself what it is: a name on PATH proves nothing.
probe='
import os, platform, sys, sysconfig
version = "%d.%d" % sys.version_info[:2]
problem = None
if platform.python_implementation() != "CPython":
    problem = "is " + platform.python_implementation() + ", not CPython"
elif version not in ("3.12", "3.13"):
    problem = "is Python " + version
elif sysconfig.get_config_var("Py_GIL_DISABLED"):
    problem = "is a free-threaded build"
elif not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    problem = "has no Python.h (Debian/Ubuntu: apt-get install python%s-dev)" % version
else:
    try:
        import ensurepip
    except ImportError:
        problem = "has no ensurepip (Debian/Ubuntu: apt-get install python%s-venv)" % version
if problem:
    print("-", sys.executable, problem)
else:
    print(version, sys.executable)
'

# pyenv's shims are slow and may answer "command not found"; its real interpreters are listed.
candidates() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON" || echo "$PYTHON"
        return
    fi
    root=${PYENV_ROOT:-$HOME/.pyenv}
    [ -d "$root" ] || root=$(pyenv root 2>/dev/null)
    for name in python3.13 python3.12 python3; do
        command -v "$name" | grep -v "^$root/shims/"
    done
    for path in "$root"/versions/3.1[23].*/bin/python3; do
        [ -x "$path" ] && echo "$path"
    done
}

answers=$(candidates | while read -r path; do "$path" -I -c "$probe" 2>/dev/null; done)
found=$(printf '%s\n' "$answers" | grep '^3' | sort -s -r -V -k1,1 | awk '!seen[$1]++')

if [ -n "$found" ]; then
    printf '%s\n' "$found"
    exit 0
fi

{
    if [ -n "${PYTHON:-}" ]; then
        echo "PYTHON=$PYTHON cannot be used: the recorder needs CPython 3.12 or 3.13 (with the GIL)."
    else
        echo "No CPython 3.12 or 3.13 found, neither on PATH nor in pyenv."
    fi
    printf '%s\n' "$answers" | sed -n 's/^- /  /p' | sort -u
    echo "To get one: 'pyenv install 3.13', or your system's packages python3.13, python3.13-venv"
    echo "and python3.13-dev. Then run make again, or name it: make PYTHON=/path/to/python3.13"
} >&2
exit 1
