"""The tree of calls in windows."""

from pathlib import Path

import pytest
from engine import ENTERS, LEAVES, Probe, events_of, record

PROGRAMS = sorted(Path(__file__).resolve().parent.parent.joinpath("programs").glob("*.py"))

PROGRAM = """\
def leaf(n, key="k", *rest, **more):
    if n == 3:
        raise ValueError(n)
    return [n]

def branch(n):
    for i in range(n):
        leaf(i)
    return n

branch(3)
try:
    branch(9)
except ValueError:
    leaf(7, "x", 8, m=1)
"""


@pytest.fixture
def probe(replayed):
    return replayed(PROGRAM)


def shown(answer):
    return [(c["function"], c["arguments"], c["exit"], c["result"]) for c in answer["calls"]]


def test_calls_with_arguments_and_results(probe):
    roots = probe.ask("roots", 0, 10)
    assert [(c["function"], c["calls"], c["children"]) for c in roots["calls"]] == [
        ("<module>", 10, 3)
    ]
    page = probe.ask("calls", 0, 0, 10)
    assert page["total"] == 3
    assert shown(page) == [
        ("branch", "n=3", "return", "3"),
        ("branch", "n=9", "unwind", "ValueError(3)"),
        ("leaf", "n=7, key='x', rest=(8,), more={'m': 1}", "return", "[7]"),
    ]
    second = page["calls"][1]["call"]
    inner = probe.ask("calls", second, 2, 5)
    assert inner["total"] == 4
    assert shown(inner) == [
        ("leaf", "n=2, key='k', rest=(), more={}", "return", "[2]"),
        ("leaf", "n=3, key='k', rest=(), more={}", "unwind", "ValueError(3)"),
    ]
    assert probe.ask("calls", second, 4, 5)["calls"] == []
    path = probe.ask("path", inner["calls"][0]["call"], 10)
    assert [c["function"] for c in path["calls"]] == ["leaf", "branch", "<module>"]
    step = inner["calls"][0]["first_step"]
    assert probe.ask("go", step)["call"] == inner["calls"][0]["call"]
    assert probe.ask("calls", 99, 0, 5)["status"] == "usage"


def test_calls_by_name_both_ways(probe):
    found, page = [], probe.ask("named", "lea", 3, "forth")
    while True:
        found += [c["call"] for c in page["calls"]]
        if not page["more"]:
            break
        page = probe.ask("named", "lea", 3, "forth", page["block"], page["byte"])
    assert len(found) == 8
    back = probe.ask("named", "leaf", 100, "back")
    assert [c["call"] for c in back["calls"]] == found[::-1]
    assert probe.ask("named", "nothing", 5, "forth")["calls"] == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_the_tree_is_that_of_the_events(ct, program, out):
    record(ct, program, out)
    children, roots, stacks = {}, {}, {}
    for event in events_of(ct, out):
        stack = stacks.setdefault(event["thread"], [])
        if event["event"] == "call" and stack:
            children.setdefault(stack[-1], []).append(event["call"])
        elif event["event"] == "call":
            roots.setdefault(event["thread"], []).append(event["call"])
        if event["event"] in ENTERS:
            stack.append(event["call"])
        elif event["event"] in LEAVES:
            stack.pop()
    with Probe(out) as probe:
        for thread, calls in roots.items():
            page = probe.ask("roots", thread, 1000)
            assert [c["call"] for c in page["calls"]] == calls
            rest = probe.ask("roots", thread, 1000, calls[0])
            assert [c["call"] for c in rest["calls"]] == calls[1:]
        for parent, calls in list(children.items())[:30]:
            page = probe.ask("calls", parent, 1, 40)
            assert page["total"] == len(calls)
            assert [c["call"] for c in page["calls"]] == calls[1:41]


LONG = """\
def part(kind, count):
    for _ in range(count):
        kind = leaf(kind)
    return [kind]

def leaf(n):
    return n

def main():
    return [part(n, 12_000 + n) for n in range(5)] + part("last", 2)

main()
"""


def test_what_is_remembered_of_long_calls_is_what_was_found(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(LONG, encoding="utf-8")
    out = record(ct, program, tmp_path / "recording", "--format", "ctr")
    with Probe(out) as probe:
        root = probe.ask("roots", 0, 10)["calls"][0]["call"]
        main = probe.ask("calls", root, 0, 10)["calls"][0]["call"]
        windows = [(0, 2), (0, 50), (1, 3), (4, 2), (5, 9), (6, 1), (0, 50)]
        pages = [probe.ask("calls", main, first, room) for first, room in windows]
    assert [page["total"] for page in pages] == [6] * 7
    children = pages[1]["calls"]
    assert pages[-1] == pages[1]
    assert [page["calls"] for page in pages] == [
        children[first : first + room] for first, room in windows
    ]
    for (first, room), page in zip(windows, pages, strict=True):
        with Probe(out) as probe:
            assert probe.ask("calls", main, first, room) == page
    with Probe(out) as probe:
        again = [probe.ask("path", children[0]["call"], 5) for _ in range(2)]
        number = probe.ask("calls", children[0]["call"], 0, 1)["total"]
    assert again[0] == again[1]
    assert number == children[0]["children"] == 12_000
    assert children[0]["arguments"] == "kind=0, count=12000"
