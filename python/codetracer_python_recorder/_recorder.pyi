"""The native recorder."""

from collections.abc import Mapping

VERSION: str

def start(directory: str, options: Mapping[str, object], /) -> None: ...
def stop(exit_code: int | None = None, /) -> None: ...
def stop_at_exit() -> None: ...
def is_tracing() -> bool: ...
def flush() -> None: ...
def set_exit_status(code: int, /) -> None: ...
def start_from_environment() -> bool: ...
def secret_words() -> tuple[str, ...]: ...
def explain(
    table: tuple[object, ...],
    file: str,
    module: str | None,
    name: str | None,
    names: tuple[tuple[int, str], ...],
    /,
) -> tuple[
    tuple[str | None, str | None, str | None],
    int,
    bool,
    int,
    int,
    int,
    tuple[tuple[int, int, bool], ...],
]: ...
