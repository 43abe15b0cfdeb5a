"""The standard library, recorded: programs of all kinds, in code nobody wrote for a recorder."""

import subprocess
import sys
from pathlib import Path

import oracle


def test_the_standard_library_is_recorded_whole(ct: Path, root: Path, out: Path) -> None:
    program, rules = root / "tools" / "exercise.py", root / "tools" / "exercise.toml"
    environ = oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable)
    command = [ct, "record", "--format", "ctr", "-o", out, "--trace-filter", rules, program]
    done = subprocess.run(command, capture_output=True, env=environ, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    verified = subprocess.run([ct, "verify", out], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stderr
    summary = subprocess.run([ct, "print", "--summary", out], capture_output=True, text=True)
    numbers = dict(line.split(maxsplit=1) for line in summary.stdout.splitlines() if " " in line)
    assert int(numbers["steps"]) > 100_000
    assert int(numbers["functions"]) > 500
