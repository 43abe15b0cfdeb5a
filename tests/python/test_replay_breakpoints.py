"""Breakpoints and going on to their hits, both ways."""

import time

import pytest
from engine import Probe, record
from sanitizer import SLOWER

PROGRAM = """\
def f(n):
    m = n * 2
    return m

class C:
    def f(self, n):
        return n

def fail(n):
    raise ValueError(n)

total = 0
for i in range(20):
    total += f(i)
    if i == 5:
        try:
            fail(C().f(i))
        except ValueError:
            pass
done = 1
"""


@pytest.fixture(scope="module")
def folder(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("breakpoints")
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    return record(ct, program, folder / "recording")


@pytest.fixture
def probe(folder):
    with Probe(folder) as probe:
        yield probe


def add(probe, line=0, function="-", hits="-", condition=""):
    answer = probe.ask("break", "program.py", line, function, hits, condition)
    assert "error" not in answer
    return answer["number"]


def value(probe, text):
    return probe.ask("evaluate", 0, 0, text)["text"]


def stops(probe, text, backwards=False):
    """What an expression is at each stop, up to the end."""
    found = []
    while True:
        answer = probe.ask("continue", *["back"] * backwards)
        if answer["end"] != "moved":
            return found
        found.append(value(probe, text))


def test_line_by_line_both_ways(probe):
    add(probe, 2)
    numbers = [str(n) for n in range(20)]
    assert stops(probe, "n") == numbers
    last = probe.ask("continue")
    assert (last["end"], last["line"], last["breakpoint"]) == ("not found", 2, 0)
    assert stops(probe, "n", True) == numbers[-2::-1]


def test_conditions_and_hits(probe):
    add(probe, 2, condition="n % 3 == 1 and n > 4")
    assert stops(probe, "n") == ["7", "10", "13", "16", "19"]
    assert stops(probe, "n", True) == ["16", "13", "10", "7"]


@pytest.mark.parametrize(
    ("hits", "condition", "expected"),
    [
        ("5", "", [4]),
        ("==_5", "", [4]),
        (">=18", "", [17, 18, 19]),
        (">_18", "", [18, 19]),
        ("<3", "", [0, 1]),
        ("<=3", "", [0, 1, 2]),
        ("%_7", "", [6, 13]),
        ("!=_3", "n < 5", [0, 1, 3, 4]),
        ("!=0", "n < 2", [0, 1]),
        (">0", "n < 2", [0, 1]),
        ("%2", "n % 3 == 0", [3, 9, 15]),
        ("3", "n > 10", [13]),
        ("99", "", []),
    ],
)
def test_hit_conditions_count_from_the_start(probe, hits, condition, expected):
    add(probe, 2, hits=hits, condition=condition)
    expected = [str(n) for n in expected]
    assert stops(probe, "n") == expected
    probe.ask("end")
    assert stops(probe, "n", True) == expected[::-1]


@pytest.mark.parametrize(
    ("name", "lines"), [("f", {2, 7}), ("C.f", {7}), ("__main__.f", {2}), ("no", set())]
)
def test_functions(probe, name, lines):
    add(probe, function=name)
    found = []
    while (answer := probe.ask("continue"))["end"] == "moved":
        found.append(answer)
    assert {answer["line"] for answer in found} == lines
    assert len(found) == {2: 20, 7: 1}.get(max(lines, default=0), 0) + (lines == {2, 7}) * 20
    back = []
    while (answer := probe.ask("continue", "back"))["end"] == "moved":
        back.append(answer["step"])
    assert back == [answer["step"] for answer in found[-2::-1]]


def test_several_at_once_take_the_nearest(probe):
    lines = {
        add(probe, 20): 20,
        add(probe, 3, condition="n == 3"): 3,
        add(probe, function="C.f"): 7,
    }
    probe.ask("exceptions", "on")
    seen = [probe.ask("continue") for _ in range(4)]
    assert [answer["line"] for answer in seen] == [3, 7, 10, 20]
    assert [lines.get(answer["breakpoint"]) for answer in seen] == [3, 7, None, 20]
    assert [answer["exception"] for answer in seen] == [False, False, True, False]
    back = [probe.ask("continue", "back")["line"] for _ in range(3)]
    assert back == [10, 7, 3]
    probe.ask("exceptions", "off")
    assert probe.ask("continue", "back")["end"] == "not found"


def test_disabled_and_removed(probe):
    one, two = add(probe, 2), add(probe, 3)
    probe.ask("unbreak", one, "off")
    assert probe.ask("continue")["line"] == 3
    probe.ask("unbreak", one, "on")
    probe.ask("unbreak", two)
    assert [probe.ask("continue")["line"] for _ in range(2)] == [2, 2]
    assert probe.ask("unbreak", two)["status"] == "usage"


def test_a_condition_that_fails_is_told(probe):
    number = add(probe, 2, condition="n.nothing == 1")
    assert stops(probe, "n") == []
    answer = probe.ask("failures", number)
    assert answer["count"] == 20
    assert answer["why"].startswith("AttributeError")


@pytest.mark.parametrize(("hits", "condition"), [("-", "n =="), ("x", ""), ("%0", ""), (">=", "")])
def test_what_makes_no_sense_is_refused(probe, hits, condition):
    assert probe.ask("break", "program.py", 2, "-", hits, condition)["status"] == "usage"
    assert probe.ask("continue")["end"] == "not found"


LONG = """\
def f(n):
    return n

for i in range(1_000_000):
    f(i)
"""


def test_long_searches(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(LONG)
    with Probe(record(ct, program, tmp_path / "recording")) as probe:
        number = add(probe, 2, hits="900_000".replace("_", ""))
        begun = time.monotonic()
        answer = probe.ask("continue")
        assert (answer["end"], value(probe, "n")) == ("moved", "899999")
        assert time.monotonic() - begun < 5 * SLOWER
        probe.ask("unbreak", number)
        probe.ask("start")
        add(probe, 2, condition="n == -1")
        ended = probe.ask("continue", "forth", 2)
        assert ended["status"] == "cancelled"
        assert probe.ask("step", "into")["step"] == 1
