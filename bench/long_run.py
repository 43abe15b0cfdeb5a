"""Recordings of bench/gate/long_run.py, made once."""

import os
import subprocess
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent / "gate" / "long_run.py"


def recorded(ct, python, folder, scale):
    """The recording of some length (1: 100 million steps) in a folder; made if it is not there."""
    out = Path(folder) / f"long-run-{scale:g}"
    if not out.exists():
        command = [ct, "record", "--unlisted", "-o", str(out), str(PROGRAM), str(scale)]
        environment = os.environ | {"CODETRACER_PYTHON_INTERPRETER": python}
        subprocess.run(command, check=True, capture_output=True, env=environment)
    return out
