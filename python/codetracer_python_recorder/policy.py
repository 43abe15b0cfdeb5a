"""What to do when things go wrong, and what to capture besides the code: process-wide, sticky.

Every setting has one row in `_SETTINGS`. An environment that holds any bad value changes nothing.

`on_recorder_error` has three states, though a snapshot shows two: as long as nobody has set it, a
failure of the recorder ends the recording, what is recorded so far is kept, and the program goes
on. Only who asks for `abort` gets the failure raised into the program.
"""

from __future__ import annotations

import os

from . import _recorder
from .errors import PyRecorderError, UsageError, reported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_ON_ERROR = ("abort", "disable")
_TRUE = frozenset(("1", "true", "t", "yes", "y"))
_FALSE = frozenset(("0", "false", "f", "no", "n"))

_CAPTURE_VARIABLE = "CODETRACER_CAPTURE_IO"
_CAPTURE_OFF = frozenset(("0", "off", "false", "disable", "disabled", "none"))
_CAPTURE_ON = frozenset(("", "1", "on", "true", "enable", "enabled"))
_CAPTURE_PROXIES = frozenset(("proxies", "proxy"))
_CAPTURE_FD = frozenset(("fd", "mirror", "fallback"))


def _invalid(error: ValueError, variable: str | None = None) -> PyRecorderError:
    context = None if variable is None else {"variable": variable}
    return reported(UsageError(str(error), "ERR_INVALID_POLICY_VALUE", context))


# What reads a value raises ValueError for one that is not listed.


def _on_error(value: str) -> str:
    word = str(value).strip().lower()
    if word not in _ON_ERROR:
        expected = "expected 'abort' or 'disable'"
        raise ValueError(f"invalid on_recorder_error value '{value}' ({expected})")
    return word


def _text(value: str) -> str | None:
    return str(value).strip() or None


def _path(value: str | os.PathLike[str]) -> str | None:
    return os.fspath(value).strip() or None


def _boolean(value: str) -> bool:
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"invalid boolean value '{value}' (expected true/false)")
    return word in _TRUE


def _flag(value: bool) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"a policy flag is True or False, not {type(value).__name__}")
    return value


# name: (default, environment variable, how a variable's text is read,
#        how an argument's value is read)
_SETTINGS: dict[str, tuple[object, str | None, Callable[[str], object], Callable[..., object]]] = {
    "on_recorder_error": ("abort", "CODETRACER_ON_RECORDER_ERROR", _on_error, _on_error),
    "require_trace": (False, "CODETRACER_REQUIRE_TRACE", _boolean, _flag),
    "keep_partial_trace": (False, "CODETRACER_KEEP_PARTIAL_TRACE", _boolean, _flag),
    "log_level": (None, "CODETRACER_LOG_LEVEL", _text, _text),
    "log_file": (None, "CODETRACER_LOG_FILE", _text, _path),
    "json_errors": (False, "CODETRACER_JSON_ERRORS", _boolean, _flag),
    "io_capture_line_proxies": (True, None, _boolean, _flag),
    "io_capture_fd_fallback": (False, None, _boolean, _flag),
    "module_name_from_globals": (
        True,
        "CODETRACER_MODULE_NAME_FROM_GLOBALS",
        _boolean,
        _flag,
    ),
    "propagate_script_exit": (False, "CODETRACER_PROPAGATE_SCRIPT_EXIT", _boolean, _flag),
}

# Those that the native module knows by the same name.
_SESSION_FLAGS = ("require_trace", "module_name_from_globals")

_current: dict[str, object] = {name: row[0] for name, row in _SETTINGS.items()}
_was_set: set[str] = set()

# What a log level is called, by its number in the native module.
_LEVELS = ("off", "error", "warn", "info", "debug", "trace")
_DEFAULT_LEVEL = _LEVELS.index("warn")
_LOG_TARGET = "codetracer_python_recorder"
_OF_THE_LOG = ("log_level", "log_file", "json_errors")


def session_policy() -> dict[str, bool]:
    """The settings in force, as the native module takes them for one recording."""
    on_error = _current["on_recorder_error"] if "on_recorder_error" in _was_set else None
    return {
        "abort": on_error == "abort",
        "discard": on_error == "disable" and not _current["keep_partial_trace"],
        **{name: _current[name] is True for name in _SESSION_FLAGS},
    }


