"""Instructions per event, counted by valgrind: slow, but the same on every run.

Each mode runs a workload at two small sizes; the difference of the two counts leaves out
everything that does not grow with the program, and the native difference leaves out the program.
"""

import os
import re
import shutil
import subprocess

from environment import BENCH, talk

SIZES = (0.05, 0.15)  # every program does more work at the larger one
COLLECTED = re.compile(r"Collected : (\d+)")


def count_instructions(command):
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run([*valgrind, *command], capture_output=True, text=True, env=environment)
    found = COLLECTED.search(done.stderr)
    if done.returncode != 0 or not found:
        raise RuntimeError("valgrind failed: " + done.stderr.strip().splitlines()[-1])
    return int(found.group(1))


def growth(environment, mode, program, out):
    """Instructions that the larger size takes beyond the smaller one."""
    counts = []
    for turn, size in enumerate(SIZES):
        folder = out / f"{mode}-{turn}"
        folder.mkdir(parents=True)
        command = [environment.interpreter(mode), str(BENCH / "sample.py"), mode, str(program)]
        command += [str(size), "--floor", environment.floor, "--out", str(folder)]
        counts.append(count_instructions(command))
    return counts[1] - counts[0]


def measure(environment, program, modes, events_of, out):
    """Instructions per event of each mode; `events_of(scale)` counts the program's events."""
    if shutil.which("valgrind") is None:
        raise RuntimeError("valgrind is not installed")
    events = events_of(SIZES[1]) - events_of(SIZES[0])
    # A sample runs main() four times natively or three times natively and once under the mode.
    native = growth(environment, "native", program, out)
    result = {"program": native / 4 / events}
    for mode in modes:
        talk(f"  instructions of {mode}")
        result[mode] = (growth(environment, mode, program, out) - native) / events
    return result
