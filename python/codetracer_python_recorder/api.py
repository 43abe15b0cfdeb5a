"""The public names, gathered from the modules that own them."""

from .codetracer_python_recorder import (
    configure_policy,
    configure_policy_from_env,
    policy_snapshot,
)
from .errors import EnvironmentError, InternalError, RecorderError, TargetError, UsageError
from .formats import DEFAULT_FORMAT, TRACE_BINARY, TRACE_JSON
from .session import TraceSession, flush, is_tracing, start, stop, trace

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
