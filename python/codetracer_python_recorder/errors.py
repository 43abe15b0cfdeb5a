"""The recorder's exceptions.

The native module raises them through `make_error`. The class names carry a `Py` prefix, the names
they are exported under do not: tools match on both.
"""

from __future__ import annotations

from . import _recorder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE = __name__.rpartition(".")[0]


class PyRecorderError(Exception):
    """Base class: `code` is stable, `kind` says whose fault it is, `context` holds details."""

    __module__ = _PACKAGE
    kind = "Internal"

    def __init__(
        self,
        message: str,
        code: str = "ERR_UNKNOWN",
        context: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.context = dict(context or {})

    def __str__(self) -> str:
        text = f"[{self.code}] {self.message}"
        if self.context:
            text += f" ({', '.join(f'{key}={self.context[key]}' for key in sorted(self.context))})"
        if self.__cause__ is not None:
            text += f": caused by {self.__cause__}"
        return text

    def __reduce__(self) -> tuple[object, ...]:
        # The class cannot be found again under its own name, so pickle goes by the kind.
        return make_error, (self.kind, self.code, self.message, self.context)


class PyUsageError(PyRecorderError):
    """The caller asked for something that cannot be done."""

    __module__ = _PACKAGE
    kind = "Usage"


class PyEnvironmentError(PyRecorderError):
    """The system refused: files, permissions, space, a missing facility."""

    __module__ = _PACKAGE
    kind = "Environment"


class PyTargetError(PyRecorderError):
    """The recorded program did something the recorder cannot follow."""

    __module__ = _PACKAGE
    kind = "Target"


class PyInternalError(PyRecorderError):
    """A defect of the recorder itself."""

    __module__ = _PACKAGE
    kind = "Internal"


RecorderError = PyRecorderError
UsageError = PyUsageError
EnvironmentError = PyEnvironmentError
TargetError = PyTargetError
InternalError = PyInternalError

_BY_KIND: dict[str, type[PyRecorderError]] = {
    cls.kind: cls for cls in (UsageError, EnvironmentError, TargetError, InternalError)
}


def reported(error: PyRecorderError) -> PyRecorderError:
    """Log an error that is about to be raised, as the native module does with its own."""
    detail = next(iter(error.context.items()), ())  # ours have one at most
    texts = (error.kind, error.code, error.message, *detail)
    # What came from the environment may be no UTF-8.
    _recorder.log_error(*(text.encode(errors="backslashreplace").decode() for text in texts))
    return error


def make_error(
    kind: str, code: str, message: str, context: Mapping[str, str] | None = None
) -> PyRecorderError:
    """The exception for a kind; a kind nobody knows is itself an internal error."""
    return _BY_KIND.get(kind, InternalError)(message, code, context)
