"""Sessions: one recording of this process, from `start` to `stop`.

A process has one session at a time and any number of them one after another. A session may begin
anywhere: what runs already, on any thread, is recorded from there on.

The backend is reached through the module's own `_…_backend` names, looked up at each call.
"""

from __future__ import annotations

import os

from .codetracer_python_recorder import configure_policy as _configure_policy
from .codetracer_python_recorder import configure_policy_from_env as _configure_policy_from_env
from .codetracer_python_recorder import flush_tracing as _flush_backend
from .codetracer_python_recorder import is_tracing as _is_tracing_backend
from .codetracer_python_recorder import start_tracing as _start_backend
from .codetracer_python_recorder import stop_at_exit as _stop_at_exit
from .codetracer_python_recorder import stop_tracing as _stop_backend
from .errors import UsageError
from .filters import split_spec
from .formats import DEFAULT_FORMAT, is_supported, normalize_format, unsupported_message
from .frameworks import FRAMEWORKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Any, Self

    PathLike = str | os.PathLike[str]
    FilterSpec = PathLike | Sequence[PathLike]

__all__ = ["TraceSession", "flush", "is_tracing", "start", "stop", "trace"]

_active_session: TraceSession | None = None

_CO_GENERATOR = 0x20
_CO_COROUTINE = 0x80
_CO_ASYNC_GENERATOR = 0x200


class TraceSession:
    """A running recording; as a context manager it stops at the end of the block.

    path: the directory of the recording. format: "binary", "json" or "ctr".
    """

    def __init__(self, path: Path, format: str) -> None:
        self.path = path
        self.format = format

    def stop(self, exit_code: int | None = None) -> None:
        """End the recording, unless another session has taken this one's place: see `stop`."""
        if _active_session is self:
            stop(exit_code=exit_code)

    def flush(self) -> None:
        """Bring the files up to date, unless another session has taken this one's place."""
        if _active_session is self:
            flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"TraceSession(path={self.path!r}, format={self.format!r})"


def start(
    path: PathLike,
    *,
    format: str = DEFAULT_FORMAT,
    start_on_enter: PathLike | None = None,
    trace_filter: FilterSpec | None = None,
    policy: Mapping[str, object] | None = None,
    apply_env_policy: bool = True,
    options: Mapping[str, object] | None = None,
    test_framework: str | None = None,
) -> TraceSession:
    """Start recording this process into the directory `path`, which is made if need be.

    An earlier recording there is replaced. The session ends with the process, if not before.

    format: which file for CodeTracer `stop` and `flush` write beside `trace.ctr`: "binary"
        (trace.bin), "json" (trace.json) or "ctr" (none); upper or lower case.
    start_on_enter: record nothing until a frame of this file runs, and nothing more once that
        frame is left. Links and relative names are followed.
    trace_filter: filter files, as one string joined by `::` or as a sequence.
    policy: settings for `configure_policy`; they outlive the session.
    apply_env_policy: call `configure_policy_from_env` first.
    options: the recorder's limits, by the names of the command line's options: `max_text`
        (characters, bytes), `max_items`, `max_depth`, `max_attributes` (counts), `max_size`,
        `min_free_space`, `export_limit` (bytes), `exact`, `with_diff`, `redact_shapes`,
        `no_sources`, `unlisted` (bools); 0 is no limit. `only` and `skip`: lists of patterns of
        the code to record and of the code not to.
    test_framework: "pytest" or "unittest", whose own code is then not recorded.

    Raises RuntimeError when a session is running; ValueError for an unknown format or framework, a
    path that is no directory, or an empty filter; FileNotFoundError for a missing filter;
    TypeError for an unknown setting or option; UsageError and EnvironmentError for what the
    recorder cannot do. After an error there is no session.
    """
    global _active_session
    if _is_tracing_backend():
        raise RuntimeError("tracing already active")
    trace_path = _validate_trace_path(path)
    trace_format = _coerce_format(format)
    activation = _normalize_activation_path(start_on_enter)
    filters = _normalize_trace_filter(trace_filter)
    if apply_env_policy:
        _configure_policy_from_env()
    if policy:
        _configure_policy(**_coerce_policy(policy))
    framework = () if test_framework is None else (_known_framework(test_framework),)
    more: dict[str, Any] = dict(options or {})
    _start_backend(str(trace_path), trace_format, activation, filters, *framework, **more)
    _stop_at_exit()
    _active_session = TraceSession(path=trace_path, format=trace_format)
    return _active_session


def stop(*, exit_code: int | None = None) -> None:
    """End the recording and write its files; without one, do nothing.

    exit_code: the process's exit status, where it is known before the process ends.

    Raises UsageError (ERR_TRACE_MISSING) when the policy requires a trace and nothing was recorded,
    EnvironmentError (ERR_IO) when a file cannot be written. The session is over all the same.
    """
    global _active_session
    session = _active_session
    try:
        if _is_tracing_backend():
            if exit_code is None:
                _stop_backend()
            else:
                _stop_backend(exit_code)
    finally:
        if _active_session is session:  # else it is one that another thread started meanwhile
            _active_session = None


