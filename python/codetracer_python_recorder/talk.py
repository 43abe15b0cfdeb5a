"""What the command line says: to standard error, and nothing that a terminal would obey."""

from __future__ import annotations

import argparse
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A mistake is told with the user's own words, which may hold anything."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        say(f"{self.prog}: error: {message}")
        sys.exit(2)


def say(message: str) -> None:
    """Write a line to stderr, if there is one."""
    if sys.stderr is not None:
        print(printable(message), file=sys.stderr)


def printable(text: str) -> str:
    """The text in one line, in which what cannot be printed is escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
