"""The backend by its traditional names: a thin layer over the native `_recorder`."""

from __future__ import annotations

import os
import sys

try:
    from . import _recorder
except ImportError as error:
    raise ImportError(
        "codetracer-python-recorder cannot load its native module for this interpreter "
        f"({sys.implementation.name} {sys.version.split()[0]}): {error}. It supports CPython 3.12 "
        "and 3.13 with the GIL; install it with the very interpreter that runs the program: "
        f"{sys.executable} -m pip install --force-reinstall codetracer-python-recorder",
        name=error.name,
        path=error.path,
    ) from error

from .errors import (
    EnvironmentError,
    InternalError,
    RecorderError,
    TargetError,
    UsageError,
    make_error,
    reported,
)
from .filters import find_project_filter
from .formats import TRACE_BINARY, TRACE_CTR, TRACE_JSON
from .policy import (
    configure_policy,
    configure_policy_from_env,
    policy_snapshot,
    session_policy,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "VERSION",
    "EnvironmentError",
    "InternalError",
    "RecorderError",
    "TargetError",
    "UsageError",
    "configure_policy",
    "configure_policy_from_env",
    "flush_tracing",
    "has_required_trace",
    "is_tracing",
    "policy_snapshot",
    "set_exit_status",
    "start_tracing",
    "stop_at_exit",
    "stop_tracing",
]

VERSION: str = _recorder.VERSION

# Names the backend accepts, each with the format it stands for.
_FORMATS = {
    "json": TRACE_JSON,
    "binary": TRACE_BINARY,
    "binaryv0": TRACE_BINARY,
    "binary_v0": TRACE_BINARY,
    "b0": TRACE_BINARY,
    "ctr": TRACE_CTR,
}


def start_tracing(
    path: str,
    format: str,
    activation_path: str | None = None,
    trace_filter: Sequence[str] | None = None,
    test_framework: str | None = None,
    *,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    **options: object,
) -> None:
    """Begin a recording in the directory `path`.

    trace_filter: absolute paths of filter files; the project's own filter comes before them.
    test_framework: one of `frameworks.FRAMEWORKS`, whose own code is not recorded.
    only, skip: patterns of the code that alone is recorded, and of the code that is not.
    options: those of `_recorder.start`.
    """
    known_format = _FORMATS.get(format.lower())
    if known_format is None:
        raise reported(
            make_error(
                "Usage",
                "ERR_UNSUPPORTED_FORMAT",
                f"unsupported trace format '{format}'. Expected one of: json, binary, ctr",
            )
        )
    argv = [word for word in sys.argv if isinstance(word, str)]
    request: dict[str, object] = {
        "format": known_format,
        "activation": None if activation_path is None else os.path.abspath(activation_path),
        "program": argv[0] if argv else "<unknown>",
        "args": argv[1:],
        "filter": _filter_table(
            argv[0] if argv else "", trace_filter or (), test_framework, only, skip
        ),
        "io_capture": _io_capture(),
        "policy": session_policy(),
    }
    _recorder.start(path, {**request, **options})


def _io_capture() -> str:
    capture = policy_snapshot()["io_capture"]
    assert isinstance(capture, dict)
    if not capture["line_proxies"]:
        return "off"
    return "proxies+fd" if capture["fd_fallback"] else "proxies"


def _filter_table(
    program: str,
    files: Sequence[str],
    framework: str | None,
    only: Sequence[str],
    skip: Sequence[str],
) -> tuple[object, ...] | None:
    """The rules for the native recorder; None: only the built-in ones hold."""
    near = os.path.dirname(os.path.abspath(program))
    if not (files or framework or only or skip or find_project_filter(near)):
        return None
    before = set(sys.modules)
    try:
        from .filters.chain import compose

        return compose(files, near=near, framework=framework, only=only, skip=skip).table()
    finally:
        # What it takes to read filters is no module of the program's.
        for name in set(sys.modules) - before:
            if not name.startswith(__package__):
                del sys.modules[name]


def stop_tracing(exit_code: int | None = None) -> None:
    """End the recording, if there is one, and write the files that were asked for."""
    _recorder.stop(exit_code)


def stop_at_exit() -> None:
    """Let the recording end with the process, behind the exit functions registered from now on."""
    _recorder.stop_at_exit()


def flush_tracing() -> None:
    """Bring the files up to date with what happened so far."""
    _recorder.flush()


def is_tracing() -> bool:
    return _recorder.is_tracing()


def has_required_trace() -> bool:
    """Would stopping now satisfy `require_trace`?"""
    return _recorder.has_required_trace()


def set_exit_status(code: int) -> None:
    """Note the status that the program is about to end with."""
    _recorder.set_exit_status(code)
