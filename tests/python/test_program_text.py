"""A program that is no file: the text of `-c`, and what comes from standard input."""

import json
import subprocess
import sys
from pathlib import Path

import oracle
import pytest
from project import Project
from sanitizer import SLOWER

# Each text that is compiled while it runs is called as the program is: <string>.
PROGRAM = """\
from collections import namedtuple
from dataclasses import dataclass
@dataclass
class Point:
    x: int
    y: int
Pair = namedtuple("Pair", "a b")
def outer():
    def inner(n):
        return [i for i in range(n)]
    return inner(2)
class Shape[T]:
    def area(self, side: T) -> T:
        return side * side
outer()
Point(1, 2) == Point(1, 3)
Pair(1, 2)
Shape().area(2)
exec("y = 1\\ndef made():\\n    return 5\\nmade()")
made()
z = (lambda: 3)()
"""

OWN = [sys.executable, "-m", "codetracer_python_recorder", "-o", "out"]


class Place(Project):
    def steps(self):
        """Function and line of each step."""
        steps = [event for event in self.events() if event["event"] == "line"]
        assert {Path(step["file"]).name for step in steps} <= {"<string>", "<stdin>", "app.py"}
        return [(step["function"], step["line"]) for step in steps]

    def feed(self, text, *command):
        done = subprocess.run(
            command,
            cwd=self.folder,
            input=text,
            text=True,
            capture_output=True,
            env=oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable),
            timeout=self.patience * SLOWER,
        )
        assert done.returncode == 0, done.stderr

    def record(self, *words):
        done = self.execute(str(self.ct), "record", "-o", "out", *words)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def place(tmp_path, ct):
    return Place(tmp_path, ct)


@pytest.fixture
def script(place):
    """The steps of the same program as a file."""
    place.write("app.py", PROGRAM)
    place.record("app.py")
    steps = place.steps()
    assert ("outer.<locals>.inner", 10) in steps
    assert ("Shape.area", 14) in steps
    return steps


def test_what_is_recorded_of_a_text_is_what_is_recorded_of_a_script(place, script):
    place.record("-c", PROGRAM)
    assert place.steps() == script
    assert place.execute(*OWN, "-c", PROGRAM).returncode == 0
    assert place.steps() == script


def test_and_of_standard_input(place, script):
    place.feed(PROGRAM, str(place.ct), "record", "-o", "out", "-")
    assert place.steps() == script
    place.feed(PROGRAM, *OWN, "-")
    assert place.steps() == script


def test_the_text_that_launches_the_recorder_is_not_the_program(place, script):
    main = "import sys; from codetracer_python_recorder.cli import main; sys.exit(main())"
    done = place.python("-c", main, *OWN[3:], "-c", PROGRAM)
    assert done.returncode == 0, done.stderr
    assert place.steps() == script


def test_a_text_behind_a_gate(place):
    """Recording begins when a text that the program executed stands on the stack."""
    place.write("lib.py", "import __main__\n__main__.made(__main__.late)\n")
    text = """\
exec("def made(call):\\n    return call()", globals())
def late():
    return 1
made(lambda: __import__("lib"))
"""
    place.record("--activation-path", "lib.py", "-c", text)
    steps = [event for event in place.events() if event["event"] == "line"]
    seen = [(Path(step["file"]).name, step["function"], step["line"]) for step in steps]
    assert seen == [
        ("lib.py", "<module>", 1),
        ("lib.py", "<module>", 2),
        ("<string>", "late", 3),
    ]


@pytest.mark.parametrize(
    "begin",
    [
        "begin()",
        # The text that begins the session is called as the program is, and runs when it begins.
        "exec('before = 1\\nbegin()\\nbehind = 1')",
        "import threading; t = threading.Thread(target=begin); t.start(); t.join()",
    ],
)
def test_a_session_in_the_middle_of_a_text(place, begin):
    text = f"""\
import codetracer_python_recorder as r
def begin():
    r.start("out")
def late():
    return 1
{begin}
late()
exec("def made(): return 2")
made()
"""
    done = place.python("-c", text)
    assert done.returncode == 0, done.stderr
    assert place.steps() == [("<module>", 7), ("late", 5), ("<module>", 8), ("<module>", 9)]


def test_the_lines_are_shown(place):
    text = "x = 1\nraise SystemExit(0)\n"
    for command in ([str(place.ct), "record", "-o", "out"], OWN):
        assert place.execute(*command, "-c", text).returncode == 0
        printed = place.printed()
        assert "<string>:1  <module>  x = 1\n" in printed
        assert "<string>:2  <module>  raise SystemExit(0)\n" in printed


@pytest.mark.parametrize("command", ["ct", "own"])
def test_unless_sources_are_not_to_be_kept(place, command):
    words = [str(place.ct), "record", "-o", "out"] if command == "ct" else OWN
    token = "ghp_" + "aB3" * 12
    for more, text in ((["--no-sources"], "number = 1"), ([], f"number = {token!r}")):
        place.execute(*words, *more, "-c", text)
        assert "number =" not in place.printed().split("\n")[2]
        data = (place.folder / "out" / "trace.ctr").read_bytes()
        assert token.encode() not in data
    # A file of that name is another one's.
    place.write("<string>", "something = else_\n")
    place.execute(*words, "--no-sources", "-c", "x = 1")
    assert "else_" not in place.printed()
    place.python("-c", "import codetracer_python_recorder as r; r.start('out'); x = 1")
    assert "else_" not in place.printed()


def test_an_interrupt_is_one_step(place):
    place.execute(str(place.ct), "record", "-o", "out", "-c", "raise KeyboardInterrupt")
    assert place.steps() == [("<module>", 1)]
    assert json.loads((place.folder / "out" / "trace_paths.json").read_text()) == [
        str(place.folder / "<string>")
    ]
