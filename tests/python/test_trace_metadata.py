"""`ct trace-metadata`: what editors ask for."""

import json
import os

import pytest
from home import Home


@pytest.fixture
def home(ct, tmp_path):
    return Home(ct, tmp_path)


def ask(home, *words):
    done = home.run("trace-metadata", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_recordings_are_found_by_each_of_their_names(home):
    for name in ("src/app.py", "src/app.pyc.py", "other.py"):
        home.record(home.write(name), out=os.path.basename(name) + ".out")
    other, pyc, app = home.entries()
    assert ask(home, "--id", "1") == app
    assert ask(home, "--id", other["recordingId"]) == other
    assert ask(home, "--path", "app.py.out") == app
    assert ask(home, "--path", str(home.folder / "app.py.out" / "trace.ctr")) == app
    assert ask(home, "--program", "app.py") == app, "the end of a program before its middle"
    assert ask(home, "--program", "p.py") == app
    assert ask(home, "--program", "src/app") == pyc
    assert ask(home, "--recent") == [other, pyc, app]
    assert ask(home, "--recent", "--limit", "1") == [other]


def test_what_is_not_there_is_null(home):
    home.record(home.write("app.py"))
    for words in (["--id", "9"], ["--id", "abcdef"], ["--path", "."], ["--program", "%"]):
        assert ask(home, *words) is None
    (home.folder / "out" / "trace.ctr").unlink()
    assert ask(home, "--program", "app.py") is None


def test_five_recordings_of_which_four_are_recent(home):
    home.run("doctor")  # makes a list
    for number in range(5):
        home.pretend(str(number))
    assert [entry["id"] for entry in ask(home, "--recent")] == [5, 4, 3, 2]
    assert len(ask(home, "--recent", "--limit", "0")) == 5


def test_a_directory_that_was_never_listed_tells_itself(home):
    home.record("--unlisted", home.write("app.py"), "x")
    found = ask(home, "--path", "out")
    assert (found["id"], found["program"], found["args"]) == (0, "app.py", ["x"])
    assert not home.data.exists(), "looking writes nothing"


@pytest.mark.parametrize("words", [[], ["--id", "1", "--recent"], ["x"], ["--record-pid", "1"]])
def test_wrong_use_is_said(home, words):
    done = home.run("trace-metadata", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ct trace-metadata: ")
