"""The flow of a call: visits of lines with what they read and wrote, conditions, loops."""

import time

import pytest
from engine import Probe, record

READ, WRITTEN, CHANGED = 1, 2, 4

PROGRAM = """\
def g(xs):
    xs.append(1)
    return xs

def f(n, xs):
    total = 0
    for i in range(n):
        if i % 2:
            total += i
        elif i == 2:
            g(xs)
        else:
            pass
    y = total
    return y

a = 1
f(4, [])
b = a + 1
"""


@pytest.fixture
def probe(replayed):
    return replayed(PROGRAM)


def pages(probe, call, room):
    """All visits of a call, a page at a time."""
    answer = probe.ask("flow", call, 0, room)
    visits = answer["visits"]
    while answer["more"]:
        answer = probe.ask("flow", call, visits[-1]["step"] + 1, room)
        visits += answer["visits"]
    return visits


def values(visit):
    return {v["name"]: (v["before"], v["after"], v["flags"]) for v in visit["values"]}


def test_visits_values_and_conditions(probe):
    call = probe.ask("line", "program.py", 6)["call"]
    visits = probe.ask("flow", call, 0, 100)["visits"]
    turns = [7, 8, 10, 13, 7, 8, 9, 7, 8, 10, 11, 7, 8, 9]
    assert [v["line"] for v in visits] == [6, *turns, 7, 14, 15]
    assert values(visits[0]) == {"total": ("", "0", WRITTEN | CHANGED)}
    conditions = [(v["line"], v["condition"]) for v in visits if v["line"] in (8, 10)]
    assert conditions == [
        (8, "false"),
        (10, "false"),
        (8, "true"),
        (8, "false"),
        (10, "true"),
        (8, "true"),
    ]
    (added, _) = [values(v)["total"] for v in visits if v["line"] == 9]
    assert added == ("0", "1", READ | WRITTEN | CHANGED)
    (called,) = [values(v)["xs"] for v in visits if v["line"] == 11]
    assert called == ("[]", "[1]", READ | CHANGED)
    assert values(visits[-2])["y"] == ("", "4", WRITTEN | CHANGED)  # no later line names it
    assert values(visits[-1])["y"] == ("4", "", READ)


def test_pages_are_the_whole(probe):
    call = probe.ask("line", "program.py", 6)["call"]
    whole = probe.ask("flow", call, 0, 100)["visits"]
    for room in (1, 2, 5):
        assert pages(probe, call, room) == whole
    assert probe.ask("flow", 99, 0, 5)["status"] == "usage"


def test_the_flow_of_a_module(probe):
    visits = probe.ask("flow", 0, 0, 100)["visits"]
    last = values(visits[-1])
    assert last["b"] == ("", "2", WRITTEN | CHANGED)
    assert last["a"] == ("1", "", READ)


def test_loops_and_their_turns(probe):
    call = probe.ask("line", "program.py", 6)["call"]
    ((first, last, visits),) = probe.ask("loops", call)["loops"]
    assert (first, visits) == (7, 5)
    assert last in (11, 13)
    assert probe.ask("visit", call, 7, 3)["end"] == "moved"
    assert probe.ask("evaluate", 0, 0, "i")["text"] == "2"


LONG = """\
def f(n):
    s = 0
    for i in range(n):
        s += i
    return s

f(1_000_000)
"""


def test_a_late_turn_of_a_long_loop_is_there_at_once(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(LONG)
    with Probe(record(ct, program, tmp_path / "recording")) as probe:
        call = probe.ask("line", "program.py", 2)["call"]
        begun = time.monotonic()
        step = probe.ask("visit", call, 3, 900_000)["step"]
        visits = probe.ask("flow", call, step, 4)["visits"]
        assert [v["line"] for v in visits] == [3, 4, 3, 4]
        assert values(visits[0])["i"] == ("899999", "900000", WRITTEN | CHANGED)
        assert probe.ask("loops", call)["loops"][0][2] == 1_000_001
        assert time.monotonic() - begun < 0.3
