"""Run a program plainly and recorded in the same place, and compare what anybody can see of it.

What `ct record` says at the end is cut off the standard error, so that the rest is the program's
own. Files the program makes are taken away after each run and are part of what is compared.
"""

import difflib
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass

import pytest
from sanitizer import SLOWER

PATIENCE = 60 * SLOWER  # seconds until a program counts as hanging; none of them needs one
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
REFUSED = re.compile(r"^==\d+==WARNING: AddressSanitizer failed to allocate .*\n", re.M)
SUMMARY = re.compile(rb"(?:^ct: [^\n]*\n)*^traceId:[^\n]*\n\Z", re.M)


@dataclass
class Run:
    """What one run of a program showed."""

    status: int
    out: str
    err: str
    files: dict

    def __str__(self):
        return f"status {self.status}\n--- out\n{self.out}--- err\n{self.err}--- {self.files}"


class SideBySide:
    """A folder with the program, and the commands that run it with and without the recorder."""

    def __init__(self, ct, python, folder):
        self.ct = ct
        self.python = python
        self.work = folder / "work"
        self.recording = folder / "recording"
        self.said = ""
        self.work.mkdir()

    def write(self, source, name="program.py"):
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
        return path

    def environment(self, variables):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CODETRACER", "PYTHON"))}
        return {**kept, "CODETRACER_PYTHON_INTERPRETER": self.python, **variables}

    def plain(self, *words, variables=(), **options):
        """Run `python WORDS`."""
        return self._run([self.python, *words], dict(variables), options)

    def recorded(self, *words, variables=(), limits=(), **options):
        """Run `ct record WORDS`; what ct said is left in `said`."""
        shutil.rmtree(self.recording, ignore_errors=True)
        command = [self.ct, "record", "--format", "ctr", "-o", self.recording, *limits, *words]
        return self._run(command, dict(variables), options)

    def _run(self, command, variables, options):
        before = set(self.work.iterdir())
        done = subprocess.run(
            command,
            cwd=self.work,
            env=self.environment(variables),
            timeout=PATIENCE,
            **{"stdin": subprocess.DEVNULL, "stdout": -1, "stderr": -1, **options},
        )
        err = done.stderr or b""
        summary = SUMMARY.search(err)
        if summary:
            self.said = text(summary.group())
            err = err[: summary.start()]
        return Run(done.returncode, text(done.stdout or b""), text(err), self._take_files(before))

    def _take_files(self, before):
        files = {}
        for path in sorted(set(self.work.iterdir()) - before):
            if path.is_dir():
                shutil.rmtree(path)
                files[path.name] = "directory"
            else:
                files[path.name] = path.read_bytes()
                path.unlink()
        files.pop("__pycache__", None)
        return files

    def ask(self, *words):
        """Run another `ct` command on the recording and return its completed process."""
        return subprocess.run(
            [self.ct, *words, self.recording], capture_output=True, text=True, timeout=PATIENCE
        )

    def verify(self):
        """The recording must be whole: every block, every record, every counter."""
        done = self.ask("verify")
        assert done.returncode == 0, done.stdout + done.stderr

    def printed(self, *words):
        done = self.ask("print", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def compare(self, source, *arguments, verify=True, **options):
        """Both runs of a program must show the same; returns the recorded one."""
        path = self.write(source)
        plain = self.plain(path.name, *arguments, **options)
        recorded = self.recorded(path.name, *arguments, **options)
        same_text(str(plain), str(recorded))
        if verify:
            self.verify()
        return recorded


def text(data):
    """The bytes as text, without what differs from run to run anyway: addresses, and the process
    a sanitizer names when memory is refused."""
    said = data.decode("utf-8", "backslashreplace")
    return ADDRESS.sub("0x...", REFUSED.sub("", said))


def same_text(plain, recorded):
    """Fail with the lines that differ, not with two walls of text."""
    lines = difflib.unified_diff(
        plain.splitlines(), recorded.splitlines(), "plain", "recorded", n=1
    )
    difference = "\n".join(lines)
    assert not difference, difference


def cases(programs, bugs):
    """The names as parameters; those with a known bug must fail until it is gone."""
    return [
        pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=bugs[name]))
        if name in bugs
        else name
        for name in programs
    ]


def is_signal(status, name):
    return status == -int(getattr(signal, name))
