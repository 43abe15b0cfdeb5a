"""Test runs: what is recorded of them is the tests and what they call."""

import json
import re
import subprocess
import sys
import textwrap

import pytest
from codetracer_python_recorder import cli, frameworks, session
from project import Project

TESTS = """
import asyncio
import sys

import pytest
from product import double


@pytest.fixture
def three():
    yield 3
    print("torn down")


@pytest.mark.parametrize("n", [1, 2])
def test_parametrised(n):
    print("printed", n)
    assert double(n) == 2 * n


def test_fixture(three):
    assert double(three) == 6


@pytest.mark.asyncio
async def test_async():
    await asyncio.sleep(0)
    assert double(4) == 8


def test_capture(capsys):
    print("captured")
    assert capsys.readouterr().out == "captured\\n"


def test_fails():
    assert double(5) == 11
"""
UNIT_TESTS = """
import unittest

from product import double


class Case(unittest.TestCase):
    def setUp(self):
        self.n = 2

    def test_double(self):
        for n in range(2):
            with self.subTest(n=n):
                self.assertEqual(double(n), 2 * n)

    def test_fails(self):
        self.assertEqual(double(self.n), 5)
"""
FUNCTIONS = {
    *("<module>", "double", "three", "test_parametrised", "test_fixture", "test_async"),
    *("test_capture", "test_fails"),
}
# Plug-ins that happen to be installed bring packages of their own.
PYTEST = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:timeout", "-q"]


class Product(Project):
    """A program with tests for pytest and for unittest."""

    patience = 100

    def __init__(self, folder, ct):
        super().__init__(folder, ct)
        (folder / "product.py").write_text("def double(n):\n    return n + n\n")
        (folder / "test_product.py").write_text(textwrap.dedent(TESTS))
        (folder / "test_case.py").write_text(textwrap.dedent(UNIT_TESTS))
        config = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
        (folder / "pytest.ini").write_text(config)

    def record(self, *words, status=1):
        """Under the recorder's own command; the run must end as it does without."""
        words = ["-m", "codetracer_python_recorder", "--format", "json", "-o", "out", *words]
        done = self.python(*words)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def functions(self):
        return {e["function"].rpartition(".")[2] for e in self.events() if e["event"] == "call"}

    def files(self):
        return json.loads((self.folder / "out/trace_paths.json").read_text())

    def written(self):
        """What the streams had, then what those had that the framework put in their place."""
        printed = self.execute(str(self.ct), "print", "out", "--output", "--format", "json").stdout
        rows = [json.loads(line) for line in printed.splitlines()]
        rows.sort(key=lambda row: "redirected" in row.get("flags", ()))
        return "".join(row.get("text", "") for row in rows)


@pytest.fixture
def project(tmp_path, ct):
    return Product(tmp_path, ct)


def without_times(text):
    return re.sub(r"\d+\.\d+s", "s", text)


def test_the_tests_are_recorded_and_the_framework_is_not(project):
    plain = project.python("-m", "pytest", *PYTEST, "test_product.py")
    done = project.record("--pytest", *PYTEST, "test_product.py")
    assert without_times(done.stdout) == without_times(plain.stdout)
    assert done.stderr == plain.stderr
    assert project.functions() == FUNCTIONS
    folder = project.folder.resolve()
    assert set(project.files()) - {""} <= {
        str(folder / "product.py"),
        str(folder / "test_product.py"),
    }
    calls = [e for e in project.events() if e["event"] == "call"]
    assert sum(e["function"] == "test_parametrised" for e in calls) == 2
    metadata = json.loads((project.folder / "out/trace_metadata.json").read_text())
    assert metadata["program"] == "pytest"
    assert metadata["process_exit_status"]["code"] == 1


@pytest.mark.parametrize("capture", ["fd", "sys", "no", "tee-sys"])
def test_whatever_becomes_of_the_output_it_is_recorded(project, capture):
    project.record("--pytest", *PYTEST, f"--capture={capture}", "test_product.py")
    project.functions()
    written = project.written()
    for text in ("printed 1", "printed 2", "torn down", "captured"):
        assert text in written


def test_coverage_measures_the_same_beside_it(project):
    words = [*PYTEST, "--cov=product", "--cov-report=json", "test_product.py"]
    project.python("-m", "pytest", *words)
    plain = json.loads((project.folder / "coverage.json").read_text())["files"]
    project.record("--pytest", *words)
    recorded = json.loads((project.folder / "coverage.json").read_text())["files"]
    assert recorded == plain
    assert project.functions() == FUNCTIONS


def test_unittest(project):
    plain = project.python("-m", "unittest", "-v", "test_case")
    done = project.record("--unittest", "-v", "test_case")
    assert without_times(done.stderr) == without_times(plain.stderr)
    assert project.functions() == {
        "<module>",
        "Case",
        "setUp",
        "test_double",
        "test_fails",
        "double",
    }


def test_the_module_is_the_same_as_the_option(project):
    project.record("-m", "pytest", *PYTEST, "test_product.py")
    assert project.functions() == FUNCTIONS


def test_the_framework_can_be_recorded_too(project):
    words = ["--pytest", *PYTEST, "--collect-only", "test_product.py"]
    project.record("--no-framework-filters", "--format", "ctr", *words, status=0)
    assert any("/_pytest/" in path for path in project.files())


def test_ct_record_does_the_same(project):
    done = project.execute(
        str(project.ct), "record", "-o", "out", "-m", "pytest", *PYTEST, "test_product.py"
    )
    assert done.returncode == 1
    assert "1 failed, 5 passed" in done.stdout
    assert project.functions() == FUNCTIONS
    words = ["--format", "ctr", "-o", "all", "-m", "pytest", *PYTEST, "--collect-only"]
    done = project.execute(str(project.ct), "record", "--no-framework-filters", *words)
    assert done.returncode == 0
    assert "/_pytest/" in (project.folder / "all/trace_paths.json").read_text()


