"""Each system call that `ct record` and the recorder make on the recording's folder fails in turn.

The program must not notice: it prints what it prints and ends as it ends; or `ct` refuses before it
starts, in one line. Whatever lies in the folder afterwards is read without harm.
"""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from side_by_side import SideBySide

PROGRAM = """
import sys
def f(n):
    kept = {}
    for i in range(n):
        kept[i % 2] = str(i) * 250
    return len(kept)
for i in range(3):
    print(f(300), flush=True)
sys.exit(3)
"""
ERRORS = [errno.ENOSPC, errno.EIO, errno.EMFILE, errno.EACCES]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Return the compiled library that makes calls fail."""
    made = tmp_path_factory.mktemp("failing") / "failing_calls.so"
    source = Path(__file__).parent / "failing_calls.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", source, "-o", made, "-ldl"], check=True)
    return made


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


class Failing:
    """`ct record` of the program, of which one call fails."""

    def __init__(self, sides, library, folder):
        self.sides = sides
        self.library = library
        self.counted = folder / "counted"
        self.below = sides.recording
        self.data = folder / "data"
        sides.write(PROGRAM)
        self.plain = sides.plain("program.py")

    def run(self, at, with_errno):
        self.counted.write_bytes(bytes(4096))
        preload = " ".join(filter(None, [os.environ.get("LD_PRELOAD"), str(self.library)]))
        return self.sides.recorded(
            "program.py",
            limits=["--format", "json"],
            variables={
                "LD_PRELOAD": preload,
                "XDG_DATA_HOME": str(self.data),
                "FAIL_BELOW": str(self.below),
                "FAIL_COUNT": str(self.counted),
                "FAIL_WITH": str(with_errno),
                "FAIL_AT": str(at),
            },
        )

    def calls(self):
        return int.from_bytes(self.counted.read_bytes()[:4], "little")

    def check(self, at, with_errno):
        self.sides.said = ""
        done = self.run(at, with_errno)
        what = f"call {at} failed with {errno.errorcode[with_errno]}: {done}\n{self.sides.said}"
        said = done.err + self.sides.said
        assert "Traceback" not in said, what
        if (done.status, done.out) != (self.plain.status, self.plain.out):
            errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
            assert (done.out, done.status, len(errors)) == ("", 1, 1), what
            assert str(self.sides.recording) in errors[0], what
        for words in (["print", "--salvage"], ["print", "--summary"], ["verify"]):
            asked = self.sides.ask(*words)
            assert asked.returncode in (0, 1), (what, words, asked)
            if asked.returncode == 1:  # then it was said that something is missing
                assert os.strerror(with_errno) in said or str(self.sides.recording) in said, what

    def check_list(self, at, with_errno):
        """What is wrong with the list of recordings costs a line, and no recording."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.sides.said = ""
        done = self.run(at, with_errno)
        what = f"call {at} failed with {errno.errorcode[with_errno]}: {done}\n{self.sides.said}"
        assert (done.status, done.out) == (self.plain.status, self.plain.out), what
        said = self.sides.said.splitlines()
        notes = [line for line in said if "`ct list` will not show this recording: " in line]
        assert len(notes) <= 1, what
        assert done.err == self.plain.err, what
        assert self.sides.ask("verify").returncode == 0, what
        listed = subprocess.run(
            [self.sides.ct, "list", "--json"],
            env={**os.environ, "XDG_DATA_HOME": str(self.data)},
            capture_output=True,
        )
        assert listed.returncode == 0 or listed.stderr.startswith(b"error: "), (what, listed)
        if listed.returncode == 0:
            assert (listed.stdout != b"[]\n") or notes, what


@pytest.fixture
def failing(sides, library, tmp_path):
    made = Failing(sides, library, tmp_path)
    assert made.run(0, errno.EIO).status == 3
    assert 20 < made.calls() < 500
    return made


@pytest.mark.timeout(600)
def test_some_calls_fail(failing):
    for at in range(1, failing.calls() + 1, 4):
        failing.check(at, ERRORS[at // 4 % len(ERRORS)])


@pytest.mark.timeout(600)
def test_calls_of_the_list_fail(failing):
    failing.below = failing.data
    assert failing.run(0, errno.EIO).status == 3
    calls = failing.calls()
    assert 20 < calls < 300
    for at in range(1, calls + 1, 4):
        failing.check_list(at, ERRORS[at // 4 % len(ERRORS)])


@pytest.mark.long
@pytest.mark.parametrize("with_errno", ERRORS, ids=errno.errorcode.get)
def test_each_call_fails(failing, with_errno):
    for at in range(1, failing.calls() + 1):
        failing.check(at, with_errno)