def configure_policy(
    on_recorder_error: str | None = None,
    require_trace: bool | None = None,
    keep_partial_trace: bool | None = None,
    log_level: str | None = None,
    log_file: str | os.PathLike[str] | None = None,
    json_errors: bool | None = None,
    io_capture_line_proxies: bool | None = None,
    io_capture_fd_fallback: bool | None = None,
    module_name_from_globals: bool | None = None,
    propagate_script_exit: bool | None = None,
) -> None:
    """Change the settings that are given, for this process; None leaves one as it is.

    on_recorder_error: "abort" raises a failure of the recorder into the program, "disable" ends
        the recording and removes its files.
    require_trace: fail at the end if nothing was recorded.
    keep_partial_trace: keep the files under "disable".
    log_level: "off", "error", "warn", "info", "debug" or "trace"; blank for the default, "warn".
    log_file: where the log goes, instead of standard error; blank for standard error.
    json_errors: one line of JSON on standard error for each exception of the recorder.
    io_capture_line_proxies, io_capture_fd_fallback: record what passes the text streams, and what
        passes the file descriptors; the second needs the first.
    module_name_from_globals: name modules by their own `__name__`.
    propagate_script_exit: end with the program's status under a CodeTracer host, too.

    Raises UsageError (ERR_INVALID_POLICY_VALUE) for a word that is not listed, TypeError for a
    flag that is no bool; then nothing changes.
    """
    given = dict(locals())
    try:
        changes = {n: _SETTINGS[n][3](value) for n, value in given.items() if value is not None}
    except ValueError as error:
        raise _invalid(error) from None
    _apply(changes)


def configure_policy_from_env() -> None:
    """Take over what the environment sets; variables that are absent change nothing.

    Raises UsageError (ERR_INVALID_POLICY_VALUE) for a bad value; then nothing changes.
    """
    try:
        changes = _environment()
    except _BadVariableError as error:
        raise _invalid(error, error.variable) from None
    _apply(changes)


def environment_mistake() -> str | None:
    """What `configure_policy_from_env` would raise, in a line that names the variable."""
    try:
        _environment()
    except _BadVariableError as error:
        text = str(error)
        return text if error.variable in text else f"{error.variable}: {text}"
    return None


class _BadVariableError(ValueError):
    def __init__(self, variable: str, error: ValueError) -> None:
        super().__init__(*error.args)
        self.variable = variable


def _environment() -> dict[str, object]:
    changes: dict[str, object] = {}
    for name, (_, variable, parse, _argument) in _SETTINGS.items():
        if variable is not None and variable in os.environ:
            changes[name] = _read(variable, parse)
    if _CAPTURE_VARIABLE in os.environ:
        proxies, fd_fallback = _read(_CAPTURE_VARIABLE, _capture)
        changes["io_capture_line_proxies"] = proxies
        changes["io_capture_fd_fallback"] = fd_fallback
    return changes


def _read[T](variable: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(os.environ[variable])
    except ValueError as error:
        raise _BadVariableError(variable, error) from None


def policy_snapshot() -> dict[str, object]:
    """The settings in force, or their defaults, by the names of `configure_policy`.

    The two of input and output are `line_proxies` and `fd_fallback` of `io_capture`.
    """
    snapshot = {name: value for name, value in _current.items() if not name.startswith("io_")}
    snapshot["io_capture"] = {
        "line_proxies": _current["io_capture_line_proxies"],
        "fd_fallback": _current["io_capture_fd_fallback"],
    }
    return snapshot


def _capture(value: str) -> tuple[bool, bool]:
    """The capture settings that a word list stands for: (line proxies, descriptor fallback)."""
    words = value.strip().lower()
    if words in _CAPTURE_OFF:
        return False, False
    if words in _CAPTURE_ON:
        return True, False
    tokens = [token.strip() for token in words.replace("+", ",").split(",")]
    tokens = [token for token in tokens if token]
    unknown = [t for t in tokens if t not in _CAPTURE_PROXIES and t not in _CAPTURE_FD]
    if unknown:
        raise ValueError(
            f"invalid {_CAPTURE_VARIABLE} value '{value}' ('{unknown[0]}' is not one of "
            "off, on, proxies, fd)"
        )
    if not tokens:
        raise ValueError(
            f"invalid {_CAPTURE_VARIABLE} value '{value}' (name at least 'proxies' or 'fd')"
        )
    return True, any(token in _CAPTURE_FD for token in tokens)


def _log_level(spec: object) -> int | None:
    """The level of our own messages in `level` or `target=level,...`; None: there is none in it."""
    found = None
    longest = -1
    for part in str(spec).lower().split(","):
        target, _, level = part.strip().rpartition("=")
        if level.strip() not in _LEVELS:
            return None
        if _LOG_TARGET.startswith(target.strip()) and len(target) > longest:
            found, longest = _LEVELS.index(level.strip()), len(target)
    return _DEFAULT_LEVEL if found is None else found


def _apply_to_log() -> None:
    wanted = _current["log_level"]
    level = _DEFAULT_LEVEL if wanted is None else _log_level(wanted)
    file = _current["log_file"]
    _recorder.configure_log(
        _DEFAULT_LEVEL if level is None else level,
        None if file is None else os.path.abspath(str(file)),
        _current["json_errors"] is True,
    )
    if level is None:
        _recorder.log(_DEFAULT_LEVEL, f"invalid log level '{wanted}'; the default is used")


def _apply(changes: dict[str, object]) -> None:
    is_log_new = any(_current[n] != changes.get(n, _current[n]) for n in _OF_THE_LOG)
    _current.update(changes)
    _was_set.update(changes)
    if not _current["io_capture_line_proxies"]:
        # The fallback only records what the proxies did not see, so it needs them.
        _current["io_capture_fd_fallback"] = False
    _recorder.set_policy(session_policy())
    if is_log_new:
        _apply_to_log()
