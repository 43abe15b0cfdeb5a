"""Histories of variables and parts, and what the program wrote and raised."""

import pytest
from engine import Probe, record

PROGRAM = """\
import sys
class Box:
    pass

def f(n, box):
    total = 0
    for i in range(n):
        total += i * 10
        box.x = total
    return total

box = Box()
box.items = [0, 0]
count = 0
for k in (3, 2):
    count += f(k, box)
    box.items[1] = k
    print("out", k)
sys.stderr.write("bad\\n")
text = "ä\\x1b[0m"
print(text, end="")
try:
    int("x")
except ValueError:
    pass
"""


@pytest.fixture
def probe(replayed):
    return replayed(PROGRAM)


def all_pages(probe, *words):
    """All entries, a few at a time."""
    answer = probe.ask(*words)
    entries = answer["entries"]
    while not answer["done"]:
        answer = probe.ask(*words, answer["block"], answer["byte"])
        entries += answer["entries"]
    return entries


def shown(entries):
    return [(entry["line"], entry["text"]) for entry in entries]


TOTALS = [(6, "0"), (8, "10"), (8, "30"), (6, "0"), (8, "10")]


def test_a_variable_over_all_calls_and_in_one(probe):
    probe.ask("line", "program.py", 10)
    assert shown(all_pages(probe, "history", "total", 0, "all", 2, "forth")) == TOTALS
    assert shown(all_pages(probe, "history", "total", 0, "call", 9, "forth")) == TOTALS[:3]
    back = all_pages(probe, "history", "total", 0, "all", 2, "back")
    assert shown(back) == TOTALS[::-1]
    for entry in back:
        probe.ask("go", entry["step"])
        assert probe.ask("evaluate", 0, 0, "total")["text"] == entry["text"]
    assert probe.ask("history", "nope", 0, "all", 5, "forth")["status"] == "usage"


def test_a_name_of_a_module(probe):
    probe.ask("end")
    entries = all_pages(probe, "history", "count", 0, "all", 5, "forth")
    assert [text for _, text in shown(entries)] == ["0", "30", "40"]
    probe.ask("line", "program.py", 10, "back")
    same = all_pages(probe, "history", "count", 0, "all", 5, "forth")
    assert same == entries


def test_parts_of_objects(probe):
    probe.ask("end")
    names = {c["name"]: c for c in probe.ask("variables", 0, 0, 0, 99)["children"]}
    box = names["box"]["reference"]
    attributes = probe.ask("children", box, "named", 0, 9)["children"]
    assert [child["name"] for child in attributes] == ["items", "x"]
    items = attributes[0]["reference"]
    assert [e["text"] for e in probe.ask("part", items, "item", 1, 9)["entries"]] == [
        "0",
        "3",
        "2",
    ]
    assert probe.ask("part", names["count"]["reference"], "item", 0, 9)["status"] == "usage"


def test_a_drawing_counts_all_changes(probe):
    probe.ask("line", "program.py", 10)
    buckets = probe.ask("draw", "total", 0, "all", 100)["buckets"]
    assert len(buckets) == 100
    assert sum(bucket[0] for bucket in buckets) == len(TOTALS)
    assert probe.ask("draw", "total", 0, "all", 1)["buckets"] == [[5, 0, 10, 0, 30]]


LONG = """\
def work(seed, count):
    n = seed
    for i in range(count):
        n = (n * 1103 + i) % 65_537
        m = n if n % 7 else None
    return m

work(1, 40_000)
work(2, 30_000)
"""


@pytest.mark.parametrize("scope", ["all", "call"])
def test_a_drawing_of_many_blocks_is_that_of_all_changes(ct, tmp_path, scope):
    program = tmp_path / "program.py"
    program.write_text(LONG, encoding="utf-8")
    with Probe(record(ct, program, tmp_path / "recording", "--format", "ctr")) as probe:
        count, steps = 60, probe.ask("end")["step"] + 1
        probe.ask("line", "program.py", 6, "back")
        drawn = probe.ask("draw", "m", 0, scope, count)["buckets"]
        entries = all_pages(probe, "history", "m", 0, scope, 1000, "forth")
    assert len(entries) > (60_000 if scope == "all" else 25_000)
    parts = [[] for _ in range(count)]
    for entry in entries:
        parts[min(int(entry["step"] / steps * count), count - 1)].append(entry["text"])
    numbers = [[int(text) for text in part if text != "None"] for part in parts]
    assert drawn == [
        [len(part), own[0], own[-1], min(own), max(own)] if own else [len(part), 0, 0, 0, 0]
        for part, own in zip(parts, numbers, strict=True)
    ]


def test_output_is_as_written_and_tied_to_its_step(probe):
    entries = all_pages(probe, "events", "output", 2, "forth")
    out = "".join(e["text"] for e in entries if e["stream"] == 1)
    assert out == "out 3\nout 2\nä\x1b[0m"
    assert [e["text"] for e in entries if e["stream"] == 2] == ["bad\n"]
    assert all_pages(probe, "events", "output", 3, "back") == entries[::-1]
    lines = [probe.ask("go-place", e["thread"], e["block"], e["byte"])["line"] for e in entries]
    assert lines == [e["line"] for e in entries]
    assert set(lines) == {18, 19, 21}


def test_bytes_that_went_through_no_text_stream_are_as_written(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import os\nos.write(1, b'raw\\n')\n", encoding="utf-8")
    with Probe(record(ct, program, tmp_path / "recording")) as probe:
        entries = all_pages(probe, "events", "output", 5, "forth")
        assert [(e["text"], e["stream"] & 3) for e in entries] == [("raw\n", 1)]


def test_exceptions_are_listed(probe):
    (entry,) = all_pages(probe, "events", "exception", 5, "forth")
    assert entry["line"] == 23
    assert entry["text"].startswith("ValueError(")


def test_an_exception_that_ends_the_program_has_its_text(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text("def f():\n    return 1 / 0\n\nf()\n", encoding="utf-8")
    with Probe(record(ct, program, tmp_path / "recording")) as probe:
        (entry,) = all_pages(probe, "events", "exception", 5, "forth")
    assert entry["text"].startswith("ZeroDivisionError(")
