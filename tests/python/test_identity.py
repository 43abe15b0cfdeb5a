"""Which object is which: one number for each, as long as it lives, in whatever holds it.

What dies gives its address to the next of its kind, so the recorder has to know of each place that
holds an object when it takes it and when it lets go.
"""

import json
import re

import pytest
from side_by_side import SideBySide

TURNS = 4000  # several blocks of the trace: what is held is written anew in each
NUMBERED = re.compile(r'"type":"Point","object":(\d+),"repr":"<Point n=(\d+)>"')

PRELUDE = """
import collections
import enum
class Point:
    def __init__(self, n):
        self.n = n
class Slotted:
    __slots__ = ("kept",)
class Color(enum.Enum):
    RED = 0
    GREEN = 1
LONG = "k" * 5000
"""

# What holds the point of each turn, and how it takes the next: (made, taking).
HOLDERS = {
    "a list": ("[None]", "held[0] = Point(turn)"),
    "an instance": ("Point(-1)", "held.kept = Point(turn)"),
    "a variable": ("None", "held = Point(turn)"),
    "a deque": ("collections.deque([None])", "held[0] = Point(turn)"),
    "a set": ("set()", "held.add(Point(turn)); held.pop()"),
    "a tuple": ("[None]", "held[0] = (Point(turn),)"),
    "a list in a dict": ("{'a': [None]}", "held['a'][0] = Point(turn)"),
    "a dict in a dict": ("{}", "held['a'] = {'b': Point(turn)}"),
    "slots": ("Slotted()", "held.kept = Point(turn)"),
    "a dict": ("{}", "held['a'] = Point(turn)"),
    "a dict of some": ("{}", "held[turn % 5] = Point(turn)"),
    "a dict that is emptied": ("{}", "held.clear(); held['a'] = Point(turn)"),
    "a dict that takes another": ("{}", "held.clear(); held.update({'a': Point(turn)})"),
    "deleted pairs": ("{'a': 0}", "del held['a']; held['a'] = Point(turn)"),
    "keys of an enumeration": ("{}", "held[Color(turn % 2)] = Point(turn)"),
    "deleted keys of an enumeration": (
        "{Color.RED: 0}",
        "del held[Color.RED]; held[Color.RED] = Point(turn)",
    ),
    "keys that read the same": ("{}", "held[LONG + str(turn % 2)] = Point(turn)"),
    "keys": ("{}", "held[Point(turn)] = turn; held.pop(next(iter(held)))"),
    "an ordered dict": (
        "collections.OrderedDict(a=0, b=0)",
        "held['a'] = Point(turn); held.move_to_end('a')",
    ),
    "a defaultdict": ("collections.defaultdict(int)", "held[turn % 2] = Point(turn)"),
    "a pair beside a hidden one": (
        "{'password': 0}",
        "held['password'] = Point(turn); held['a'] = Point(turn)",
    ),
}


@pytest.fixture
def sides(ct, python, tmp_path):
    return SideBySide(ct, python, tmp_path)


def rows_of(sides, source):
    """The lines of `f` as `ct print` gives them."""
    sides.write(PRELUDE + source)
    done = sides.recorded("program.py")
    assert done.status == 0, done
    assert "lagging" not in done.err, done.err
    sides.verify()
    return [
        row for row in sides.printed("--format", "json").splitlines() if '"function":"f"' in row
    ]


@pytest.mark.parametrize("name", HOLDERS)
def test_each_object_has_a_number_of_its_own(sides, name):
    made, taking = HOLDERS[name]
    lines = "\n        ".join(taking.split("; "))
    rows = rows_of(
        sides,
        f"""
def f(held):
    for turn in range({TURNS}):
        {lines}
        seen = turn
f({made})
""",
    )
    pairs = {pair for row in rows for pair in NUMBERED.findall(row)}
    assert len(pairs) >= TURNS - 1
    assert len({number for number, _ in pairs}) == len({n for _, n in pairs}) == len(pairs)


STRAIGHT = """
class Made:
    def __new__(cls, n):
        made = super().__new__(cls)
        return made
    def __init__(self, n):
        self.n = n
def f(one):
    one = Point(1)
    one = Point(2)
    one = Point(3)
    one = Point(4)
    two = Made(1)
    two.__init__(5)
    return one
f(0)
"""


def test_objects_of_lines_behind_each_other(sides):
    rows = [json.loads(row).get("locals", {}) for row in rows_of(sides, STRAIGHT)]
    rows = [row for row in rows if "one" in row]
    points = {row["one"]["object"]: row["one"]["repr"] for row in rows if "object" in row["one"]}
    assert list(points.values()) == [f"<Point n={n}>" for n in (1, 2, 3, 4)]
    made = [row["two"] for row in rows if "two" in row]
    assert [each["repr"] for each in made[:2]] == ["<Made n=1>", "<Made n=5>"]
    assert len({each["object"] for each in made}) == 1


def test_a_new_object_is_the_one_that_init_gets(sides):
    sides.write(PRELUDE + STRAIGHT)
    assert sides.recorded("program.py").status == 0
    rows = [json.loads(row) for row in sides.printed("--format", "json").splitlines()]
    made = [row["value"] for row in rows if row["function"].endswith("__new__") and "value" in row]
    begun = [
        row["args"]["self"]
        for row in rows
        if row["function"].endswith("__init__") and row["event"] == "call"
    ]
    assert made[0]["object"] == next(b["object"] for b in begun if b["type"] == "Made")


def test_an_object_that_moves_about_keeps_its_number(sides):
    rows = rows_of(
        sides,
        f"""
def f(one, other, kept):
    point = Point(7)
    one["a"] = point
    del point
    for turn in range({TURNS}):
        other[Color.RED] = one["a"]
        del one["a"]
        kept.append(other.pop(Color.RED))
        one["a"] = kept.pop()
f({{}}, {{}}, [])
""",
    )
    pairs = {pair for row in rows for pair in NUMBERED.findall(row)}
    assert len(pairs) == 1
    assert json.loads(rows[-1])["locals"]["one"]["repr"] == "{'a': <Point n=7>}"
