"""Start the recorder in a plain `python script.py`, before `__main__` runs.

The hook `codetracer_python_recorder.pth` calls `start` when the environment asks for it (its one
line is short because every start of the interpreter compiles it). The program must not be able to
tell: nothing of ours stays in `sys.modules`, nothing is imported that the interpreter has not
already loaded, and a failure costs one line on stderr, not the program.
"""

import _frozen_importlib
import _imp
import os
import sys

_NAME = "codetracer_python_recorder._recorder"
_VARIABLE = "CODETRACER_PYTHON_RECORDER_START"


def start():
    """Load the native recorder and let it arm itself; never raises."""
    sys.modules.pop(__name__, None)
    try:
        _load_recorder().start_from_environment()
    except BaseException as error:
        os.environ.pop(_VARIABLE, None)
        _complain(error)
    finally:
        # Functions and their module refer to each other: the program's first gc.collect() would
        # find them.
        globals().clear()


def _load_recorder():
    # By file: the package itself must not be imported into the program.
    here = os.path.dirname(os.path.abspath(__file__))
    path = _find_extension(os.path.join(here, *_NAME.split(".")))
    module = _imp.create_dynamic(_frozen_importlib.ModuleSpec(_NAME, None, origin=path))
    _imp.exec_dynamic(module)
    return module


def _find_extension(stem):
    suffixes = _imp.extension_suffixes()
    for suffix in suffixes:
        if os.path.isfile(stem + suffix):
            return stem + suffix
    raise ImportError(f"{stem}{suffixes[0]} does not exist; reinstall codetracer-python-recorder")


def _complain(error):
    if sys.stderr is None:
        return
    reason = str(error).replace("\n", " ") or type(error).__name__
    try:
        sys.stderr.write(f"codetracer: this program runs unrecorded: {reason}\n")
        sys.stderr.flush()
    except Exception:
        pass
