"""A session started by the environment, when the package is imported."""

from __future__ import annotations

import os

from . import launch, session
from .formats import DEFAULT_FORMAT

ENV_TRACE_PATH = "CODETRACER_TRACE"
ENV_TRACE_FORMAT = "CODETRACER_FORMAT"
ENV_TRACE_FILTER = "CODETRACER_TRACE_FILTER"


def auto_start_from_env() -> None:
    """Start a session in the directory that CODETRACER_TRACE names, unless one is running.

    CODETRACER_FORMAT and CODETRACER_TRACE_FILTER are its format and its filters. The session ends
    with the process: `session.start` sees to it. The recorder's own command line starts one itself.
    """
    path = os.environ.get(ENV_TRACE_PATH)
    if not path or launch.is_disabled() or launch.is_command():
        return
    # Looked up at call time: the backend's attributes can be replaced.
    from . import codetracer_python_recorder as backend

    backend.configure_policy_from_env()
    if session.is_tracing():
        return
    session.start(
        path,
        format=os.environ.get(ENV_TRACE_FORMAT) or DEFAULT_FORMAT,
        trace_filter=os.environ.get(ENV_TRACE_FILTER),
        apply_env_policy=False,
    )
