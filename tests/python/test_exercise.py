"""The standard library, recorded: programs of all kinds, in code nobody wrote for a recorder."""

import subprocess
import sys
from pathlib import Path

import oracle
import pytest


@pytest.fixture
def exercise(root: Path) -> Path:
    return root / "tools" / "exercise.py"


def test_the_standard_library_is_recorded_whole(
    ct: Path, exercise: Path, tmp_path: Path, out: Path
) -> None:
    program = tmp_path / "program.py"
    rules = tmp_path / "all.toml"
    program.write_text(
        f"import sys\nsys.path.insert(0, {str(exercise.parent)!r})\n"
        "import exercise\nexercise.exercise()\nprint('done')\n"
    )
    rules.write_text(
        '[meta]\nname = "all"\nversion = 1\n\n[scope]\ndefault_exec = "trace"\n'
        'default_value_action = "allow"\n\n[[scope.rules]]\nselector = "pkg:*"\nexec = "trace"\n'
    )
    environ = oracle.environment(CODETRACER_PYTHON_INTERPRETER=sys.executable)
    command = [str(ct), "record", "--format", "ctr", "-o", str(out), "--trace-filter", str(rules)]
    done = subprocess.run([*command, str(program)], capture_output=True, env=environ, text=True)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    verified = subprocess.run([str(ct), "verify", str(out)], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stderr
    summary = subprocess.run(
        [str(ct), "print", "--summary", str(out)], capture_output=True, text=True
    )
    numbers = dict(line.split(maxsplit=1) for line in summary.stdout.splitlines() if " " in line)
    assert int(numbers["steps"]) > 100_000
    assert int(numbers["functions"]) > 500
