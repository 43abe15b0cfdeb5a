"""The sources in a trace: those of the code that ran, and marked where that is not sure."""

import os
import py_compile
import re
import subprocess
import sys
import textwrap
import time

import oracle
import pytest
from tracefmt import Recording

MAY_DIFFER, MISSING = 1, 2
HELPER = "def f(n):\n    return n + 1\n"
OTHER = "def f(n):\n    n = n + 1\n    return n\n"
LATE = """\
import os
import sys

import codetracer_python_recorder
import helper
import untouched

{change}
codetracer_python_recorder.start(sys.argv[1], format="ctr")
helper.f(1)
untouched.f(1)
codetracer_python_recorder.stop()
"""


@pytest.fixture
def place(tmp_path):
    """A folder with a module that was there long before."""
    folder = tmp_path / "place"
    folder.mkdir()
    for name in ("helper.py", "untouched.py"):
        (folder / name).write_text(HELPER)
    time.sleep(0.05)  # older than the process that will run
    return folder


def flags(out):
    """Flags of the sources by the file's name, and their texts."""
    recording = Recording.open(out)
    found = recording.definitions
    names = [os.path.basename(path) for path in found.paths]
    texts = {names[path]: source.decode() for path, source in found.sources.items()}
    return {names[path]: flag for path, flag in found.source_flags.items()}, texts


def run(command, place, **variables):
    environment = oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable, **variables)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [str(each) for each in command],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def record(ct, place, out, text, **variables):
    (place / "program.py").write_text(textwrap.dedent(text))
    time.sleep(0.05)
    command = [ct, "record", "--export-limit", "1", "-o", out, "program.py"]
    run(command, place, **variables)
    return flags(out)


def start_late(place, out, change):
    (place / "program.py").write_text(LATE.format(change=change))
    time.sleep(0.05)
    run([sys.executable, "program.py", out], place)
    return flags(out)


@pytest.mark.parametrize("turn", ["compiled now", "compiled before"])
def test_a_source_is_that_of_the_code(ct, place, out, turn):
    if turn == "compiled before":
        py_compile.compile(str(place / "helper.py"))
    found, texts = record(ct, place, out, "import helper\nhelper.f(1)\n")
    assert found == {"program.py": 0, "helper.py": 0}
    assert texts["helper.py"] == HELPER


def test_a_module_the_program_wrote_is_that_of_the_code(ct, place, out):
    program = f"open('made.py', 'w').write({HELPER!r})\nimport made\nmade.f(1)\n"
    assert record(ct, place, out, program)[0] == {"program.py": 0, "made.py": 0}


CHANGES = {
    "written again": "open('helper.py', 'w').write({other!r})",
    "the same size": "open('helper.py', 'w').write({same!r})",
    "another file in its place": (
        "open('new.py', 'w').write({other!r}); os.utime('new.py', (1, 1));"
        " os.rename('new.py', 'helper.py')"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_source_that_changed_since_may_differ(place, out, change):
    text = CHANGES[change].format(other=OTHER, same=HELPER.replace("1", "2"))
    found, _ = start_late(place, out, "import time; time.sleep(0.05); " + text)
    assert (found["helper.py"], found["untouched.py"]) == (MAY_DIFFER, 0)


def test_a_source_that_did_not_change_does_not_differ(place, out):
    assert set(start_late(place, out, "")[0].values()) == {0}


@pytest.mark.parametrize("changed", [False, True])
def test_a_module_without_its_source_may_differ(ct, place, out, changed):
    (place / "lib").mkdir()
    source = place / "helper.py"
    py_compile.compile(str(source), cfile=str(place / "lib" / "compiled.pyc"))
    if changed:
        source.write_text(OTHER)
    program = "import sys\nsys.path.insert(0, 'lib')\nimport compiled\ncompiled.f(1)\n"
    found, _ = record(ct, place, out, program)
    assert found["helper.py"] == changed * MAY_DIFFER


@pytest.mark.parametrize("mode", ["CHECKED_HASH", "UNCHECKED_HASH"])
def test_a_module_whose_source_is_not_looked_at_may_differ(ct, place, out, mode):
    source = place / "helper.py"
    py_compile.compile(str(source), invalidation_mode=getattr(py_compile.PycInvalidationMode, mode))
    source.write_text(OTHER)
    found, _ = record(ct, place, out, "import helper\nhelper.f(1)\n")
    assert found["helper.py"] == (mode == "UNCHECKED_HASH") * MAY_DIFFER


def test_a_source_that_cannot_be_read_is_missing(ct, place, out):
    os.mkfifo(place / "pipe.py")
    program = """\
    for name in ("/no/such/file.py", "pipe.py"):
        exec(compile("def f():\\n    return 1\\nf()\\n", name, "exec"))
    """
    found, texts = record(ct, place, out, program)
    assert found == {"program.py": 0, "file.py": MISSING, "pipe.py": MISSING}
    assert texts["file.py"] == ""


def test_the_summary_counts_files_that_may_differ(ct, place, out):
    start_late(place, out, "import time; time.sleep(0.05); os.utime('helper.py')")
    done = subprocess.run([str(ct), "print", "--summary", str(out)], capture_output=True, text=True)
    assert re.search("^files_may_differ +1$", done.stdout, re.M)