def test_ct_knows_every_framework(root):
    source = (root / "src/cli/launch.c").read_text()
    listed = source.split("frameworks[] = {")[1].split("}")[0]
    assert {word.strip('" ') for word in listed.split(",")} - {"NULL"} == set(frameworks.FRAMEWORKS)


# The command line


@pytest.mark.parametrize(
    ("argv", "target", "args"),
    [
        (["--pytest", "tests", "-k", "x"], "pytest", ["tests", "-k", "x"]),
        (["--exact", "--pytest", "--", "a"], "pytest", ["--", "a"]),
        (["--unittest", "-v", "--pytest"], "unittest", ["-v", "--pytest"]),
    ],
)
def test_everything_after_it_is_the_frameworks(argv, target, args):
    config = cli._parse_args(argv)
    assert (config.kind, config.target, config.script_args) == ("module", target, args)
    assert config.activation_path is config.script is None


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--pytest"], "--pytest requires at least one argument (test path or options)"),
        (["--unittest"], "--unittest requires at least one argument"),
        ([], "missing script to execute (or --pytest, --unittest with their arguments)"),
    ],
)
def test_a_framework_needs_arguments(capsys, argv, message):
    with pytest.raises(SystemExit) as caught:
        cli._parse_args(argv)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_behind_a_script_it_is_an_argument(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").touch()
    config = cli._parse_args(["app.py", "--pytest", "x"])
    assert (config.target, config.script_args) == ("app.py", ["--pytest", "x"])


@pytest.mark.parametrize(
    ("name", "is_skipped"),
    [
        ("pluggy", True),
        ("pluggy_x", False),
        ("pytest_plug", True),
        ("py", True),
        ("pyro", False),
        ("app", False),
    ],
)
def test_which_packages_are_left_out(tmp_path, ct, name, is_skipped):
    """Those in a site-packages, wherever that is."""
    site = tmp_path / "site-packages"
    for package in ("pluggy", "pluggy_x", "pytest_plug", "pyro", "app/pluggy"):
        (site / package).mkdir(parents=True)
        (site / package / "__init__.py").write_text("def f():\n    return 1\n")
    (site / "py.py").write_text("def f():\n    return 1\n")
    (site / "app/__init__.py").write_text("from .pluggy import f\n")
    (tmp_path / "app.py").write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(site)!r})\n"
        "import codetracer_python_recorder as r\n"
        f"from {name} import f\n"
        "session = r.start('out', test_framework='pytest')\nf()\nsession.stop()\n"
    )
    subprocess.run([sys.executable, "app.py"], cwd=tmp_path, check=True, timeout=60)
    shown = subprocess.run(
        [ct, "print", tmp_path / "out", "--calls"], capture_output=True, text=True, check=True
    )
    assert ("f()" in shown.stdout) is not is_skipped


# As rules


def filters(project, out="out"):
    metadata = json.loads((project.folder / out / "trace_metadata.json").read_text())
    return [(f["name"], f["path"]) for f in metadata["trace_filter"]["filters"]]


PROJECT_FILTER = """
[meta]
name = "mine"
version = 1
[scope]
default_exec = "inherit"
default_value_action = "inherit"
[[scope.rules]]
selector = "pkg:pluggy.*"
exec = "trace"
"""


def test_the_frameworks_filter_is_one_of_the_chain(project):
    (project.folder / ".codetracer").mkdir()
    (project.folder / ".codetracer/trace-filter.toml").write_text(PROJECT_FILTER)
    words = ["--pytest", *PYTEST, "--collect-only", "test_product.py"]
    project.record(*words, status=0)
    file = str((project.folder / ".codetracer/trace-filter.toml").resolve())
    chain = [(f"builtin-{n}", f"<inline:builtin-{n}>") for n in ("default", "pytest")]
    assert filters(project) == [*chain, ("mine", file)]
    assert any("/pluggy/" in path for path in project.files()), "a later rule brings it back"
    assert not any("/_pytest/" in path for path in project.files())
    project.record("--no-framework-filters", *words, status=0)
    assert filters(project) == [chain[0], ("mine", file)]


def test_unittest_may_use_pytests_tools(project):
    case = project.folder / "test_case.py"
    case.write_text(case.read_text().replace("import unittest", "import unittest, pytest"))
    project.record("--unittest", "test_case")
    assert not any("site-packages" in path for path in project.files())
    assert [name for name, _ in filters(project)] == ["builtin-default", "builtin-unittest"]


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("/x/.venv/lib/python3.13/site-packages/_pytest/main.py", "skipped: rules[0] "),
        ("/x/dist-packages/py.py", "skipped: rules[0] "),
        ("/x/pluggy/__init__.py", "recorded: the default of builtin-default"),
    ],
)
def test_explain_knows_it(project, file, code):
    words = ["explain", "--test-framework", "pytest", "--file", file, "--object", "f"]
    for command in (
        [sys.executable, "-m", "codetracer_python_recorder", "filter", *words],
        [str(project.ct), "filter", "--", *words],
    ):
        shown = project.execute(*command).stdout
        (line,) = (line for line in shown.splitlines() if line.startswith("code "))
        assert line.startswith(f"code   {code}")
        assert line.endswith("of 'builtin-pytest' (<inline:builtin-pytest>)") == ("[0]" in code)


def test_an_unknown_framework_is_told():
    with pytest.raises(ValueError, match="unknown test framework 'nose'"):
        session.start("nowhere", test_framework="nose")
    assert not session.is_tracing()
