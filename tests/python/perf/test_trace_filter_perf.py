"""What recording under filters costs, program by program.

Only with CODETRACER_TRACE_FILTER_PERF=1; writes target/perf/trace_filter_py.json.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent.parent
RESULTS = ROOT / "target" / "perf" / "trace_filter_py.json"

pytestmark = pytest.mark.skipif(
    os.environ.get("CODETRACER_TRACE_FILTER_PERF") != "1",
    reason="measures; set CODETRACER_TRACE_FILTER_PERF=1",
)

HEAD = """
[meta]
name = "perf"
version = 1
[scope]
default_exec = "trace"
default_value_action = "allow"
[[scope.rules]]
selector = "pkg:*"
"""
PATTERN = """
[[scope.rules.value_patterns]]
selector = '{selector}'
action = "{action}"
"""
SCENARIOS = {
    "baseline": "",
    "glob": "".join(
        PATTERN.format(selector=f"local:glob:glob_{i}_*", action="redact") for i in range(20)
    ),
    "regex": "".join(
        PATTERN.format(selector=f"local:regex:^(metric|masked)_{i}\\w+$", action="redact")
        for i in range(20)
    )
    + PATTERN.format(selector="arg:literal:debug_payload", action="drop"),
}
# Fifty variables, as the benchmark of decisions has them.
PROGRAM = """
import sys, time
import codetracer_python_recorder as recorder

def work(debug_payload):
    VARIABLES
    return len(locals())

filters, out = sys.argv[1:]
with recorder.trace(out, format="json", trace_filter=filters):
    began = time.thread_time()
    for turn in range(200):
        work("payload")
    print(time.thread_time() - began)
"""
VARIABLES = [f"glob_{i}_x = {i}" for i in range(20)]
VARIABLES += [f"masked_{i}_x = {i}" for i in range(20)]
VARIABLES += [f"plain_{i} = {i}" for i in range(10)]


def run(scenario, folder):
    filters, out = folder / "filter.toml", folder / "out"
    filters.write_text(HEAD + SCENARIOS[scenario], encoding="utf-8")
    program = folder / "program.py"
    program.write_text(
        textwrap.dedent(PROGRAM).replace("VARIABLES", "; ".join(VARIABLES)), encoding="utf-8"
    )
    command = [sys.executable, program, filters, out]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    metadata = json.loads((out / "trace_metadata.json").read_text(encoding="utf-8"))
    return {"duration_s": float(done.stdout), **metadata["trace_filter"]["stats"]}


def test_filters_cost_nothing_once_they_have_decided(tmp_path):
    results = {}
    for scenario in SCENARIOS:
        folder = tmp_path / scenario
        folder.mkdir()
        results[scenario] = min(
            (run(scenario, folder) for _ in range(3)), key=lambda result: result["duration_s"]
        )
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    assert results["baseline"]["value_redactions"]["total"] == 0
    assert results["glob"]["value_redactions"]["local"] == 200 * 20
    assert results["regex"]["value_redactions"]["local"] == 200 * 20
    assert results["regex"]["value_drops"]["argument"] == 200
    for scenario in ("glob", "regex"):
        assert results[scenario]["duration_s"] < 1.5 * results["baseline"]["duration_s"] + 0.05
