"""Measure what trace filters cost: decisions, new code objects, skipped code, redaction.

    python bench/filters.py [--rounds N] [--only NAME,NAME] [--out FILE]

Runs under the Python whose recorder is measured; prints a table and, with --out, writes JSON. Each
number is the median of the rounds, in processor time of the thread that is recorded; what is
compared runs in turn, in the same process.
"""

import argparse
import gc
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

import codetracer_python_recorder as recorder
from codetracer_python_recorder import _recorder
from codetracer_python_recorder.filters.chain import compose

HEAD = """
[meta]
name = "bench"
version = 1
[scope]
default_exec = "trace"
default_value_action = "allow"
"""
NAMES, LOCALS = 10_000, 50
RULES = 50
NEW_CODES, SHORT_LIVED = 3_000, 100_000
TARGETS = {
    "skipped loop": ("x native", 1.05),
    "skipped calls": ("x native", 1.05),
    "skipped exceptions": ("ns more each", None),
    "50 rules": ("us per new code object", 25.0),
    "redaction": ("ns per event", 5.0),
    "short-lived code": ("bytes per code object", None),
    "import": ("ms", 30.0),
}
LOCAL_KIND = 3


def rule(selector, *patterns, **keys):
    lines = ["[[scope.rules]]", f"selector = '{selector}'"]
    lines += [f"{key} = '{value}'" for key, value in keys.items()]
    for pattern, action in patterns:
        lines += [
            "[[scope.rules.value_patterns]]",
            f"selector = '{pattern}'",
            f"action = '{action}'",
        ]
    return "\n".join(lines)


# Chains of the three kinds that the micro-benchmark has always had.
CHAINS = {
    "baseline": [],
    "glob": [
        rule(
            "pkg:bench.*",
            *((f"local:glob:*_{word}_[a-f]?", "redact") for word in range(20)),
            value_default="allow",
        )
    ],
    "regex": [
        rule(
            "pkg:regex:^bench(\\.|$)",
            *((f"local:regex:^(metric|masked)_{word}\\w+$", "redact") for word in range(20)),
            value_default="allow",
        )
    ],
}


def timed(work):
    began = time.thread_time_ns()
    work()
    return time.thread_time_ns() - began


def least(*jobs, rounds=3):
    """The least each job took: nothing makes one faster than it is."""
    taken = [[job() for job in jobs] for _ in range(rounds)]
    return [min(times) for times in zip(*taken, strict=True)]


class Scratch:
    """A folder for filter files and recordings."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="filters-"))

    def filter(self, *rules):
        path = self.folder / "filter.toml"
        path.write_text("\n".join([HEAD, *rules]), encoding="utf-8")
        return str(path)

    def record(self, work, *rules, **options):
        """Nanoseconds of some work under a recording."""
        filters = self.filter(*rules) if rules else None
        options["unlisted"] = True
        with recorder.trace(
            self.folder / "out", format="ctr", trace_filter=filters, options=options
        ):
            return timed(work)


def decisions(scratch, chain):
    """Microseconds for 10,000 names, in code with 50 locals each, met for the first time."""
    table = compose([scratch.filter(*CHAINS[chain])]).table()
    names = tuple((LOCAL_KIND, f"masked_{i % LOCALS}_a{i}") for i in range(NAMES))

    def ask(names):
        return timed(lambda: _recorder.explain(table, "/x/bench.py", "bench.x", "f", names))

    return (ask(names) - ask(())) / 1e3


def function_in(module, source):
    """A function `f` that a module of this name would have."""
    path = str(Path(tempfile.gettempdir()) / f"{module}.py")
    space = {"__name__": module}
    exec(compile(source, path, "exec"), space)
    return space["f"]


TURNS = 300_000
HOT = {
    "loop": """
def f():
    total = 0
    for i in range(TURNS):
        total += i * i
    return total
""",
    "calls": """
def g(i):
    return i * i

def f():
    total = 0
    for i in range(TURNS):
        total += g(i)
    return total
""",
    "exceptions": """
def f():
    for i in range(TURNS):
        try:
            raise ValueError
        except ValueError:
            pass
