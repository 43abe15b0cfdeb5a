"""What a benchmark of one Python needs around it: the compiled floor and the rivals' packages.

Everything is made once, in a folder of its own under build-bench/, and found again later.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parent
CACHE = BENCH.parent / "build-bench"
UPSTREAM = "codetracer-python-recorder==0.3.0"
RIVALS = {"upstream": UPSTREAM, "viztracer": "viztracer", "coverage": "coverage"}

PROBE = """
import json, platform, sys, sysconfig
print(json.dumps({
    "version": platform.python_version(),
    "implementation": platform.python_implementation(),
    "include": sysconfig.get_path("include"),
    "pgo": "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
    "scripts": sysconfig.get_path("scripts"),
    "site": sysconfig.get_path("purelib"),
}))
"""


def talk(message):
    print(message, file=sys.stderr, flush=True)


def run(command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options)


def import_error(python, module):
    """Why `python` cannot import `module`, or None when it can."""
    done = subprocess.run([python, "-c", f"import {module}"], capture_output=True, text=True)
    lines = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else (lines[-1] if lines else "import failed")


@dataclass
class Environment:
    """One Python under measurement, and why a mode is missing for it."""

    python: str
    facts: dict
    ct: str | None
    rivals: str
    floor: str
    peak: str
    missing: dict

    @property
    def version(self):
        return self.facts["version"]

    def interpreter(self, mode):
        rival = mode in ("upstream", "viztracer") or mode.startswith("coverage")
        return self.rivals if rival else self.python


def probe(python):
    facts = json.loads(run([python, "-c", PROBE]).stdout)
    supported = facts["version"].startswith(("3.12.", "3.13."))
    if facts["implementation"] != "CPython" or not supported:
        raise ValueError(
            f"{python} is {facts['implementation']} {facts['version']}, "
            "and only CPython 3.12 and 3.13 are supported"
        )
    return facts


def compile_c(source, target, flags):
    """Compile a C file of the benchmark unless that was done already. Returns the target."""
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        talk(f"building {target.name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        flags = ["-std=gnu11", "-O3", "-Wall", "-Wextra", *flags]
        run(["gcc", *flags, str(source), "-o", str(target)])
    return target


def build_floor(facts, folder):
    """Compile bench/floor/floor.c for this Python. Returns the folder of the library."""
    flags = ["-shared", "-fPIC", f"-I{facts['include']}"]
    source = BENCH / "floor" / "floor.c"
    return str(compile_c(source, folder / "floor" / "_floor.so", flags).parent)


def build_peak():
    """Compile bench/peak/peak.c. Returns the program."""
    return str(compile_c(BENCH / "peak" / "peak.c", CACHE / "peak", []))


def make_rivals(python, folder):
    """A virtual environment with the other tools. Returns its Python and what failed."""
    target = folder / "rivals"
    executable = target / "bin" / "python"
    failed = {}
    if not executable.exists():
        run([python, "-m", "venv", str(target)])
    for mode, requirement in RIVALS.items():
        module = "codetracer_python_recorder" if mode == "upstream" else mode
        if import_error(str(executable), module) is None:
            continue
        talk(f"installing {requirement}")
        command = [str(executable), "-m", "pip", "install", "--quiet", requirement]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            failed[mode] = f"pip install {requirement} failed: {lines[-1] if lines else '?'}"
    return str(executable), failed


def find_ct(python, facts):
    beside = [Path(python).parent / "ct", Path(facts["scripts"]) / "ct"]
    return next((str(path) for path in beside if path.exists()), shutil.which("ct"))


def prepare(python, ct, modes):
    facts = probe(python)
    folder = CACHE / facts["version"]
    folder.mkdir(parents=True, exist_ok=True)
    rivals, missing = python, {}
    if any(mode in RIVALS or mode == "coverage-sysmon" for mode in modes):
        rivals, missing = make_rivals(python, folder)
    if "coverage" in missing:
        missing["coverage-sysmon"] = missing["coverage"]
    ct = ct or find_ct(python, facts)
    reason = import_error(python, "codetracer_python_recorder")
    if reason is not None:
        missing["ours"] = missing["ct record"] = reason
    elif ct is None:
        missing["ct record"] = "no ct beside this Python or on PATH"
    floor, peak = build_floor(facts, folder), build_peak()
    return Environment(python, facts, ct, rivals, floor, peak, missing)
