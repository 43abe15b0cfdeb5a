"""From raw samples to ratios, and from ratios to the Markdown table of bench/results."""

import json
import math
import statistics

RIVALS = ("upstream", "viztracer", "coverage", "coverage-sysmon")


def geomean(numbers):
    numbers = [number for number in numbers if number]
    return math.exp(statistics.fmean(map(math.log, numbers))) if numbers else None


def mean(numbers):
    numbers = [number for number in numbers if number is not None]
    return statistics.fmean(numbers) if numbers else None


def median(numbers):
    return statistics.median(numbers) if numbers else None


def summarise_mode(runs, events):
    """One mode of one workload: the median of its paired ratios, and what follows from it."""
    samples = [sample for run in runs for sample in run["samples"]]
    if not samples:
        return None
    ratio = median([sample["run_ms"] / sample["native_ms"] for sample in samples])
    quiet = min(sample["native_ms"] for sample in samples)
    sizes = [run["trace_bytes"] for run in runs if "trace_bytes" in run]
    return {
        "ratio": ratio,
        "native_ms": quiet,
        "ns_per_event": (ratio - 1) * quiet * 1e6 / events if events else None,
        "bytes_per_event": median(sizes) / events if sizes and events else None,
        "start_ms": median([sample["start_ms"] for sample in samples]),
        "stop_ms": median([sample["stop_ms"] for sample in samples]),
    }


def summarise_process(runs):
    """One kind of whole process: wall time, memory, and the tail after the program's last word."""
    if not runs:
        return None
    return {key: median([run[key] for run in runs]) for key in ("wall_ms", "rss_kib", "tail_ms")}


def summarise_workload(workload):
    events = {key: sum(counts.values()) for key, counts in workload["counts"].items()}
    modes = {}
    for mode, runs in workload["runs"].items():
        scale = "small" if mode == "upstream" else "full"
        modes[mode] = summarise_mode(runs, events.get(scale))
    processes = {kind: summarise_process(runs) for kind, runs in workload["processes"].items()}
    summary = {
        "name": workload["name"],
        "group": workload["group"],
        "events": events.get("full"),
        "modes": modes,
        "processes": processes,
    }
    summary["native_ms"] = min(
        (mode["native_ms"] for key, mode in modes.items() if mode and key != "upstream"),
        default=None,
    )
    summary.update(compare(summary))
    return summary


def compare(summary):
    """The columns that relate two modes or two processes to each other."""
    floor, ours = summary["modes"].get("floor"), summary["modes"].get("ours")
    native, recorded = summary["processes"].get("native"), summary["processes"].get("ct record")
    upstream = summary["modes"].get("upstream")
    columns = {}
    if floor and ours and floor["ratio"] > 1:
        columns["added_over_floor"] = (ours["ratio"] - 1) / (floor["ratio"] - 1)
    if native and recorded:
        columns["memory_kib"] = recorded["rss_kib"] - native["rss_kib"]
        columns["tail_ms"] = recorded["tail_ms"] - native["tail_ms"]
        columns["process_ratio"] = recorded["wall_ms"] / native["wall_ms"]
    if upstream and ours and ours["ns_per_event"]:
        columns["upstream_over_ours"] = upstream["ns_per_event"] / ours["ns_per_event"]
    if upstream and summary["native_ms"] and upstream["ns_per_event"]:
        added_ms = upstream["ns_per_event"] * summary["events"] / 1e6
        columns["upstream_ratio"] = 1 + added_ms / summary["native_ms"]
    return columns


def field(entry, *path):
    for key in path:
        if not isinstance(entry, dict):
            return None
        entry = entry.get(key)
    return entry


def cell(value, pattern):
    return "-" if value is None else format(value, pattern)