""",
}


def skipped(scratch, kind):
    """Nanoseconds of code that is not recorded: without a recording, and under one."""
    hot = function_in("hot", HOT[kind].replace("TURNS", str(TURNS)))
    rules = [rule("pkg:hot", exec="skip")]
    return least(lambda: timed(hot), lambda: scratch.record(hot, *rules), rounds=5)


def skipped_ratio(scratch, kind):
    native, recorded = skipped(scratch, kind)
    return recorded / native


def skipped_exceptions(scratch):
    native, recorded = skipped(scratch, "exceptions")
    return (recorded - native) / TURNS


def rules_of_all_kinds():
    made = [rule(f"pkg:other{i}.*", exec="skip") for i in range(RULES // 5 * 2)]
    made += [rule(f"file:src{i}/**/*.py", exec="skip") for i in range(RULES // 5)]
    made += [rule(f"obj:regex:^other{i}\\.\\w+$", exec="skip") for i in range(RULES // 5)]
    pattern = [(f"local:glob:private_{i}_*", "redact") for i in range(5)]
    return made + [rule(f"pkg:bench{i or ''}", *pattern) for i in range(RULES // 5)]


def new_code(scratch):
    """What the rules add to code that runs for the first time."""
    source = (
        "def f(a, b):\n    c = a + b\n    d = c * 2\n    private_1_x = d\n    return private_1_x\n"
    )
    function = function_in("bench", source)

    def work():
        for i in range(NEW_CODES):
            code = function.__code__.replace(co_firstlineno=i + 1)
            types.FunctionType(code, function.__globals__)(1, 2)

    rules = rules_of_all_kinds()
    with_rules, without = least(lambda: scratch.record(work, *rules), lambda: scratch.record(work))
    return (with_rules - without) / NEW_CODES / 1e3


TEXTS = """
texts = [f"a text of some thirty characters, number {i}" for i in range(64)]
def f():
    for turn in range(2000):
        for text in texts:
            kept = text
            other = kept
"""


def redaction(scratch):
    """Texts that were seen before: what is added is the switch, not the look."""
    function = function_in("bench", TEXTS)
    events = 2000 * 64 * 3
    on, off = least(
        lambda: scratch.record(function), lambda: scratch.record(function, redact_shapes=False)
    )
    return (on - off) / events


def short_lived(scratch):
    """Memory that is left behind by code that ran once and is gone."""
    function = function_in("bench", "def f(a):\n    b = a + 1\n    return b\n")

    def run(count):
        for i in range(count):
            code = function.__code__.replace(co_firstlineno=i % 30000 + 1)
            types.FunctionType(code, function.__globals__)(1)

    def work():
        run(1000)
        gc.collect()
        before = resident()
        run(SHORT_LIVED)
        work.grown = resident() - before

    scratch.record(work)
    return work.grown / SHORT_LIVED


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def importing(_scratch):
    """Milliseconds of the package's import, in an interpreter of its own."""
    code = "import time; t = time.process_time_ns(); import codetracer_python_recorder; "
    code += "print(time.process_time_ns() - t)"
    command = [sys.executable, "-c", code]
    times = [int(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(5)]
    return min(times) / 1e6


MEASURES = {
    "skipped loop": lambda scratch: skipped_ratio(scratch, "loop"),
    "skipped calls": lambda scratch: skipped_ratio(scratch, "calls"),
    "skipped exceptions": skipped_exceptions,
    "50 rules": new_code,
    "redaction": redaction,
    "short-lived code": short_lived,
    "import": importing,
}


def measure(rounds, only=()):
    """All numbers, by name; those without a target are the micro-benchmark's."""
    scratch = Scratch()
    try:
        jobs = {
            f"decisions: {chain}": lambda chain=chain: decisions(scratch, chain) for chain in CHAINS
        }
        jobs |= {name: lambda work=work: work(scratch) for name, work in MEASURES.items()}
        jobs = {name: job for name, job in jobs.items() if not only or name in only}
        taken = {name: [] for name in jobs}
        for _round in range(rounds):
            for name, job in jobs.items():
                taken[name].append(job())
    finally:
        shutil.rmtree(scratch.folder, ignore_errors=True)
    return {name: statistics.median(values) for name, values in taken.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="names, joined by commas")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    os.environ.pop("CODETRACER_TRACE_FILTER", None)
    results = measure(options.rounds, [name for name in options.only.split(",") if name])
    for name, value in results.items():
        unit, target = TARGETS.get(name, (f"us for {NAMES} names", None))
        goal = "" if target is None else f"   target {target:g}"
        print(f"{name:22} {value:10.3f} {unit}{goal}")
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
