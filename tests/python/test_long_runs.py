"""Runs of a day: the trace of a program that does little, for long, in many tasks, stays small.

The day passes in seconds: `fast_clock.c` is preloaded, and waiting takes no time. Everything else
is the real thing: asyncio, the recorder, its background thread and its clock.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DAY_S = 24 * 3600
WAKE_EVENTS = 5  # resume, three lines, yield
MIB = 1 << 20
# The background thread reads the fast clock more seldom than it would in a day: not every event
# that would carry a new time does. Each could cost one TICK record of three bytes.
TICK_BYTES = 3

PROGRAM = """
import asyncio, sys, time
tasks, turns, gap = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
totals = [0] * 16

async def worker(ident):
    local = ident
    await asyncio.sleep(ident * gap)
    for turn in range(turns):
        local = (local * 31 + turn) % 1009
        totals[ident % 16] = local
        await asyncio.sleep(tasks * gap)
    return local

async def main():
    return sum(await asyncio.gather(*[worker(ident) for ident in range(tasks)]))

began = time.monotonic()
asyncio.run(main())
print(round(time.monotonic() - began))
"""


@pytest.fixture(scope="module")
def fast_clock(tmp_path_factory):
    """Return the compiled library."""
    library = tmp_path_factory.mktemp("clock") / "fast_clock.so"
    source = Path(__file__).parent / "fast_clock.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", source, "-o", library, "-ldl"], check=True)
    return library


def run(command, library):
    """Run it; its output and its peak memory in bytes."""
    preload = " ".join(filter(None, [os.environ.get("LD_PRELOAD"), str(library)]))
    environment = os.environ | {
        "LD_PRELOAD": preload,
        "CODETRACER_PYTHON_INTERPRETER": sys.executable,
    }
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    output = child.stdout.read()
    _pid, status, _usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return output


def peak_of(text):
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) * 1024


def record_run(ct, python, fast_clock, folder, tasks, turns, gap):
    """Run plainly and recorded: seconds that passed, events, bytes of the trace, memory added."""
    program = folder / "program.py"
    program.write_text(PROGRAM + "print(open('/proc/self/status').read())\n", "utf-8")
    words = [program, str(tasks), str(turns), str(gap)]
    plain = run([python, *words], fast_clock)
    out = folder / "recording"
    recorded = run([ct, "record", "--format", "ctr", "-o", out, *words], fast_clock)
    summary = subprocess.run(
        [ct, "print", "--summary", out], capture_output=True, text=True, check=True
    ).stdout
    assert subprocess.run([ct, "verify", out], capture_output=True, check=False).returncode == 0
    counted = {
        name: int(number) for name, number in re.findall(r"^ *(\w[\w ]*?)  +(\d+)", summary, re.M)
    }
    events = sum(counted[name] for name in ("lines", "calls", "returns", "yields", "resumes"))
    seconds = int(recorded.split("\n", 1)[0])
    return seconds, events, (out / "trace.ctr").stat().st_size, peak_of(recorded) - peak_of(plain)


def check_run(ct, python, fast_clock, folder, tasks, wakes, seconds):
    passed, events, size, memory = record_run(
        ct, python, fast_clock, folder, tasks, wakes // tasks, seconds / wakes
    )
    print(f"{passed} s, {events} events, {size} bytes, {memory} bytes of memory")
    assert passed >= seconds
    assert events >= wakes * WAKE_EVENTS
    assert size + TICK_BYTES * events < 100 * MIB * wakes * WAKE_EVENTS / 864_000
    assert memory < 48 * MIB


def test_an_hour_of_tasks_stays_small(ct, python, fast_clock, tmp_path):
    check_run(ct, python, fast_clock, tmp_path, tasks=500, wakes=7500, seconds=DAY_S // 24)


@pytest.mark.long
def test_a_day_of_ten_thousand_tasks_stays_small(ct, python, fast_clock, tmp_path):
    """One event each 100 ms, 864,000 in all."""
    check_run(ct, python, fast_clock, tmp_path, tasks=10_000, wakes=180_000, seconds=DAY_S)
