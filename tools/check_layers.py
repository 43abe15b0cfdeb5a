#!/usr/bin/env python3
"""Check that every C file under src/ includes only what its layer may include.

Usage: check_layers.py [SRC]. Prints one line per violation; exit status 1 when there is any.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

BASE = {"base"}
TRACE = BASE | {"trace"}
REPLAY = TRACE | {"replay"}
DAP = REPLAY | {"dap"}
REGISTRY = TRACE | {"registry"}
SERVER = DAP | REGISTRY | {"server"}

# layer -> the layers whose headers it may include
MAY_INCLUDE = {
    "base": BASE,
    "trace": TRACE,
    "export": TRACE | {"export"},
    "import": TRACE | {"import"},
    "recorder": TRACE | {"export", "recorder"},
    "replay": REPLAY,
    "registry": REGISTRY,
    "dap": DAP,
    "server": SERVER,
    "cli": SERVER | {"export", "import", "cli"},
}

# The recorder writes traces and the reading layers read them: each sees one half of the format.
FORBIDDEN_HEADERS = {
    "recorder": {"trace/reader.h"},
    "export": {"trace/writer.h"},
    "import": {"trace/reader.h"},
    "replay": {"trace/writer.h"},
    "registry": {"trace/writer.h"},
    "dap": {"trace/writer.h"},
    "server": {"trace/writer.h"},
}

PYTHON_LAYER = "recorder"
PYTHON_HEADER = re.compile(r"(Python\.h|structmember\.h|cpython/.*|internal/.*|pycore_.*)")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def violation(source: Path, layer: str, header: str, quoted: bool) -> str | None:
    """Say what is wrong with one include of one file (its path relative to src/), if anything."""
    if PYTHON_HEADER.fullmatch(header):
        if layer == PYTHON_LAYER:
            return None
        return f"<{header}> is CPython's: only {PYTHON_LAYER}/ may include it"
    if not quoted:
        return None
    target, slash, _ = header.partition("/")
    if not slash or target.startswith("."):
        return f'"{header}" is not written relative to src/: "{layer}/{Path(header).name}"'
    if target not in MAY_INCLUDE:
        return f'"{header}" is in no known layer'
    if target not in MAY_INCLUDE[layer]:
        allowed = ", ".join(sorted(MAY_INCLUDE[layer]))
        return f'{layer}/ may not include "{header}" (only {allowed})'
    if header in FORBIDDEN_HEADERS.get(layer, ()):
        return f'{layer}/ may not include "{header}": it is the other half of the format'
    return None


def violations(src: Path) -> Iterator[str]:
    """Yield "file:line: what is wrong" for the whole tree, in a stable order."""
    for path in sorted([*src.rglob("*.c"), *src.rglob("*.h")]):
        relative = path.relative_to(src)
        layer = relative.parts[0]
        if len(relative.parts) != 2 or layer not in MAY_INCLUDE:
            yield f"{path}:1: not a file of a known layer (src/<layer>/<file>)"
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match is None:
                continue
            quoted, system = match.groups()
            problem = violation(relative, layer, quoted or system, quoted is not None)
            if problem:
                yield f"{path}:{number}: {problem}"


def main() -> int:
    """Print every violation."""
    src = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "src"
    if not src.is_dir():
        print(f"{src} is not a directory", file=sys.stderr)
        return 2
    found = list(violations(src))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
