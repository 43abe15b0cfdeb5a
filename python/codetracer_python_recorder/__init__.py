"""Record a Python program into one compact trace.

    import codetracer_python_recorder as recorder

    with recorder.trace("trace-out"):
        ...

or, for a whole program, `python -m codetracer_python_recorder script.py`.

Importing the package applies the policy variables of the environment, and starts a session when
CODETRACER_TRACE names a directory. It loads nothing that a program would notice: everything
heavier than a few small modules is imported where it is first needed.
"""

from .api import (
    DEFAULT_FORMAT,
    TRACE_BINARY,
    TRACE_JSON,
    EnvironmentError,
    InternalError,
    RecorderError,
    TargetError,
    TraceSession,
    UsageError,
    configure_policy,
    configure_policy_from_env,
    flush,
    is_tracing,
    policy_snapshot,
    start,
    stop,
    trace,
)
from .auto_start import auto_start_from_env as _auto_start_from_env
from .codetracer_python_recorder import VERSION as _VERSION
from .launch import is_command as _is_command

__all__ = [
    "DEFAULT_FORMAT",
    "TRACE_BINARY",
    "TRACE_JSON",
    "EnvironmentError",
    "InternalError",
    "RecorderError",
    "TargetError",
    "TraceSession",
    "UsageError",
    "configure_policy",
    "configure_policy_from_env",
    "flush",
    "is_tracing",
    "policy_snapshot",
    "start",
    "stop",
    "trace",
]

__version__ = _VERSION

if not _is_command():  # which says itself what is wrong with the environment
    configure_policy_from_env()
_auto_start_from_env()
