"""The program to record: what `python script.py` would run, in the world it would find.

A program is staged (`sys.argv`, `sys.path`, `__main__`), loaded, then run, as CPython's own `main`
does it: a module, directory or zip file goes through the very function that the interpreter uses
for it; a script and a `-c` text are compiled and executed here.
"""

from __future__ import annotations

import os
import re
import sys

from . import launch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType
    from typing import Any

    Runner = Callable[[], object]

SCRIPT, MODULE, CODE = "script", "module", "code"
STDIN = "-"  # the script that is read from standard input
_FLAGS: dict[str, list[str]] = {SCRIPT: [], MODULE: ["-m"], CODE: ["-c"]}

_BOOTSTRAP = sys.modules["_frozen_importlib_external"]  # importlib, without importing it
_PYC_HEADER = 16  # magic, flags, and two words about the source
_PYC_MAGIC: bytes = _BOOTSTRAP.MAGIC_NUMBER

_BOM = b"\xef\xbb\xbf"
# An encoding is declared in the first line, or in the second where the first has no code.
_LINE_WITHOUT_CODE = rb"[ \t\f]*(?:#[^\r\n]*)?(?:\r\n?|\n)"
_DECLARATION = re.compile(
    rb"(?:%b)?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*[-_.a-zA-Z0-9]" % _LINE_WITHOUT_CODE
)


class Program:
    """One of `SCRIPT ARGS`, `-m MODULE ARGS` and `-c CODE ARGS`."""

    def __init__(self, kind: str, target: str, args: list[str]) -> None:
        self.kind = kind
        self.target = target
        self.args = args

    @property
    def argv(self) -> list[str]:
        """`sys.argv` as the program first sees it; for a module, runpy fills in its path later."""
        return [*(_FLAGS[self.kind] or [self.target]), *self.args]

    @property
    def command(self) -> list[str]:
        """The command line that runs the program without the recorder."""
        return [*launch.interpreter_command(), *_FLAGS[self.kind], self.target, *self.args]


class Stage:
    """The world of the program; as a context manager it gives the old world back."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.is_container = program.kind == SCRIPT and _is_container(absolute(program.target))

    def enter(self) -> None:
        if self.is_container or self.program.kind == MODULE:
            import runpy  # noqa: F401  # now: sys.path is about to become the program's
        sys.argv = self.program.argv
        entry = self._path_entry()
        if entry is not None:
            sys.path.insert(0, entry)
        self.main = sys.modules["__main__"] = _new_main()

    def _path_entry(self) -> str | None:
        program = self.program
        if self.is_container:
            return absolute(program.target)
        if sys.flags.safe_path:
            return None
        if program.target == STDIN:
            return ""
        if program.kind == SCRIPT:
            return _folder(program.target)
        return os.getcwd() if program.kind == MODULE else ""

    def __enter__(self) -> Stage:
        self._saved = sys.argv, list(sys.path), sys.modules["__main__"]
        self.enter()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        sys.argv, sys.path[:], sys.modules["__main__"] = self._saved

    def load(self) -> Runner:
        """What runs the program. Raises what is wrong with a script: OSError, SyntaxError, …"""
        program = self.program
        if program.kind == MODULE:
            return _runpy_runner(program.target, alter_argv=True)
        if self.is_container:
            return _runpy_runner("__main__", alter_argv=False)
        if program.kind == CODE:
            return _code_runner(program.target, self.main)
        if program.target == STDIN:
            return _stdin_runner(self.main)
        return _script_runner(absolute(program.target), self.main)

    def has_target(self) -> bool:
        """Is there anything to run? What is missing is told by running it."""
        if self.is_container:
            return _has_main(absolute(self.program.target))
        if self.program.kind == MODULE:
            return _module_exists(self.program.target)
        return True

    def can_read_again(self) -> bool:
        """Would another interpreter find the program? What a pipe held has been read."""
        if self.program.kind != SCRIPT:
            return True
        path = absolute(self.program.target)
        return self.program.target != STDIN and (os.path.isfile(path) or not os.path.exists(path))

    def leave_main(self) -> None:
        """A script's main module loses these two names as soon as its code has run."""
        if self.program.kind == SCRIPT and not self.is_container:
            for name in ("__file__", "__cached__"):
                self.main.__dict__.pop(name, None)