def is_tracing() -> bool:
    """Is a session running? Also one that records nothing any more, until it is stopped."""
    return _is_tracing_backend()


def flush() -> None:
    """Write the files of what is recorded so far; without a recording, do nothing.

    `trace.ctr` is always up to date. Raises EnvironmentError when a file cannot be written.
    """
    if _is_tracing_backend():
        _flush_backend()


class trace:
    """Record a `with` block, or each call of a decorated function; the arguments are `start`'s.

        with trace("out") as session: ...

        @trace("out")
        def main(): ...

    A decorated function that is called while a session runs, as in a recursion, is a part of that
    session; the next call after it replaces the recording. A coroutine or generator is recorded
    from its first step to its last.
    """

    def __init__(
        self,
        path: PathLike,
        *,
        format: str = DEFAULT_FORMAT,
        trace_filter: FilterSpec | None = None,
        policy: Mapping[str, object] | None = None,
        apply_env_policy: bool = True,
        options: Mapping[str, object] | None = None,
    ) -> None:
        self._start: Callable[[], TraceSession] = lambda: start(
            path,
            format=format,
            trace_filter=trace_filter,
            policy=policy,
            apply_env_policy=apply_env_policy,
            options=options,
        )

    def __enter__(self) -> TraceSession:
        self._session = self._start()
        return self._session

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.stop()

    def __call__[**P, R](self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function. Raises TypeError for an asynchronous generator."""
        from functools import wraps

        flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
        if flags & _CO_ASYNC_GENERATOR:
            raise TypeError("trace cannot decorate an asynchronous generator")
        wrap = (
            self._record_coroutine
            if flags & _CO_COROUTINE
            else self._record_generator
            if flags & _CO_GENERATOR
            else self._record_call
        )
        decorated: Callable[P, R] = wraps(function)(wrap(function))
        return decorated

    def _record_call(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def record(*args: Any, **kwargs: Any) -> Any:
            with self._unless_running():
                return function(*args, **kwargs)

        return record

    def _record_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def record(*args: Any, **kwargs: Any) -> Any:
            with self._unless_running():
                return (yield from function(*args, **kwargs))

        return record

    def _record_coroutine(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def record(*args: Any, **kwargs: Any) -> Any:
            with self._unless_running():
                return await function(*args, **kwargs)

        return record

    def _unless_running(self) -> TraceSession:
        return _NO_SESSION if _is_tracing_backend() else self._start()


class _NoSession(TraceSession):
    """The part of an outer session: it ends without ending that."""

    def __init__(self) -> None:
        pass


_NO_SESSION = _NoSession()


def _coerce_format(value: str) -> str:
    name = normalize_format(value)
    if not is_supported(name):
        raise ValueError(unsupported_message(value))
    return name


def _validate_trace_path(path: PathLike) -> Path:
    from pathlib import Path

    trace_path = Path(path).expanduser()
    if trace_path.exists() and not trace_path.is_dir():
        raise ValueError("trace path exists and is not a directory")
    return trace_path


def _normalize_activation_path(value: PathLike | None) -> str | None:
    return None if value is None else os.path.expanduser(os.fspath(value))


def _normalize_trace_filter(value: FilterSpec | None) -> list[str] | None:
    if value is None:
        return None
    specs = [value] if isinstance(value, str | os.PathLike) else value
    names = [name for spec in specs for name in _split_filter_spec(spec)]
    if not names:
        raise ValueError("trace_filter must resolve to at least one path")
    return [_existing_filter(name) for name in names]


def check_filters(specs: Sequence[str]) -> None:
    """Raise as a mistake of the user's what `start` would raise for these filters."""
    try:
        if specs:
            _normalize_trace_filter(specs)
    except (OSError, ValueError) as error:
        raise UsageError(str(error), "ERR_INVALID_POLICY_VALUE") from None


def _split_filter_spec(spec: object) -> list[str]:
    if isinstance(spec, str):
        return split_spec(spec)
    if isinstance(spec, os.PathLike):
        return [os.fspath(spec)]
    raise TypeError(f"trace_filter takes strings and paths, not {type(spec).__name__}")


def _known_framework(name: str) -> str:
    if name not in FRAMEWORKS:
        known = ", ".join(FRAMEWORKS)
        raise ValueError(f"unknown test framework '{name}'. Expected one of: {known}")
    return name


def _existing_filter(name: str) -> str:
    path = os.path.realpath(os.path.expanduser(name))
    if not os.path.exists(path):
        raise FileNotFoundError(f"trace filter '{name}' does not exist")
    if not os.path.isfile(path):
        raise ValueError(f"trace filter '{name}' is not a file")
    return path


def _coerce_policy(policy: Mapping[str, object]) -> dict[str, Any]:
    changes: dict[str, Any] = dict(policy)
    if changes.get("log_file") is not None:
        changes["log_file"] = os.fspath(changes["log_file"])
    for name in ("on_recorder_error", "log_level"):
        if changes.get(name) is not None:
            changes[name] = str(changes[name])
    return changes
