"""A process that answers one line after the other, as the probes of tests/unit do."""

import os
import subprocess

import pytest

PATIENCE = 60  # seconds


def probe_path(variable):
    """The probe that a variable names; tests/run sets them all."""
    path = os.environ.get(variable)
    if not path:
        pytest.skip(f"{variable} names no probe: tests/run sets it")
    return path


class LineProcess:
    """A context manager; leaving it without an error checks that the process ends well."""

    def __init__(self, *command):
        self.process = subprocess.Popen(
            [*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def write(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def read(self, asked):
        """Its next line; `asked` is for the message when there is none."""
        line = self.process.stdout.readline()
        assert line, f"the probe died at {asked}: {self.process.wait(PATIENCE)}"
        return line

    def close(self):
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        assert status == 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None:
            self.close()
        else:
            self.process.kill()
            self.process.communicate()
