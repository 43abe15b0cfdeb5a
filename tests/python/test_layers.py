"""The layer check: our tree passes it, and it finds what it is there to find."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def check(root: Path, tmp_path: Path):
    """Return a function that checks a tree with one file of one line, or our own tree."""

    def run(file: str | None = None, line: str = "") -> subprocess.CompletedProcess[str]:
        src = root / "src"
        if file:
            src = tmp_path / "src"
            (src / file).parent.mkdir(parents=True)
            (src / file).write_text(f"/* a file */\n{line}\n", encoding="utf-8")
        command = [sys.executable, root / "tools" / "check_layers.py", src]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def test_the_tree_obeys(check) -> None:
    result = check()
    assert result.stdout == ""
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("base/bytes.c", '#include "base/bytes.h"'),
        ("base/bytes.c", "#include <string.h>"),
        ("trace/reader.c", '#include "base/file.h"'),
        ("export/json.c", '#include "trace/reader.h"'),
        ("recorder/module.c", "#include <Python.h>"),
        ("recorder/compat.h", "#include <internal/pycore_frame.h>"),
        ("recorder/module.c", '#include "trace/writer.h"'),
        ("recorder/module.c", '#include "export/json.h"'),
        ("server/http.c", '#include "replay/session.h"'),
        ("server/http.c", '#include "registry/registry.h"'),
        ("registry/entry.c", '#include "trace/reader.h"'),
        ("import/build.c", '#include "trace/writer.h"'),
        ("cli/record.c", '#include "trace/writer.h"'),
        ("cli/print.c", '#include "trace/reader.h"'),
    ],
)
def test_allowed_includes_pass(check, file: str, line: str) -> None:
    result = check(file, line)
    assert result.stdout == ""
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("base/bytes.c", '#include "trace/format.h"'),
        ("trace/writer.c", '#include "export/json.h"'),
        ("trace/writer.h", '#  include "recorder/compat.h"'),
        ("trace/text.c", "#include <Python.h>"),
        ("cli/main.c", "#include <Python.h>"),
        ("export/json.c", '#include "pycore_frame.h"'),
        ("export/json.c", '#include "cli/help.h"'),
        ("export/json.c", '#include "trace/writer.h"'),
        ("recorder/module.c", '#include "cli/help.h"'),
        ("recorder/module.c", '#include "trace/reader.h"'),
        ("dap/message.c", '#include "server/http.h"'),
        ("registry/entry.c", '#include "trace/writer.h"'),
        ("import/build.c", '#include "trace/reader.h"'),
        ("base/bytes.c", '#include "bytes.h"'),
        ("base/bytes.c", '#include "../trace/format.h"'),
        ("base/bytes.c", '#include "elsewhere/bytes.h"'),
    ],
)
def test_other_includes_fail_with_their_place(check, file: str, line: str) -> None:
    result = check(file, line)
    assert result.returncode == 1
    assert f"{file}:2: " in result.stdout


@pytest.mark.parametrize("file", ["stray.c", "unknown/file.c", "base/deeper/file.c"])
def test_files_outside_the_layers_fail(check, file: str) -> None:
    result = check(file)
    assert result.returncode == 1
    assert f"{file}:1: " in result.stdout
