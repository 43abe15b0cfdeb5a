"""Measure what recording costs, beside the do-nothing floor and other tools.

For each Python and each workload the modes run interleaved, in shuffled order, over several
rounds; a round is one process per mode. Standard library only.

    python bench/run.py --python PATH [--python PATH] [--quick] [--only NAME] [--modes A,B]
"""

import argparse
import datetime
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import instructions
import report
from environment import BENCH, CACHE, prepare, talk

FAR_LINES = 300
MODES = ["native", "floor", "ours", "upstream", "viztracer", "coverage", "coverage-sysmon"]
PROCESSES = ["native", "ct record"]
# Upstream costs about a thousand times the floor: 1/100 of a workload keeps it near a second.
UPSTREAM_FRACTION = 0.01
# At its full size this one is for the reader's gate; two million steps are enough to time it.
SHRINK = {"long_run": 0.02}
TIMEOUT_S = 600


@dataclass
class Workload:
    name: str
    group: str
    path: Path


def find_workloads(groups, only, scratch):
    found = []
    for group in groups:
        folder = "workloads" if group == "far" else group
        for path in sorted((BENCH / folder).glob("*.py")):
            name = path.stem
            if group == "far":
                name, path = f"{name} far", move_down(path, scratch)
            if not only or path.stem in only or name in only:
                found.append(Workload(name, group, path))
    return found


def move_down(path, scratch):
    """A copy of a workload whose code lies above line 256."""
    copy = scratch / "far" / path.name
    copy.parent.mkdir(exist_ok=True)
    copy.write_text("\n" * FAR_LINES + path.read_text(encoding="utf-8"), encoding="utf-8")
    return copy


class Bench:
    """All measurements of one Python."""

    def __init__(self, environment, options, scratch):
        self.environment = environment
        self.options = options
        self.scratch = scratch
        self.turn = 0
        self.missing = dict(environment.missing)

    def fresh_folder(self):
        self.turn += 1
        folder = self.scratch / f"run-{self.turn}"
        folder.mkdir()
        return folder

    def sample(self, mode, workload, scale, pairs):
        """One process that measures itself; None (and a reason kept) when the mode fails."""
        out = self.fresh_folder()
        command = [self.environment.interpreter(mode), str(BENCH / "sample.py"), mode]
        command += [str(workload.path), str(scale), "--pairs", str(pairs)]
        command += ["--out", str(out), "--floor", self.environment.floor]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, env=quiet_environ(), timeout=TIMEOUT_S
            )
            if done.returncode == 0:
                return json.loads(done.stdout.splitlines()[-1])
            lines = done.stderr.strip().splitlines()
            problem = lines[-1] if lines else f"exit status {done.returncode}"
        except subprocess.TimeoutExpired:
            problem = f"no answer in {TIMEOUT_S} s"
        finally:
            shutil.rmtree(out, ignore_errors=True)
        self.missing[f"{mode}: {workload.name}"] = problem
        return None

    def process(self, kind, workload, scale):
        """One whole process, from start to exit, as a user would run it."""
        out = self.fresh_folder()
        program = [str(workload.path), str(scale)]
        command = [self.environment.python, *program]
        if kind == "ct record":
            command = [self.environment.ct, "record", "--format", "ctr"]
            command += ["-o", str(out / "recording"), *program]
        environ = quiet_environ() | {
            "PYTHONUNBUFFERED": "1",
            "XDG_DATA_HOME": str(out),  # not for the user's list of recordings
            "CODETRACER_PYTHON_INTERPRETER": self.environment.python,
        }
        try:
            return observe(command, environ, self.environment.peak, out)
        except OSError as error:
            self.missing[f"{kind}: {workload.name}"] = str(error)
            return None
        finally:
            shutil.rmtree(out, ignore_errors=True)

    def count(self, workload, scale):
        counted = self.sample("count", workload, scale, 1)
        return counted["counts"] if counted else {}

    def measure(self, workload):
        scale = self.options.scale * SHRINK.get(workload.name, 1.0)
        small = scale * UPSTREAM_FRACTION
        modes = [mode for mode in self.options.modes if mode not in self.environment.missing]
        kinds = [kind for kind in PROCESSES if kind not in self.environment.missing]
        result = {
            "name": workload.name,
            "group": workload.group,
            "counts": {"full": self.count(workload, scale), "small": self.count(workload, small)},
            "runs": {mode: [] for mode in modes},
            "processes": {kind: [] for kind in kinds},
        }
        for _round in range(self.options.rounds):
            jobs = [("runs", mode) for mode in modes] + [("processes", kind) for kind in kinds]
            random.shuffle(jobs)
            for table, job in jobs:
                if table == "processes":
                    sample = self.process(job, workload, scale)
                elif job == "upstream":
                    sample = self.sample(job, workload, small, 1)
                else:
                    sample = self.sample(job, workload, scale, self.options.pairs)
                if sample:
                    result[table][job].append(sample)
        return result

    def instructions(self, workload):
        modes = [mode for mode in ("floor", "ours") if mode not in self.environment.missing]
        return instructions.measure(
            self.environment,
            workload.path,
            modes,
            lambda scale: sum(self.count(workload, scale).values()),
            self.fresh_folder(),
        )


