"""How this process was launched, and how it would have been launched without the recorder."""

from __future__ import annotations

import os
import sys

# Set by a CodeTracer host that started this very process.
HOST_VARIABLES = ("CODETRACER_RECORDING", "CODETRACER_DB_TRACE_PATH")

DISABLED_VARIABLE = "CODETRACER_PYTHON_RECORDER_DISABLED"

_MODULE = "codetracer_python_recorder"
_COMMAND = "codetracer-python-recorder"

_has_left = False


def is_disabled() -> bool:
    """Does the environment order that nothing be recorded?"""
    return os.environ.get(DISABLED_VARIABLE, "").strip().lower() in ("1", "true")


def is_command() -> bool:
    """Is this process, so far, the recorder's own command line?"""
    argv: list[str] = getattr(sys, "argv", None) or [""]  # `site` runs before it is set
    if argv[0] == "-m":  # the interpreter is looking for the module
        return sys.orig_argv[-len(argv)] in (_MODULE, "-m" + _MODULE)
    return os.path.basename(argv[0]) == _COMMAND


def leave() -> None:
    """Take back the entry that launching the recorder has put in front of sys.path, once."""
    global _has_left
    if not _has_left and not sys.flags.safe_path:
        del sys.path[0]
    _has_left = True


def leave_host() -> bool:
    """Was this process started by a host? The program and its children must not think so too."""
    present = [name for name in HOST_VARIABLES if os.environ.pop(name, None) is not None]
    return bool(present)


def interpreter_command() -> list[str]:
    """The interpreter and its options, as given: what stands before the recorder's own name."""
    words = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv[1:])]
    if len(words) > 2 and words[-2] == "-m":
        return words[:-2]
    return words[:-1]  # the console script, or -mNAME in one word


def interpreter_name() -> str:
    """The interpreter as it names itself in its messages."""
    return sys.orig_argv[0] if sys.orig_argv else sys.executable
