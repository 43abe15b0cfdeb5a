"""The command line: `codetracer-python-recorder [OPTIONS] SCRIPT [ARGS]`.

Options are read up to the program; what follows it belongs to the program.
"""

from __future__ import annotations

import argparse
import os
import re
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path

from . import auto_start, launch, runner, session
from . import codetracer_python_recorder as backend
from .filters import split_spec
from .formats import (
    DEFAULT_FORMAT,
    SUPPORTED_FORMATS,
    is_supported,
    normalize_format,
    unsupported_message,
)
from .frameworks import FRAMEWORKS
from .policy import environment_mistake
from .program import CODE, MODULE, SCRIPT, STDIN, Program, absolute
from .talk import Parser, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    Option = tuple[tuple[str, ...], dict[str, Any]]

__all__ = ("RecorderCLIConfig", "main")

_PROG = "codetracer-python-recorder"
_USAGE = """%(prog)s [OPTIONS] SCRIPT [ARGS ...]
       %(prog)s [OPTIONS] -m MODULE [ARGS ...]
       %(prog)s [OPTIONS] -c CODE [ARGS ...]
       %(prog)s [OPTIONS] --pytest ARGS ...
       %(prog)s [OPTIONS] --unittest ARGS ..."""
_EPILOG = (
    "SCRIPT is a file, or a directory or zip file with a __main__.py. Options are read before it; "
    "everything after it is the program's own. The exit status is the program's. --pytest and "
    "--unittest stand for -m pytest and -m unittest, of which only the tests are recorded and what "
    "they call, not the framework."
)
_FRAMEWORK_FLAGS = {"--pytest": " (test path or options)", "--unittest": ""}
_HELP_WIDTH = 96
_OUT_DIR = "CODETRACER_PYTHON_RECORDER_OUT_DIR"
_DEFAULT_DIR = "trace-out"
_LARGEST = 2**64 - 1  # the recorder's limits are numbers of 64 bits
_MOST_DIGITS = len(str(_LARGEST))
_IO_CAPTURE = {"off": (False, False), "proxies": (True, False), "proxies+fd": (True, True)}


@dataclass(frozen=True)
class RecorderCLIConfig:
    """What a command line asks for."""

    trace_dir: Path
    format: str
    activation_path: Path | None
    script: Path | None  # resolved; None for a module and for a code text
    script_args: list[str]
    trace_filter: tuple[str, ...] = ()
    policy_overrides: dict[str, Any] = field(default_factory=dict)
    kind: str = SCRIPT
    target: str = ""  # the script, module or code as given
    options: dict[str, object] = field(default_factory=dict)  # of the recorder itself
    no_framework_filters: bool = False


def main(argv: Sequence[str] | None = None) -> int:
    """Record a program and return its exit status.

    Without `argv` this process becomes the program. With `argv` the program runs as a guest: its
    recording has ended, and `sys.argv`, `sys.path` and `__main__` are restored, on return.
    """
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["filter"]:
        from .filters import command

        return command.main(words[1:])
    try:
        config = _parse_args(words)
    except Exception as error:
        say(f"Failed to parse arguments: {_explained(error)}")
        return 2
    if argv is None:
        launch.leave()
    is_hosted = launch.leave_host()
    is_recorded = not launch.is_disabled()
    if is_recorded:
        mistake = environment_mistake()
        if mistake is not None:
            say(f"{_PROG}: error: {mistake}")
            return 1
        backend.configure_policy_from_env()
    else:
        say(f"{_PROG}: this program runs unrecorded, as {launch.DISABLED_VARIABLE} orders")
    run = runner.run_process if argv is None else runner.run_guest
    return run(
        Program(config.kind, config.target, list(config.script_args)),
        begin=(lambda: _start(config)) if is_recorded else _do_nothing,
        is_masked=lambda: is_recorded and _is_masked(config, is_hosted),
    )


def _explained(error: Exception) -> str:
    if isinstance(error, FileNotFoundError) and error.filename is None:
        return "the working directory does not exist any more; give -o and SCRIPT in full"
    return str(error)


