"""What the package costs a Python that records nothing: the `.pth` line that each start runs.

    python -I -S hook.py FOLDER

FOLDER is the site-packages that holds it. Prints in microseconds what the part of `site` takes that
a start spends on the file: of many runs the first decile, since all else only adds. It is too
little to be seen in whole starts, which differ by more from one to the next.
"""

import os
import site
import statistics
import sys
import time

HOOK = "codetracer_python_recorder.pth"
RUNS = 1001


def measure(folder):
    if not os.path.exists(os.path.join(folder, HOOK)):
        raise SystemExit(f"{folder} has no {HOOK}")
    known = set()
    times = []
    for _run in range(RUNS):
        begin = time.perf_counter_ns()
        site.addpackage(folder, HOOK, known)
        times.append(time.perf_counter_ns() - begin)
    return statistics.quantiles(times, n=10)[0] / 1e3


if __name__ == "__main__":
    print(measure(sys.argv[1]))
