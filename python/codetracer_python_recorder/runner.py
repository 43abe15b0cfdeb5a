"""Run a program under a recording: as the whole process, or as a guest inside one.

As the whole process nothing is put back at the end: threads, exit handlers and finalisers still
find the program's world, and are still recorded. The recording ends after the last exit handler.
"""

from __future__ import annotations

import os
import sys

from . import codetracer_python_recorder as backend
from . import session
from .program import Program, Stage
from .talk import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_HOME = os.path.dirname(__file__) + os.sep
_SIGINT_STATUS = 130  # what a shell reports for a process that ended by SIGINT
_STDERR = 2
_TRACEBACK = BaseException.__dict__["__traceback__"]  # a class may hide it
_display = sys.__excepthook__  # the interpreter needs no name of `sys` to find it


def run_process(
    program: Program, begin: Callable[[], object], is_masked: Callable[[], bool]
) -> int:
    """Turn this process into the program, recorded from `begin` on.

    Returns the exit status, or lets the program's own exception end the process. `is_masked` says
    after the run whether a failure is hidden from the host.
    """
    process = os.getpid()
    command = program.command
    stage = Stage(program)
    stage.enter()
    try:
        run = stage.load()
    except Exception as error:
        # There is nothing to record, and nobody explains it better than the interpreter itself.
        if stage.can_read_again():
            os.execv(sys.executable, command)
        _show(error, None, stage)
        return 1
    refused = _begin(begin) if stage.has_target() else 0
    if refused:
        return refused
    sys.orig_argv[:] = command
    failure = None
    try:
        run()
    except BaseException as error:
        status = exit_status(error)
        backend.set_exit_status(status)
        # A child that the program forked keeps its status: the program waits for it, not the host.
        if status == 0 or os.getpid() != process or not is_masked():
            _show_when_raised(error, stage)
            raise
        failure = error
    else:
        backend.set_exit_status(0)
        stage.leave_main()
    if failure is not None:  # a hook must not find it still being handled
        _show(failure, _without_our_frames(failure), stage)
        _say_masked(status)
    # The recording goes on to the end of the process; only one that must fail ends here.
    return 0 if os.getpid() != process or _is_satisfied() else 1


def run_guest(program: Program, begin: Callable[[], object], is_masked: Callable[[], bool]) -> int:
    """Run the program inside this process, end its recording, and give back the old world."""
    with Stage(program) as stage:
        run = stage.load()
        refused = _begin(begin) if stage.has_target() else 0
        if refused:
            return refused
        status = 0
        try:
            run()
        except SystemExit as exit:
            status = exit_status(exit)
            _show(exit, None, stage)
        except BaseException as error:
            _end(exit_status(error))
            raise
        if not _end(status):
            return 1
    if status != 0 and is_masked():
        _say_masked(status)
        return 0
    return status


def exit_status(error: BaseException) -> int:
    """The status that a process ends with when this exception leaves the program."""
    if isinstance(error, KeyboardInterrupt):
        return _SIGINT_STATUS
    if not isinstance(error, SystemExit):
        return 1
    code = _exit_code(error)
    if code is None:
        return 0
    if not isinstance(code, int):
        return 1
    # The interpreter hands a C int to exit(), of which the system keeps one byte.
    return code & 0xFF if -(2**63) <= code < 2**63 else 0xFF


def _exit_code(error: SystemExit) -> object:
    try:
        return error.code
    except Exception:
        return error  # a class may compute it, and fail: the interpreter then shows the exception


def _tell(text: str) -> None:
    """Write a line of the interpreter's, which reaches the terminal whatever `sys.stderr` is."""
    try:
        sys.stderr.write(text)
    except BaseException:
        os.write(_STDERR, text.encode())


def _say_masked(status: int) -> None:
    say(
        f"Script exited with status {status}; returning 0. "
        "Use '--propagate-script-exit' to mirror the script exit code."
    )


def _begin(begin: Callable[[], object]) -> int:
    """Start recording; the exit status where that fails, or else 0."""
    try:
        begin()
    except Exception as error:
        say(f"Failed to start Codetracer session: {error}")
        return 2 if getattr(error, "code", None) == "ERR_INVALID_POLICY_VALUE" else 1
    return 0


def _end(status: int) -> bool:
    return _try("flush", session.flush) and _try("stop", lambda: session.stop(exit_code=status))


def _is_satisfied() -> bool:
    return backend.has_required_trace() or _try("stop", lambda: session.stop(exit_code=1))


def _try(verb: str, step: Callable[[], object]) -> bool:
    try:
        step()
    except Exception as error:
        say(f"Failed to {verb} Codetracer session: {error}")
        return False
    return True


def _without_our_frames(error: BaseException) -> TracebackType | None:
    traceback: TracebackType | None = _TRACEBACK.__get__(error)
    while traceback is not None and traceback.tb_frame.f_code.co_filename.startswith(_HOME):
        traceback = traceback.tb_next
    return traceback


def _show_when_raised(error: BaseException, stage: Stage) -> None:
    """Let the interpreter end the process by this exception, but print it as the program's own.

    It prints an exception that has left the outermost frame, and by then our frames and those that
    launched us are in its traceback. So what is printed is decided here.
    """
    if isinstance(error, SystemExit):
        return
    traceback = _without_our_frames(error)
    has_hook = hasattr(sys, "excepthook")  # none is not the same as None
    hook = getattr(sys, "excepthook", _display)

    def show(*_exc_info: object) -> None:
        sys.excepthook = hook
        if not has_hook:
            del sys.excepthook
        _show(error, traceback, stage)

    sys.excepthook = show


def _show(error: BaseException, traceback: TracebackType | None, stage: Stage) -> None:
    """Print what the interpreter prints when this exception ends a process."""
    if isinstance(error, SystemExit):
        code = _exit_code(error)
        if code is not None and not isinstance(code, int) and sys.stderr is not None:
            print(code, file=sys.stderr)
        return
    _TRACEBACK.__set__(error, traceback)
    sys.last_exc = sys.last_value = error
    sys.last_type, sys.last_traceback = type(error), traceback
    if not hasattr(sys, "excepthook"):
        _tell("sys.excepthook is missing\n")
        _display(type(error), error, traceback)
    else:
        _call_hook(error, traceback)
    stage.leave_main()


def _call_hook(error: BaseException, traceback: TracebackType | None) -> None:
    try:
        sys.excepthook(type(error), error, traceback)
    except SystemExit:
        raise
    except BaseException as second:
        its = _without_our_frames(second)
        _TRACEBACK.__set__(second, its)
        _tell("Error in sys.excepthook:\n")
        _display(type(second), second, its)
        _tell("\nOriginal exception was:\n")
        _display(type(error), error, traceback)