# title, format, how to get it from a workload's summary, how to fold the column into one figure
COLUMNS = [
    ("events", ",d", lambda w: w["events"], None),
    ("native ms", ".1f", lambda w: w["native_ms"], None),
    ("floor x", ".2f", lambda w: field(w, "modes", "floor", "ratio"), geomean),
    ("floor ns/event", ".1f", lambda w: field(w, "modes", "floor", "ns_per_event"), mean),
    ("ours x", ".2f", lambda w: field(w, "modes", "ours", "ratio"), geomean),
    ("ours ns/event", ".1f", lambda w: field(w, "modes", "ours", "ns_per_event"), mean),
    ("added ours/floor", ".2f", lambda w: w.get("added_over_floor"), mean),
    ("bytes/event", ".2f", lambda w: field(w, "modes", "ours", "bytes_per_event"), mean),
    ("stop ms", ".1f", lambda w: field(w, "modes", "ours", "stop_ms"), mean),
    ("`ct record` x", ".2f", lambda w: w.get("process_ratio"), geomean),
    ("memory MiB", ".1f", lambda w: cell_mib(w.get("memory_kib")), mean),
    ("tail ms", ".1f", lambda w: w.get("tail_ms"), mean),
    ("upstream x", ",.0f", lambda w: w.get("upstream_ratio"), geomean),
    ("upstream/ours", ",.0f", lambda w: w.get("upstream_over_ours"), mean),
    ("viztracer x", ".2f", lambda w: field(w, "modes", "viztracer", "ratio"), geomean),
    ("coverage x", ".2f", lambda w: field(w, "modes", "coverage", "ratio"), geomean),
    ("sysmon x", ".2f", lambda w: field(w, "modes", "coverage-sysmon", "ratio"), geomean),
]

LEGEND = """\
Each *x* is the time of the program's `main()` under a tool over its time alone, the median of
pairs measured in one process next to each other. *floor* is an empty callback for every event a
recorder needs (`bench/floor`). *added ours/floor* compares the time each adds. *ns/event* is
added time over the number of events. *`ct record` x* compares whole processes from start to
exit, without an export, *memory* is the difference of their peak resident sizes, *tail* the
difference of the time from the program's last output to the end of the process. *upstream* is
codetracer-python-recorder 0.3.0 writing JSON; it is so much slower that it runs on a scaled-down
workload, and its *x* is its cost per event applied to the full one. *viztracer* records calls
only, *coverage* uses its C tracer, *sysmon* is coverage on `sys.monitoring`, which sees each
line once. `far` is the same program with 300 empty lines before it: above line 256 CPython
itself allocates an integer for every LINE event.
"""


def cell_mib(kib):
    return None if kib is None else kib / 1024


def table_row(cells):
    return "| " + " | ".join(cells) + " |"


def fold_row(label, group, fold_of):
    cells = [label]
    for _title, pattern, get, fold in COLUMNS:
        fold = fold_of(fold)
        cells.append(cell(fold([get(workload) for workload in group]), pattern) if fold else "")
    return table_row(cells)


def worst(numbers):
    return max((number for number in numbers if number is not None), default=None)


def render_group(title, group):
    lines = [f"### {title}", "", table_row(["workload", *(column[0] for column in COLUMNS)])]
    lines.append("|---" + "|---:" * len(COLUMNS) + "|")
    for workload in group:
        lines.append(
            table_row([workload["name"], *(cell(get(workload), p) for _t, p, get, _f in COLUMNS)])
        )
    lines.append(fold_row("**mean** (x: geomean)", group, lambda fold: fold))
    lines.append(fold_row("**worst**", group, lambda fold: worst if fold else None))
    return [*lines, ""]


GROUPS = {
    "workloads": "The seven workloads",
    "far": "The same above line 256",
    "programs": "Real programs",
    "gate": "Gate workloads",
}


def render_instructions(instructions):
    modes = sorted({mode for row in instructions.values() for mode in row})
    lines = ["### Instructions per event (callgrind)", "", table_row(["workload", *modes])]
    lines.append("|---" + "|---:" * len(modes) + "|")
    for name, row in instructions.items():
        lines.append(table_row([name, *(cell(row.get(mode), ".0f") for mode in modes)]))
    return [*lines, ""]


def render_result(result):
    build = "PGO" if result["pgo"] else "no PGO"
    lines = [f"## Python {result['python']} ({build}), {result['date']}", ""]
    lines += [f"{result['machine']}; {result['rounds']} rounds, scale {result['scale']}.", ""]
    for group, title in GROUPS.items():
        members = [workload for workload in result["summary"] if workload["group"] == group]
        if members:
            lines += render_group(title, members)
    if result.get("hook_us") is not None:
        lines += [f"A start that records nothing: {result['hook_us']:.0f} us for the hook.", ""]
    if result.get("instructions"):
        lines += render_instructions(result["instructions"])
    for mode, reason in sorted(result["missing"].items()):
        lines.append(f"- `{mode}` was not measured: {reason}")
    return [*lines, ""]


def newest_results(folder):
    """The last JSON file of each Python version; their names begin with the date."""
    newest = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        newest[result["python"]] = result
    return [newest[version] for version in sorted(newest)]


def render(folder):
    lines = ["# Benchmark results", "", "Made by `bench/run.py`; not edited by hand.", "", LEGEND]
    for result in newest_results(folder):
        lines += render_result(result)
    return "\n".join(lines).rstrip() + "\n"
