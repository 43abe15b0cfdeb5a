"""The test runner's sums: what counts as passed, failed and skipped."""

import importlib.machinery
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def runner(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return tests/run as a module."""
    loader = importlib.machinery.SourceFileLoader("runner", str(root / "tests" / "run"))
    spec = importlib.util.spec_from_loader("runner", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "runner", module)  # dataclasses look their module up
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    return module


def meson_log(path: Path, *tests: dict[str, str]) -> Path:
    path.write_text("".join(json.dumps(test) + "\n" for test in tests), encoding="utf-8")
    return path


def test_tap_cases_are_counted_one_by_one(runner: ModuleType) -> None:
    cases = ["ok 1 - one", "not ok 2 - two is not ok # why", "ok 3 - three # SKIP no disk", "ok 4"]
    tap = "\n".join(["1..4", *cases[:3], "# ok", cases[3], ""])
    assert str(runner.count_tap(tap)) == "2 passed, 1 failed, 1 skipped"


def test_a_binary_that_dies_is_a_failure(runner: ModuleType, tmp_path: Path) -> None:
    log = meson_log(
        tmp_path / "log",
        {"result": "OK", "stdout": "1..1\nok 1 - a\n"},
        {"result": "ERROR", "stdout": "1..2\nok 1 - b\n"},
        {"result": "TIMEOUT"},
    )
    assert str(runner.count_meson(log)) == "2 passed, 2 failed"


def test_a_failed_case_is_counted_once(runner: ModuleType, tmp_path: Path) -> None:
    log = meson_log(tmp_path / "log", {"result": "FAIL", "stdout": "not ok 1 - a\nok 2 - b\n"})
    assert str(runner.count_meson(log)) == "1 passed, 1 failed"


def test_junit_errors_are_failures(runner: ModuleType, tmp_path: Path) -> None:
    report = tmp_path / "pytest.xml"
    report.write_text(
        '<testsuites><testsuite tests="9" failures="2" errors="1" skipped="3"/></testsuites>',
        encoding="utf-8",
    )
    assert str(runner.count_junit(report)) == "3 passed, 3 failed, 3 skipped"
