#!/usr/bin/env python3
"""Write the lists of sources in the meson.build files from what is there.

Usage: source_lists.py [--check] [ROOT]. With --check nothing is written: each list that differs
is named and the exit status is 1. Meson wants explicit lists, so that an incremental build sees
them change; nobody should have to type them.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "codetracer_python_recorder"
INSTALLED = {".py", ".pyi", ".typed"}


def lists(root: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """Yield each list: its meson.build, its variable, its items."""
    for folder in sorted(path.parent for path in root.glob("src/*/meson.build")):
        names = {path.name for path in folder.glob("*.c")}
        if folder.name == "cli":
            names.discard("main.c")  # outside the library: the unit tests bring their own
        yield folder / "meson.build", f"{folder.name}_sources", sorted(names)

    for folder, variable in (("", "package_sources"), ("/filters", "filters_sources")):
        package = (root / "python" / (PACKAGE + folder)).iterdir()
        modules = {f"{PACKAGE}{folder}/{path.name}" for path in package if path.suffix in INSTALLED}
        yield root / "python" / "meson.build", variable, sorted(modules)

    unit_tests = sorted(path.stem for path in root.glob("tests/unit/test_*.c"))
    yield root / "tests" / "unit" / "meson.build", "unit_tests", unit_tests


def with_list(text: str, variable: str, items: list[str]) -> str:
    """Return the text of a meson.build with the items of one list replaced."""
    pattern = rf"^({variable} = (?:files\(|\[)\n).*?^([)\]])$"
    body = "".join(f"  '{item}',\n" for item in items)
    replaced, count = re.subn(pattern, rf"\g<1>{body}\g<2>", text, flags=re.DOTALL | re.MULTILINE)
    if count != 1:
        raise ValueError(f"there must be one list named {variable}, found {count}")
    return replaced


def main() -> int:
    """Write or check every list."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, name what differs")
    parser.add_argument("root", type=Path, nargs="?", default=Path(__file__).parent.parent)
    options = parser.parse_args()

    status = 0
    for meson_build, variable, items in lists(options.root):
        text = meson_build.read_text("utf-8")
        wanted = with_list(text, variable, items)
        if text == wanted:
            continue
        print(f"{meson_build.relative_to(options.root)}: {variable}", flush=True)
        if options.check:
            status = 1
        else:
            meson_build.write_text(wanted, "utf-8")
    if status:
        print("these lists differ from the files that are there: run `make fmt`", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
