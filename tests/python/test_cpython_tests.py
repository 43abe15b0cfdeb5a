"""CPython's own tests end the same with and without recording, in both builds of the recorder.

Each module runs three times: plainly, recorded, and recorded by the self-check build, which
compares at every event what the recorder remembers with the program itself and leaves a report. The
`test` package is reached through a link outside of the standard library, whose code the recorder
skips: so the tests are recorded, the library they try is not.
"""

import json
import os
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from self_check import self_check_findings

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

GUEST = Path(__file__).with_name("guest_tests.py")
TESTS = Path(sysconfig.get_path("stdlib")) / "test"
VERSION = "{}.{}".format(*sys.version_info)
PATIENCE = 500  # seconds; without recording none takes more than ten

# Modules that need nothing but the interpreter and end within a minute under the self-check. Left
# out for their time are bytes, context, deque, heapq, range, set and weakref: millions of steps
# beside long containers, all of which the self-check compares at each.

# fmt: off
MODULES = [
    "abc", "asyncgen", "augassign", "baseexception", "bisect", "bool", "builtin", "class",
    "cmath", "code", "compare", "complex", "contains", "contextlib", "copy", "copyreg",
    "coroutines", "dataclasses", "decorators", "defaultdict", "dict", "dictcomps", "dictviews",
    "dynamic", "dynamicclassattribute", "enum", "enumerate", "except_star", "exception_group",
    "exception_hierarchy", "exception_variations", "exceptions", "extcall", "float", "format",
    "fractions", "frame", "funcattrs", "functools", "future_stmt", "generators", "genericalias",
    "genericclass", "genexps", "global", "grammar", "index", "int", "isinstance", "iter",
    "iterlen", "json", "keywordonlyarg", "list", "listcomps", "long", "memoryview", "metaclass",
    "module", "named_expressions", "numeric_tower", "opcodes", "operator", "ordered_dict",
    "patma", "pkg", "positional_only_arg", "pow", "pprint", "property", "raise", "reprlib",
    "richcmp", "scope", "setcomps", "slice", "sort", "string", "string_literals", "structseq",
    "subclassinit", "super", "sys_setprofile", "sys_settrace", "textwrap", "tuple",
    "type_aliases", "type_params", "typechecks", "unary", "unpack", "unpack_ex", "userdict",
    "userlist", "weakset", "with", "yield_from",
]
# fmt: on

# What the self-check is known to find. Nothing in these lines says that code runs unseen.
UNSEEN = {
    "int": "int(text) calls what the test put in the place of its implementation in Python",
}


class Run:
    """How a run ended, and how each test in it did."""

    def __init__(self, status, outcomes, output):
        self.status = status
        self.outcomes = outcomes
        self.output = output

    def result(self):
        return self.status, self.outcomes


# Skips itself where the machine is too fast, by the time it takes.
TIMED = "test_denial_of_service_prevented"


def read_outcomes(path):
    outcomes = {}
    for line in path.read_text("utf-8").splitlines():
        test, outcome = json.loads(line)
        if TIMED in test and outcome in ("passed", "skipped"):
            continue
        outcomes.setdefault(test, []).append(outcome)
    return outcomes


def environment(folder, python):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {
        "CODETRACER_PYTHON_INTERPRETER": str(python),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(folder / "lib"),
    }


def end_group(process):
    """Kill what a run left behind, the recorded program itself when it took too long."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_module(command, module, folder, python):
    """Run a module's tests; whatever they leave running ends with them."""
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "test").symlink_to(TESTS)
    (folder / "work").mkdir()
    outcomes = folder / "outcomes.jsonl"
    with open(folder / "output.txt", "wb") as output:
        process = subprocess.Popen(
            [*command, str(GUEST), f"test.test_{module}", str(outcomes)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder / "work",
            env=environment(folder, python),
            start_new_session=True,
        )
        try:
            status = process.wait(PATIENCE)
        finally:
            end_group(process)
    text = (folder / "output.txt").read_text("utf-8", "replace")
    return Run(status, read_outcomes(outcomes), text)


@pytest.fixture(scope="module")
def plainly(tmp_path_factory, python):
    """Return what runs a module without recording, once."""

    @cache
    def run(module):
        return run_module([python], module, tmp_path_factory.mktemp(module) / "plain", python)

    return run


def recorded(ct, python, module, folder, *options):
    return run_module([ct, "record", "-o", folder / "recording", *options], module, folder, python)


every_module = pytest.mark.parametrize("module", MODULES)


@every_module
def test_ends_the_same_when_recorded(ct, python, plainly, tmp_path, module):
    run = recorded(ct, python, module, tmp_path)
    assert run.result() == plainly(module).result(), run.output[-2000:]
    assert "ended" in run.outcomes[""]
    paths = json.loads((tmp_path / "recording" / "trace_paths.json").read_text("utf-8"))
    assert any(f"/lib/test/test_{module}" in path for path in paths)
    done = subprocess.run([ct, "verify", tmp_path / "recording"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Much of the standard library under these tests is Python, and recorded with them; the larger ones
# reach the size limit, and go on without being recorded.

# fmt: off
WHOLE = [
    "argparse", "asyncgen", "configparser", "contextlib", "dataclasses", "decimal", "difflib",
    "email", "enum", "fractions", "functools", "inspect", "ipaddress", "json", "pathlib",
    "pickle", "statistics", "textwrap", "traceback", "typing", "uuid", "weakref",
]
# fmt: on


@pytest.mark.parametrize("module", WHOLE)
def test_ends_the_same_when_the_standard_library_is_recorded(
    ct, python, root, plainly, tmp_path, module
):
    rules = root / "tools" / "exercise.toml"
    options = ["--trace-filter", rules, "--format", "ctr", "--max-size", "64M"]
    run = recorded(ct, python, module, tmp_path, *options)
    assert run.result() == plainly(module).result(), run.output[-2000:]
    command = [ct, "verify", tmp_path / "recording"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@every_module
def test_what_the_recorder_remembers_is_right(plainly, self_check_bin, tmp_path, module):
    run = recorded(self_check_bin / "ct", self_check_bin / "python", module, tmp_path)
    assert run.result() == plainly(module).result(), run.output[-2000:]
    counts, found = self_check_findings(tmp_path / "recording")
    if module in UNSEEN and counts["wrong"]:
        pytest.xfail(UNSEEN[module])
    assert counts["wrong"] == 0, "\n".join(line for line in found if line.startswith("wrong"))
    assert module not in UNSEEN, "no longer wrong"


@pytest.mark.parametrize("module", [*UNSEEN, "functools", "patma", "raise", "textwrap"])
def test_an_exact_recording_is_right_everywhere(plainly, self_check_bin, tmp_path, module):
    ct, python = self_check_bin / "ct", self_check_bin / "python"
    run = recorded(ct, python, module, tmp_path, "--exact")
    assert run.result() == plainly(module).result(), run.output[-2000:]
    counts, found = self_check_findings(tmp_path / "recording")
    assert (counts["wrong"], counts["lagging"]) == (0, 0), "\n".join(found)
