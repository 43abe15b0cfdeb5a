"""`ct doctor`: what it finds well, what it finds wrong, and its exit status."""

import json
import os
import re
import subprocess
import sys

import pytest
from home import Home


@pytest.fixture
def home(ct, tmp_path):
    home = Home(ct, tmp_path)
    home.variables = {"DISPLAY": "", "WAYLAND_DISPLAY": ""}
    return home


def examine(home):
    done = home.run("doctor", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["result"] == "PASS" else 1)
    return {check["name"]: check for check in report["checks"]}


def test_all_is_well_here(home):
    done = home.run("doctor", "python")
    assert (done.returncode, done.stderr) == (0, "")
    first, *lines, last = done.stdout.splitlines()
    assert first == "ct doctor: recorder readiness check"
    assert last == "Result: PASS"
    assert all(re.match(r"  (PASS|SKIP)  \w+ +\S", line) for line in lines)
    version = "{}.{}.{}".format(*sys.version_info)
    assert f"  PASS  python     binary={sys.executable} version=cpython {version}" in lines
    assert os.listdir(home.folder) == ["data"]


def test_the_versions_of_ct_and_the_package_are_compared(home):
    text = "import sys\nprint('\\nCODETRACER_PYTHON_RECORDER_CHECK::' + "
    text += (
        '\'{"status": "ok", "python": "cpython 3.13.0", "version": "0.1", "start_hook": "no"}\')'
    )
    fake = home.folder / "python3"
    fake.write_text(f"#!{sys.executable}\n{text}\n")
    fake.chmod(0o755)
    home.variables["CODETRACER_PYTHON_INTERPRETER"] = str(fake)
    checks = examine(home)
    assert checks["python"]["verdict"] == "PASS"
    assert checks["recorder"]["verdict"] == "FAIL"
    assert "version=0.1, but this ct has " in checks["recorder"]["text"]
    assert checks["start"]["verdict"] == "SKIP"


def test_an_interpreter_that_cannot_record_fails(home):
    home.variables["CODETRACER_PYTHON_INTERPRETER"] = "/bin/false"
    done = home.run("doctor")
    assert done.returncode == 1
    assert "  FAIL  python     binary=/bin/false " in done.stdout
    assert done.stdout.endswith("Result: FAIL\n")
    assert "error: '/bin/false' does not answer like a Python interpreter" in done.stderr
    home.variables["CODETRACER_PYTHON_INTERPRETER"] = "/nowhere/python"
    assert examine(home)["python"]["text"] == "no interpreter to record with"


def test_a_list_that_cannot_be_written_fails(home):
    home.data.write_text("in the way")
    check = examine(home)["list"]
    assert check["verdict"] == "FAIL"
    assert "is not a directory" in check["text"]


def test_a_directory_that_takes_nothing_fails(home):
    environment = home.environment()
    done = subprocess.run(
        [home.ct, "doctor"], cwd="/proc", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "  FAIL  directory  nothing can be written into the working directory" in done.stdout


def test_a_display_needs_an_opener(home):
    assert examine(home)["window"]["verdict"] == "SKIP"
    home.variables |= {"DISPLAY": ":7", "PATH": str(home.folder)}
    assert "there is no browser to start" in examine(home)["window"]["text"]
    opener = home.folder / "xdg-open"
    opener.write_text("#!/bin/sh\n")
    opener.chmod(0o755)
    check = examine(home)["window"]
    assert check["verdict"] == "PASS"
    assert f"display=:7 opened by {opener}" == check["text"]
    named = opener.rename(home.folder / "named")
    home.variables["BROWSER"] = f"nowhere:{named} --new %s"
    assert f"display=:7 opened by {named}" == examine(home)["window"]["text"]


@pytest.mark.parametrize("words", [["ruby"], ["python", "python"], ["--verbose"]])
def test_wrong_use_is_said(home, words):
    done = home.run("doctor", *words)
    assert (done.returncode, done.stdout) == (2, "")
