"""Measure one program under one mode inside this process, and print the sample as JSON.

The program's main(scale) runs natively before and after each run under the mode, so that a
ratio compares neighbours in time and slow drift of the machine cancels out.

    python sample.py MODE PROGRAM SCALE [--pairs N] [--out DIR] [--floor DIR]
"""

import argparse
import importlib
import json
import os
import resource
import site
import sys
import sysconfig
import time


def skipped_prefixes():
    """Where code lives that a recorder leaves out: the standard library and this folder."""
    folders = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    folders += [sysconfig.get_path("purelib"), *site.getsitepackages()]
    folders += [os.path.realpath(folder) for folder in folders]
    return (__file__, *sorted({folder + os.sep for folder in folders}))


class Native:
    """Nothing at all: the noise of the method."""

    def __init__(self, options):
        pass

    def start(self, turn):
        pass

    def stop(self):
        pass

    def report(self):
        return {}


class Floor(Native):
    """The do-nothing callbacks of bench/floor."""

    counting = False

    def __init__(self, options):
        sys.path.insert(0, options.floor)
        self.floor = importlib.import_module("_floor")
        self.counts = {}

    def start(self, turn):
        self.floor.start(skipped_prefixes(), self.counting)

    def stop(self):
        self.counts = self.floor.stop()


class Count(Floor):
    """Counts the events instead of timing them."""

    counting = True

    def report(self):
        return {"counts": self.counts}


class Recorder(Native):
    """A recorder with CodeTracer's Python interface: this project's, or the upstream one."""

    format = "ctr"
    files = ("trace.ctr",)

    def __init__(self, options):
        self.recorder = importlib.import_module("codetracer_python_recorder")
        self.out = options.out
        self.folder = None

    def start(self, turn):
        self.folder = os.path.join(self.out, f"turn-{turn}")
        self.recorder.start(self.folder, format=self.format)

    def stop(self):
        self.recorder.stop()

    def report(self):
        for name in self.files:
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                return {"trace_bytes": os.path.getsize(path)}
        return {}


class Upstream(Recorder):
    format = "json"
    files = ("trace.json",)


class VizTracer(Native):
    """Calls and returns only; the trace stays in its ring buffer."""

    def __init__(self, options):
        module = importlib.import_module("viztracer")
        self.make = lambda: module.VizTracer(verbose=0, ignore_c_function=True)
        self.tracer = None

    def start(self, turn):
        self.tracer = self.make()
        self.tracer.start()

    def stop(self):
        self.tracer.stop()
        self.tracer.clear()


class Coverage(Native):
    """Line coverage with the C tracer."""

    core = "ctrace"

    def __init__(self, options):
        os.environ["COVERAGE_CORE"] = self.core
        self.module = importlib.import_module("coverage")
        self.coverage = None

    def start(self, turn):
        self.coverage = self.module.Coverage(data_file=None)
        self.coverage.start()

    def stop(self):
        self.coverage.stop()


class CoverageMonitoring(Coverage):
    """Line coverage with sys.monitoring: each line is seen once and then disabled."""

    core = "sysmon"


MODES = {
    "native": Native,
    "floor": Floor,
    "count": Count,
    "ours": Recorder,
    "upstream": Upstream,
    "viztracer": VizTracer,
    "coverage": Coverage,
    "coverage-sysmon": CoverageMonitoring,
}


def load_main(path):
    """The program's main(), compiled under its own name but not run as __main__."""
    namespace = {"__name__": "workload", "__file__": path}
    module = type(sys)("workload")
    module.__dict__.update(namespace)
    sys.modules["workload"] = module
    with open(path, encoding="utf-8") as file:
        exec(compile(file.read(), path, "exec"), module.__dict__)
    return module.main


def timed(function, *args):
    begin = time.perf_counter_ns()
    result = function(*args)
    return (time.perf_counter_ns() - begin) / 1e6, result


def measure(options):
    mode = MODES[options.mode](options)
    main = load_main(options.program)
    main(options.scale)
    samples = []
    before, expected = timed(main, options.scale)
    for turn in range(options.pairs):
        start_ms, _ = timed(mode.start, turn)
        run_ms, result = timed(main, options.scale)
        stop_ms, _ = timed(mode.stop)
        after, _ = timed(main, options.scale)
        if result != expected:
            raise SystemExit(f"{options.program}: {result} under {options.mode}, not {expected}")
        samples.append(
            {
                "native_ms": (before + after) / 2,
                "run_ms": run_ms,
                "start_ms": start_ms,
                "stop_ms": stop_ms,
            }
        )
        before = after
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"samples": samples, "rss_kib": peak, **mode.report()}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("program")
    parser.add_argument("scale", type=float)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--out", default=".", help="where recorders write")
    parser.add_argument("--floor", default=".", help="the folder of the compiled _floor")
    return parser.parse_args()


if __name__ == "__main__":
    print(json.dumps(measure(parse_arguments())))