def _start(config: RecorderCLIConfig) -> None:
    environment_filter = os.environ.get(auto_start.ENV_TRACE_FILTER)
    filters = [*([environment_filter] if environment_filter else []), *config.trace_filter]
    session.check_filters(filters)
    # The program is where recording begins anyway; only another file is a gate.
    is_gated = config.activation_path is not None and config.activation_path != config.script
    session.start(
        config.trace_dir,
        format=config.format,
        start_on_enter=config.activation_path if is_gated else None,
        trace_filter=filters or None,
        policy=config.policy_overrides,
        options={
            "program": _program_name(config),
            "program_text": config.target if config.kind == CODE else None,
            "args": list(config.script_args),
            "recorder_version": backend.VERSION,
            "launched": True,
            **config.options,
        },
        test_framework=_framework(config),
    )


def _framework(config: RecorderCLIConfig) -> str | None:
    is_framework = config.kind == MODULE and config.target in FRAMEWORKS
    return config.target if is_framework and not config.no_framework_filters else None


def _do_nothing() -> None:
    pass


def _program_name(config: RecorderCLIConfig) -> str:
    if config.script is not None:
        return str(config.script)
    return "-c" if config.kind == CODE else config.target


def _is_masked(config: RecorderCLIConfig, is_hosted: bool) -> bool:
    propagate = config.policy_overrides.get("propagate_script_exit")
    if propagate is None:
        propagate = backend.policy_snapshot()["propagate_script_exit"] or not is_hosted
    return not propagate


