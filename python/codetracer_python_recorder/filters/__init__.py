"""Recording rules: the TOML files that decide which code is recorded and which values are kept.

Everything here runs before a recording begins and never while it runs. What comes out is a table
of plain data that the native recorder reads (its layout: `src/recorder/filter.h`). What this file
itself holds is needed by every start, and imports nothing.
"""

from __future__ import annotations

import os

_PROJECT_FILE = os.path.join(".codetracer", "trace-filter.toml")


def find_project_filter(folder: str) -> str | None:
    """The nearest `.codetracer/trace-filter.toml` in the folder and those above it."""
    at = os.path.abspath(folder)
    while True:
        path = os.path.join(at, _PROJECT_FILE)
        if os.path.isfile(path):
            return path
        if os.path.dirname(at) == at:
            return None
        at = os.path.dirname(at)


def split_spec(spec: str) -> list[str]:
    """The file names of one `::`-joined text."""
    return [name for part in spec.split("::") if (name := part.strip())]
