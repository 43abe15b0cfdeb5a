"""The build's lists name exactly the files that are there: what is not listed is not built."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def source_lists(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, root / "tools" / "source_lists.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """Return a copy of the files that the lists are about, with every list right."""
    for folder in ("src", "python", "tests/unit"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / folder, tmp_path / folder, ignore=ignored)
    source_lists(root, str(tmp_path))
    return tmp_path


def test_every_list_is_right(root: Path) -> None:
    result = source_lists(root, "--check")
    assert result.stdout == ""
    assert result.returncode == 0


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("src/base/another.c", "src/base/meson.build: base_sources"),
        ("src/cli/another.c", "src/cli/meson.build: cli_sources"),
        ("python/codetracer_python_recorder/another.py", "python/meson.build: package_sources"),
        ("tests/unit/test_another.c", "tests/unit/meson.build: unit_tests"),
    ],
)
def test_a_new_file_is_named_and_then_listed(root: Path, copy: Path, file: str, place: str) -> None:
    (copy / file).touch()
    result = source_lists(root, "--check", str(copy))
    assert result.stdout == f"{place}\n"
    assert result.returncode == 1
    assert source_lists(root, str(copy)).stdout == f"{place}\n"
    assert source_lists(root, "--check", str(copy)).stdout == ""