def _parse_args(argv: Sequence[str]) -> RecorderCLIConfig:
    parser = _build_parser()
    option_words, program_words = _split(list(argv))
    given = parser.parse_args(option_words)
    kind, target, args = _parse_program(program_words, parser.error)
    script = None
    if kind == SCRIPT and target != STDIN:
        _check_script(target)
        script = _resolve(target)
    return RecorderCLIConfig(
        trace_dir=given.trace_dir or _resolve(os.environ.get(_OUT_DIR) or _DEFAULT_DIR),
        format=given.format,
        activation_path=given.activation_path or script,
        script=script,
        script_args=args,
        trace_filter=tuple(given.trace_filter),
        policy_overrides=_policy_overrides(given),
        kind=kind,
        target=target,
        options={
            name: value for name in _RECORDER_OPTIONS if (value := getattr(given, name)) is not None
        },
        no_framework_filters=given.no_framework_filters is True,
    )


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Cut where the program begins: at `--`, -m, -c, a framework, or the first word that is no
    option.
    """
    index = 0
    while index < len(words):
        word = words[index]
        is_own = word.startswith("-") and not word.startswith(("-m", "-c"))
        if not is_own or word in ("-", "--") or word in _FRAMEWORK_FLAGS:
            break
        index += 2 if word in _TAKES_VALUE else 1
    return words[:index], words[index:]


def _parse_program(words: list[str], fail: Callable[[str], NoReturn]) -> tuple[str, str, list[str]]:
    may_separate = True
    if words[:1] == ["--"]:
        words, may_separate = words[1:], False
        if not words:
            fail("missing script path after '--'")
    if not words:
        fail("missing script to execute (or --pytest, --unittest with their arguments)")
    if may_separate and words[0] in _FRAMEWORK_FLAGS:
        if not words[1:]:
            fail(f"{words[0]} requires at least one argument{_FRAMEWORK_FLAGS[words[0]]}")
        return MODULE, words[0].removeprefix("--"), words[1:]
    kind, target, rest = SCRIPT, words[0], words[1:]
    flag = target[:2]
    if flag in ("-m", "-c"):
        kind, attached = (MODULE if flag == "-m" else CODE), target[2:]
        if not attached and not rest:
            fail(f"argument expected for the {flag} option")
        target, rest = (attached, rest) if attached else (rest[0], rest[1:])
    elif target == STDIN and sys.stdin is not None and sys.stdin.isatty():
        fail("a program typed at a terminal cannot be recorded; give its file")
    if may_separate and rest[:1] == ["--"]:
        rest = rest[1:]
    return kind, target, rest


def _check_script(target: str) -> None:
    """A script that cannot be read fails as the interpreter itself fails, status included."""
    path = absolute(target)
    try:
        # What is no file (a pipe) gives its text only once.
        if not stat.S_ISREG(os.stat(path).st_mode):
            return
        with open(path, "rb"):
            pass
    except OSError as error:
        say(
            f"{launch.interpreter_name()}: can't open file {path!r}: "
            f"[Errno {error.errno}] {error.strerror}"
        )
        raise SystemExit(2) from None


def _policy_overrides(given: argparse.Namespace) -> dict[str, Any]:
    overrides = {
        name: value for name in _POLICY_OPTIONS if (value := getattr(given, name)) is not None
    }
    if given.io_capture is not None:
        proxies, fd_fallback = _IO_CAPTURE[given.io_capture]
        overrides["io_capture_line_proxies"] = proxies
        overrides["io_capture_fd_fallback"] = fd_fallback
    return overrides


def _resolve(value: str) -> Path:
    return Path(value).expanduser().resolve()


def _named(value: str) -> Path:
    if not value:
        raise argparse.ArgumentTypeError("the name is empty")
    return _resolve(value)


def _filter_files(value: str) -> str:
    if not split_spec(value):
        raise argparse.ArgumentTypeError(f"'{value}' names no file")
    return value


def _format(value: str) -> str:
    name = normalize_format(value)
    if not is_supported(name):
        raise argparse.ArgumentTypeError(unsupported_message(value))
    return name


def _count(value: str) -> int:
    return _number(value, 1000, "whole number")


def _size(value: str) -> int:
    return _number(value, 1024, "size")


def _number(value: str, factor: int, what: str) -> int:
    found = re.fullmatch(r"(\d+)(\.\d+)?(?:([kmgtKMGT])(?:i?B)?)?", value, re.ASCII)
    if found is None or (found[2] and not found[3]):
        raise argparse.ArgumentTypeError(
            f"'{value}' is not a {what}: a number, with K, M, G or T after it if you like"
        )
    scale: int = factor ** " KMGT".index((found[3] or " ").upper())
    whole = found[1].lstrip("0") or "0"
    # Nor is a text of thousands of digits taken for a number.
    number = int(whole[:_MOST_DIGITS]) * scale + int(float(found[2] or 0) * scale)
    if len(whole) > _MOST_DIGITS or number > _LARGEST:
        raise argparse.ArgumentTypeError(f"'{value}' is too large")
    return number


def _switch(help: str) -> dict[str, Any]:
    return {"action": argparse.BooleanOptionalAction, "default": None, "help": help}


def _flag(help: str) -> dict[str, Any]:
    return {"action": "store_true", "default": None, "help": help}


def _patterns(help: str) -> dict[str, Any]:
    return {"metavar": "PATTERN", "action": "append", "help": help}


def _limit(parse: Callable[[str], int], help: str) -> dict[str, Any]:
    return {"type": parse, "metavar": "N" if parse is _count else "SIZE", "help": help}


_WHAT_AND_WHERE: tuple[Option, ...] = (
    (
        ("-o", "--out-dir", "--trace-dir"),
        {
            "dest": "trace_dir",
            "metavar": "DIR",
            "type": _named,
            "help": f"where the recording goes (default: ${_OUT_DIR}, or else ./{_DEFAULT_DIR})",
        },
    ),
    (
        ("--format",),
        {
            "type": _format,
            "default": DEFAULT_FORMAT,
            "metavar": "{" + ",".join(SUPPORTED_FORMATS) + "}",
            "help": "which file to write for CodeTracer beside trace.ctr: trace.bin, trace.json or "
            f"none (default: {DEFAULT_FORMAT})",
        },
    ),
    (
        ("--activation-path",),
        {
            "metavar": "FILE",
            "type": _named,
            "help": "record nothing until code of this file runs (default: the script)",
        },
    ),
    (
        ("--trace-filter",),
        {
            "metavar": "FILES",
            "type": _filter_files,
            "action": "append",
            "default": [],
            "help": "filter files, joined by '::'; may be given several times",
        },
    ),
    (
        ("--only",),
        _patterns("record nothing but these packages or files"),
    ),
    (("--skip",), _patterns("do not record these packages or files")),
    (
        ("--redact-shapes",),
        _switch("keep out values that look like keys, tokens, card numbers (default: on)"),
    ),
    (("--no-sources",), _flag("leave the program's source text out of the recording")),
    (("--unlisted",), _flag("keep the recording out of what `ct list` shows")),
    (
        ("--no-framework-filters",),
        _flag("record the code of the test framework, too, under -m pytest and its like"),
    ),
    (("--with-diff",), _switch("note in the recording whether a diff is wanted with it")),
    (("--propagate-script-exit",), _switch("end with the program's status under a host, too")),
)

_LIMITS: tuple[Option, ...] = (
    (
        ("--max-text",),
        _limit(_size, "longest text and bytes kept of one value; up to 7 bytes of text stay whole"),
    ),
    (("--max-items",), _limit(_count, "most elements kept of one container")),
    (("--max-depth",), _limit(_count, "deepest nesting kept of one value")),
    (("--max-attributes",), _limit(_count, "most attributes kept of one object")),
    (("--max-size",), _limit(_size, "end the recording when trace.ctr is this large")),
    (
        ("--min-free-space",),
        _limit(_size, "end the recording when the disk has less than this (default: 1G)"),
    ),
    (("--export-limit",), _limit(_size, "give up trace.bin or trace.json above this size")),
    (("--exact",), _flag("check every reachable object at every line, whatever it costs")),
)

_POLICY: tuple[Option, ...] = (
    (
        ("--on-recorder-error",),
        {
            "choices": ("abort", "disable"),
            "help": "when recording fails: stop the program, or go on without recording",
        },
    ),
    (("--require-trace",), _flag("fail if nothing was recorded")),
    (("--keep-partial-trace",), _flag("keep the files of a recording that failed")),
    (("--log-level",), {"metavar": "LEVEL", "help": "how much the recorder logs"}),
    (("--log-file",), {"metavar": "FILE", "type": _resolve, "help": "log here, not on stderr"}),
    (("--json-errors",), _flag("end a failure with one line of JSON on stderr")),
    (("--module-name-from-globals",), _switch("name modules by their own __name__")),
)

_CAPTURE: tuple[Option, ...] = (
    (
        ("--io-capture",),
        {"choices": tuple(_IO_CAPTURE), "help": "what to record of the program's input and output"},
    ),
)

_GROUPS = (
    ("what and where", _WHAT_AND_WHERE),
    ("limits (0 = none)", _LIMITS),
    ("when things go wrong", _POLICY),
    ("input and output", _CAPTURE),
)


def _names(options: tuple[Option, ...]) -> tuple[str, ...]:
    return tuple(flags[0].removeprefix("--").replace("-", "_") for flags, _ in options)


_TAKES_VALUE = frozenset(
    flag
    for _, options in _GROUPS
    for flags, spec in options
    for flag in flags
    if spec.get("action") in (None, "append")
)
_RECORDER_OPTIONS = (
    *("with_diff", "only", "skip", "redact_shapes", "no_sources", "unlisted"),
    *_names(_LIMITS),
)
_POLICY_OPTIONS = (*_names(_POLICY), "propagate_script_exit")


def _build_parser() -> Parser:
    parser = Parser(
        prog=_PROG,
        usage=_USAGE,
        # A width of its own saves the formatter from importing what finds out the terminal's.
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=_HELP_WIDTH),
        description="Record a Python program.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("-V", "--version", action="version", version=f"{_PROG} {backend.VERSION}")
    for title, options in _GROUPS:
        group = parser.add_argument_group(title)
        for flags, spec in options:
            group.add_argument(*flags, **spec)
    return parser