def _folder(script: str) -> str:
    """What `python SCRIPT` puts in front of sys.path."""
    try:
        # One link by its text: a descriptor's names the file, or a pipe, which is not there.
        link = os.readlink(script)
    except OSError:
        link = ""
    if "/" in link:
        script = os.path.join(os.path.dirname(script), link)
    try:
        return os.path.dirname(os.path.realpath(script, strict=True))
    except OSError:
        return os.path.dirname(script)


def absolute(path: str) -> str:
    """As the interpreter does it: the working directory in front, and nothing normalised."""
    if path in ("", "."):
        return os.getcwd()
    return path if os.path.isabs(path) else os.path.join(os.getcwd(), path)


def _new_main() -> ModuleType:
    module = type(sys)("__main__")
    module.__loader__ = sys.modules["_frozen_importlib"].BuiltinImporter
    vars(module).update(__annotations__={}, __builtins__=sys.modules["builtins"])
    return module


def _importer(path: str) -> Any:
    for hook in sys.path_hooks:
        try:
            return hook(path)
        except ImportError:
            continue
    return None


def _is_container(path: str) -> bool:
    """Is it a directory, a zip file, or whatever else modules can be imported from?"""
    return _importer(path) is not None


def _has_main(container: str) -> bool:
    try:
        return _importer(container).find_spec("__main__") is not None
    except SyntaxError:  # a zip file's code is compiled to find it
        return False


def _module_exists(name: str) -> bool:
    from importlib.util import find_spec

    try:
        # Only the outermost package: to look further, the import system runs the program's code.
        return find_spec(name.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return True


def _runpy_runner(name: str, alter_argv: bool) -> Runner:
    import runpy

    return lambda: runpy._run_module_as_main(name, alter_argv)  # type: ignore[attr-defined]


def _code_runner(source: str, main: ModuleType) -> Runner:
    code = compile(source, "<string>", "exec", dont_inherit=True)
    if sys.version_info >= (3, 13):
        # Tracebacks of 3.13 show the lines of a `-c` text.
        import linecache

        lines = [line + "\n" for line in source.splitlines()]
        linecache.cache["<string>"] = (len(source), None, lines, "<string>")
    return _runner(code, main)


def _stdin_runner(main: ModuleType) -> Runner:
    data = b"" if sys.stdin is None else sys.stdin.buffer.read()
    main.__file__ = "<stdin>"
    main.__dict__["__cached__"] = None
    return _runner(_compile(data, "<stdin>"), main)


def _script_runner(path: str, main: ModuleType) -> Runner:
    with open(path, "rb") as file:
        data = file.read()
    is_compiled = path.endswith(".pyc") or data.startswith(_PYC_MAGIC)
    loader = _BOOTSTRAP.SourcelessFileLoader if is_compiled else _BOOTSTRAP.SourceFileLoader
    main.__loader__ = loader("__main__", path)
    main.__file__ = path
    main.__dict__["__cached__"] = None
    return _runner(_unmarshal(data) if is_compiled else _compile(data, path), main)


def _compile(data: bytes, name: str) -> CodeType:
    """Compile what a file holds, as the interpreter does with the file itself."""
    _check_encoding(data, name)
    code: CodeType = compile(data, name, "exec", dont_inherit=True)
    return code


def _check_encoding(data: bytes, name: str) -> None:
    """Refuse bytes that are no UTF-8 anywhere, as the interpreter does.

    `compile` overlooks those in comments, for it is not a file that it reads.
    """
    if data.startswith(_BOM) or _DECLARATION.match(data):
        return
    try:
        data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start]
        if b"\0" in before:
            return  # `compile` refuses that, and it comes first
        line = len(re.findall(rb"\r\n?|\n", before)) + 1
        raise SyntaxError(
            f"Non-UTF-8 code starting with '\\x{data[error.start]:02x}' in file {name} "
            f"on line {line}, but no encoding declared; "
            "see https://peps.python.org/pep-0263/ for details"
        ) from None


def _unmarshal(data: bytes) -> CodeType:
    import marshal

    if not data.startswith(_PYC_MAGIC):
        raise RuntimeError("Bad magic number in .pyc file")
    code = marshal.loads(data[_PYC_HEADER:])
    if not isinstance(code, type(_unmarshal.__code__)):
        raise RuntimeError("Bad code object in .pyc file")
    return code


def _runner(code: CodeType, main: ModuleType) -> Runner:
    return lambda: exec(code, main.__dict__)