def quiet_environ():
    """The caller's environment without what would change a Python's work."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}


def observe(command, environ, peak, out):
    """Run a command; its wall time, peak memory, and the time after its last output."""
    kib = out / "peak"
    command = [peak, str(kib), *command]
    with tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environ)
        last = begin
        with child.stdout:
            while os.read(child.stdout.fileno(), 4096):
                last = time.perf_counter()
        status = child.wait()
        end = time.perf_counter()
        if status != 0:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines() or ["no message"]
            raise OSError(f"exit status {status}: {lines[-1]}")
    return {
        "wall_ms": (end - begin) * 1e3,
        "tail_ms": (end - last) * 1e3,
        "rss_kib": int(kib.read_text()),
    }


def hook_cost(environment):
    """Microseconds that the package costs a start which does not record."""
    command = [environment.python, "-I", "-S", str(BENCH / "hook.py"), environment.facts["site"]]
    done = subprocess.run(command, capture_output=True, text=True)
    return float(done.stdout) if done.returncode == 0 else None


def machine_name():
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} x {model}"


def measure_python(python, options, scratch):
    environment = prepare(python, options.ct, options.modes)
    bench = Bench(environment, options, scratch)
    workloads = find_workloads(options.groups, options.only, scratch)
    if not workloads:
        raise ValueError("no workload is called " + ", ".join(options.only))
    measured, counted = [], {}
    for workload in workloads:
        talk(f"Python {environment.version}: {workload.name}")
        if options.instructions:
            counted[workload.name] = bench.instructions(workload)
        else:
            measured.append(bench.measure(workload))
    return {
        "date": datetime.date.today().isoformat(),
        "python": environment.version,
        "pgo": environment.facts["pgo"],
        "machine": machine_name(),
        "rounds": options.rounds,
        "scale": options.scale,
        "missing": bench.missing,
        "hook_us": hook_cost(environment),
        "summary": [report.summarise_workload(workload) for workload in measured],
        "instructions": counted,
        "raw": measured,
    }


def write_result(result, folder):
    """Instructions join the newest file of the day, times replace it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['date']}-{result['python']}.json"
    if path.exists():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if not result["summary"]:
            result = {**earlier, "instructions": result["instructions"]}
        elif not result["instructions"]:
            result["instructions"] = earlier["instructions"]
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return path


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", help="an interpreter (repeatable)")
    parser.add_argument("--ct", help="the ct command (default: beside the Python, then PATH)")
    parser.add_argument("--quick", action="store_true", help="one short round, results not kept")
    parser.add_argument("--only", action="append", default=[], help="a workload (repeatable)")
    parser.add_argument("--modes", default=",".join(MODES), help="comma-separated; %(default)s")
    parser.add_argument("--groups", default="workloads,far,programs", help="also: gate")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=2, help="runs under the mode per process")
    parser.add_argument("--scale", type=float, default=1.0, help="size of every workload")
    parser.add_argument("--instructions", action="store_true", help="count with valgrind instead")
    parser.add_argument("--results", type=Path, default=BENCH / "results")
    options = parser.parse_args()
    options.python = options.python or [sys.executable]
    options.modes = options.modes.split(",")
    options.groups = options.groups.split(",")
    known = {*MODES, *report.GROUPS}
    unknown = [name for name in (*options.modes, *options.groups) if name not in known]
    if unknown:
        parser.error("unknown: " + ", ".join(unknown))
    if options.quick:
        options.rounds, options.pairs, options.scale = 1, 1, min(options.scale, 0.3)
        options.results = CACHE / "quick-results"
    return options


def main():
    options = parse_arguments()
    random.seed(1)
    for python in options.python:
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            try:
                result = measure_python(python, options, Path(scratch))
            except (OSError, ValueError, RuntimeError, subprocess.CalledProcessError) as error:
                detail = getattr(error, "stderr", "") or ""
                raise SystemExit(f"bench: {error}\n{detail}".rstrip()) from error
        talk(f"wrote {write_result(result, options.results)}")
    table = report.render(options.results)
    (options.results / "README.md").write_text(table, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
