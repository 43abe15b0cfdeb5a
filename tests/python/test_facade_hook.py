"""The start hook, alone in a folder: what it costs and what it leaves behind."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VARIABLE = "CODETRACER_PYTHON_RECORDER_START"
LOOK = f"""
import sys, os
import site
site.addsitedir(sys.argv[2])  # what any .pth file loads is not ours
sys.path.remove(sys.argv[2])
before = sorted(sys.modules), list(sys.path)
site.addsitedir(sys.argv[1])
sys.path.remove(sys.argv[1])
after = sorted(sys.modules), list(sys.path)
print(before == after, {VARIABLE!r} in os.environ)
"""


@pytest.fixture
def folder(tmp_path):
    """The hook without the native module."""
    source = Path(importlib.util.find_spec("_codetracer_start").origin)
    shutil.copy(source, tmp_path)
    shutil.copy(source.with_name("codetracer_python_recorder.pth"), tmp_path)
    return tmp_path


def look(folder, **variables):
    other = folder / "other"
    other.mkdir()
    (other / "other.pth").write_text("import sys")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CODETRACER")}
    return subprocess.run(
        [sys.executable, "-c", LOOK, str(folder), str(other)],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_the_variable_nothing_is_loaded(folder):
    (folder / "_codetracer_start.py").write_text("raise SystemExit('loaded')")
    done = look(folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True False\n", "")


def test_a_failure_costs_one_line(folder):
    done = look(folder, **{VARIABLE: "anything"})
    assert (done.returncode, done.stdout) == (0, "True False\n")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("codetracer: this program runs unrecorded: ")
    assert "recorder" in done.stderr.lower()


def test_a_broken_extension_costs_one_line(folder):
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    (folder / "codetracer_python_recorder").mkdir()
    (folder / f"codetracer_python_recorder/_recorder{suffix}").write_bytes(b"not a library")
    done = look(folder, **{VARIABLE: "anything"})
    assert (done.returncode, done.stdout) == (0, "True False\n")
    assert done.stderr.count("\n") == 1
    assert "unrecorded" in done.stderr


def test_every_line_of_the_hook_is_code(folder):
    lines = (folder / "codetracer_python_recorder.pth").read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("import ")
