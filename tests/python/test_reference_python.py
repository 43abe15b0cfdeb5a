"""The reference page of the Python package says what the package does."""

import re
import subprocess
import sys

import codetracer_python_recorder as recorder
import oracle
import pytest
from codetracer_python_recorder import auto_start, cli, frameworks, launch, policy
from sanitizer import SLOWER
from test_policy_effects import CALLS, STAGES


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs/reference/python.md").read_text()


@pytest.fixture(scope="module")
def sections(page):
    return dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))


def rows(section):
    """The cells of each row of a section's table, without their quotes."""
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_the_example_runs(page, tmp_path):
    (source,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "app.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env=oracle.environment(),
        capture_output=True,
        text=True,
        timeout=60 * SLOWER,
    )
    assert (done.stdout, done.stderr) == ("3\nTrue\n", "")
    assert {path.name for path in tmp_path.glob("*/trace.ctr")} == {"trace.ctr"}
    assert (tmp_path / "block/trace.json").is_file()
    assert (tmp_path / "calls/trace.bin").is_file()


def test_every_public_name_is_listed(page):
    listed = " ".join(row[0] for row in rows(page.split("\n## ")[0]))
    assert {name for name in recorder.__all__ if not re.search(rf"\b{name}\b", listed)} == set()


def test_the_policy(sections):
    listed = {row[0]: row[1:] for row in rows(sections["Policy"])}
    assert list(listed) == list(policy._SETTINGS)
    text = cli._build_parser().format_help()
    for name, (default, variable, *_) in policy._SETTINGS.items():
        assert listed[name][0] == repr(default)
        assert listed[name][1] == (variable or policy._CAPTURE_VARIABLE)
        assert listed[name][2] in text


def test_the_variables(sections):
    assert {row[0] for row in rows(sections["Other variables"])} == {
        *(auto_start.ENV_TRACE_PATH, auto_start.ENV_TRACE_FORMAT, auto_start.ENV_TRACE_FILTER),
        *(launch.DISABLED_VARIABLE, cli._OUT_DIR),
    }


def test_the_errors(sections):
    listed = {row[0]: row[1] for row in rows(sections["Errors"])}
    assert set(listed) == {*CALLS, *(row[1] for row in STAGES.values()), "ERR_TRACE_MISSING"}
    for kind, code, _ in STAGES.values():
        assert listed[code] == kind or (code, kind) == ("ERR_TRACE_INCOMPLETE", "Target")


def test_the_frameworks(sections):
    text = sections["Test runs"]
    for name in frameworks.PACKAGES:
        assert name.strip("_*") in text


def test_the_import_takes_30_ms_at_most(tmp_path):
    code = "import time; b = time.perf_counter(); import codetracer_python_recorder; "
    code += "print(time.perf_counter() - b)"
    command = [sys.executable, "-c", code]
    environment = oracle.environment(PYTHONPYCACHEPREFIX=str(tmp_path))  # as pip compiles it
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    took = [
        float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
        for _ in range(10)
    ]
    assert min(took) < 0.030 * SLOWER
