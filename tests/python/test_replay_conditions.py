"""Conditions of breakpoints: whether a sweep decides them or each visit is evaluated, they hold
where the expression is true."""

import itertools
import operator
import re
from pathlib import Path

import pytest
from engine import Probe, record
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sanitizer import own_memory

PROGRAM = """\
import math
import random

RANDOM = random.Random(1)
NUMBERS = [0, 1, -1, 3, 7, 255, 2**53, 2**53 + 1, -(2**63), 2**63 - 1, 2**63, 10**30]
NUMBERS += [True, None, "3"]
RATIOS = [0.0, -0.0, 0.5, 3.0, -2.25, 1e300, math.inf, -math.inf, math.nan, 7, 2.0**53, 2.0**63]
TEXTS = ["", "a", "ab", "abcdefg", "abcdefgh", "ü", "z" * 40, b"ab", None, ("a",)]
LIMIT = 100

def pause():
    for _ in range(40_000):
        pass

def work(turn, number, ratio, text, flag):
    late = turn
    here = late % 7
    if turn % 3:
        sometimes = [turn]
    pause() if turn % 40 == 5 else None
    del late
    return 1

def bound(turn):
    def inner():
        return turn + 1
    return inner() and turn

def generate(count):
    for turn in range(count):
        yield turn
        del turn

for turn in range(120):
    choose = RANDOM.choice
    work(turn, choose(NUMBERS), choose(RATIOS), choose(TEXTS), choose([True, False]))
    bound(turn)
one, two = generate(40), generate(40)
for turn in one:
    next(two)
"""
LINE = 1 + PROGRAM.splitlines().index("    return 1")
OTHER_LINES = [
    "        return turn + 1",
    "    work(turn, choose(NUMBERS), choose(RATIOS), choose(TEXTS), choose([True, False]))",
    "        del turn",
]


OBJECTS = """\
import collections
import enum
import random

RANDOM = random.Random(2)
COUNT = 0
LONG_MODULE_NAME = None
TABLE = {"k": 1, "a longer key": "a longer text", 3: None, True: 0.5, None: "x", (1, 2): 7}
QUEUE = collections.deque([1, 2, 3], maxlen=5)

class Color(enum.Enum):
    RED = 1

class Node:
    def __init__(self, number):
        self.x = number
        self.next = None
        self.a_long_attribute = "short"
        self.items = []

    def visit(self, other, xs, d, i, text):
        self.x += i
        if i % 5 == 0:
            self.next = other
        elif i % 7 == 0:
            del self.a_long_attribute
            self.a_long_attribute = text
        self.items.append(i)
        return self.x

class Slots:
    __slots__ = ("x", "unset", "next")
    def __init__(self):
        self.x = 3
        self.next = self

class Fancy(list):
    pass

def pause():
    for _ in range(30_000):
        pass

def change(turn, xs, d):
    global COUNT, LONG_MODULE_NAME
    COUNT += 1
    LONG_MODULE_NAME = [None, turn, "a module's text"][turn % 3]
    if turn % 4 == 0:
        xs.append(turn)
    if turn % 9 == 8:
        del xs[:3]
    d[turn % 6] = turn
    d["key " + str(turn % 40)] = turn
    if turn % 5 == 4:
        d.pop("k", None)
    elif turn % 5 == 2:
        d["k"] = turn
    if turn % 11 == 10:
        d.clear()
    QUEUE.append(turn)

nodes = [Node(number) for number in range(4)] + [Slots()]
xs, d = [5, None, "three", 2.5, (1, 2)], {"k": 1}
special = Fancy([1])
special.x = 1
for turn in range(150):
    change(turn, xs, d)
    node = nodes[turn % 4]
    things = [*nodes, None, 3, "a text of some length", Color.RED, special, d, xs, len]
    other = RANDOM.choice(things)
    node.visit(other, xs, d, turn % 13, RANDOM.choice(["", "ab", "a text of some length"]))
    pause() if turn % 50 == 25 else None
    turn
"""
OBJECTS_LINE = 1 + OBJECTS.splitlines().index("        return self.x")
MODULE_LINE = 1 + OBJECTS.splitlines().index("    turn")

THINGS = """\
import datetime
import decimal
import enum
import fractions

class Level(enum.IntEnum):
    NONE = 0
    SOME = 1

class Color(enum.Enum):
    RED = 0

PRICE = decimal.Decimal("2.5")
NAN = float("nan")
TABLE = {PRICE: 1, datetime.date(2020, 1, 1): 2, "k": 3, 7: 4}
DECIMALS = ("0", "-0.00", "0E+3", "0E-9", "10", "NaN", "-Infinity")
THINGS = [decimal.Decimal(text) for text in DECIMALS]
THINGS += [fractions.Fraction(0), fractions.Fraction(1, 3), datetime.timedelta(0)]
THINGS += [datetime.timedelta(days=-1), datetime.timedelta(microseconds=1), datetime.time(0)]
THINGS += [Level.NONE, Level.SOME, Color.RED, Level, PRICE, NAN, None, 0, "", "k"]

def look(thing, turn):
    return 1

for turn, thing in enumerate(THINGS):
    look(thing, turn)
"""
CLASSES = """\
import collections
import dataclasses
import typing

class Plain:
    x = None

class Child(Plain):
    def __init__(self):
        self.x = 1

class Empty:
    def __len__(self):
        return 0

class Inherits(Empty):
    pass

class Equal:
    def __eq__(self, other):
        return True

class Long(list):
    def __len__(self):
        return 42

class Full(dict):
    def __contains__(self, key):
        return True

class Same(list):
    pass

class Alone(collections.UserList):
    pass

@dataclasses.dataclass
class Data:
    x: int

class Point(typing.NamedTuple):
    x: int

class Problem(ValueError):
    pass

THINGS = [Plain(), Child(), Empty(), Inherits(), Equal(), Long([1, 2]), Full(k=1), Same([1])]
THINGS += [Same(), Alone(), Data(1), Point(1), Problem("p"), collections.Counter(a=0), None, 0]
THINGS += [collections.OrderedDict(k=1), [], [1], {"k": 1}, "k", ValueError("v")]

def look(thing, turn):
    return 1

for turn, thing in enumerate(THINGS):
    look(thing, turn)
"""
CLASSES_LINE = 1 + CLASSES.splitlines().index("    return 1")

LOOK_LINE = 1 + THINGS.splitlines().index("    return 1")

MANY_VISITS = """\
def look(turn, numbers):
    return 1

numbers = [1, 2]
for turn in range(150_000):
    look(turn, numbers)
"""

MANY_LISTS = """\
def look(numbers):
    return 1

lists = [[turn % 50] * 4000 for turn in range(3000)]
for turn in range(2):
    for numbers in lists:
        look(numbers)
"""
MANY_LISTS_MEMORY = 150 * 1024  # KiB; the states of all lists are 190 MiB


@pytest.fixture(scope="module")
def recording(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("conditions")
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    return record(ct, program, folder / "recording", "--format", "ctr")


def add(probe, line, condition="", hits="-"):
    answer = probe.ask("break", "program.py", line, "-", hits, condition)
    assert "error" not in answer, answer
    return answer["number"]


def stops(probe, backwards=False):
    """The steps where `continue` stops, from one end to the other."""
    probe.ask("end" if backwards else "start")
    found = []
    while (answer := probe.ask("continue", *["back"] * backwards))["end"] == "moved":
        found.append(answer["step"])
    return found


def visits(probe, line):
    number = add(probe, line)
    found = stops(probe)
    probe.ask("unbreak", number)
    return found


def holds(probe, step, condition):
    probe.ask("go", step)
    return probe.ask("evaluate", 0, 0, condition).get("true", False)


NAMES = st.sampled_from(
    ["turn", "number", "ratio", "text", "flag", "here", "late", "sometimes", "LIMIT", "nowhere"]
)
NUMBERS = ["0", "1", "-1", "3", "7", "2", "100", "0x1f", str(2**53 + 1), str(2**63 - 1)]
OTHERS = ["0.5", "3.0", "-2.25", "1e300", "None", "True", "False", "b'ab'", "()"]
TEXTS = ["'a'", "'ab'", "'abcdefgh'", "''", "'ü'"]
CONSTANTS = st.sampled_from([*NUMBERS, *OTHERS, *TEXTS])
ARITHMETIC = ["+", "-", "*", "/", "//", "%", "<<", ">>", "&", "|", "^", "**"]
COMPARISONS = ["<", "<=", "==", "!=", ">=", ">", "in", "not in", "is", "is not"]


def larger(inner):
    both = st.tuples(inner, st.sampled_from(ARITHMETIC), inner)
    return st.one_of(
        both.map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        st.tuples(inner, st.sampled_from(COMPARISONS), inner).map(lambda p: f"({' '.join(p)})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} < {p[1]} <= {p[2]})"),
        st.tuples(inner, st.sampled_from(["in", "not in"]), inner, inner).map(
            lambda p: f"({p[0]} {p[1]} ({p[2]}, {p[3]}))"
        ),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({' '.join(p)})"),
        st.tuples(st.sampled_from(["not ", "-", "+", "~"]), inner).map(lambda p: f"({p[0]}{p[1]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
    )


CONDITIONS = st.recursive(st.one_of(NAMES, NAMES, CONSTANTS), larger, max_leaves=6)
COUNTED = {"-": None, "3": operator.eq, ">=_3": operator.ge, "%_3": lambda n, m: n % m == 0}


@pytest.fixture(scope="module")
def steps(recording):
    with Probe(recording) as probe:
        return visits(probe, LINE)


@settings(max_examples=40, deadline=None)
@given(CONDITIONS, st.sampled_from(sorted(COUNTED)))
@example("number % 7 > 3", "-")
@example("number // 7 == -1", "-")
@example("number == 9007199254740992.0", "-")
@example("number < ratio", "-")
@example("ratio % 2 == 1.75", "-")
@example("number >> 3 == 31", "-")
@example("number + 1 > number", "-")
@example("number * number > 0", "-")
@example("text in ('a', None)", "-")
@example("'b' in text", "-")
@example("text > 'abc'", "-")
@example("flag is True", "-")
@example("number is not None", "-")
@example("not ratio or late", "-")
def test_a_condition_holds_where_its_expression_is_true(recording, steps, condition, hits):
    with Probe(recording) as probe:
        expected = [step for step in steps if holds(probe, step, condition)]
        if test := COUNTED[hits]:
            expected = [step for n, step in enumerate(expected, 1) if test(n, 3)]
        add(probe, LINE, condition, hits)
        assert stops(probe) == expected
        assert stops(probe, backwards=True) == expected[::-1]


@pytest.fixture(scope="module")
def objects(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    program = folder / "program.py"
    program.write_text(OBJECTS, encoding="utf-8")
    return record(ct, program, folder / "recording", "--format", "ctr")


@pytest.fixture(scope="module")
def object_steps(objects):
    with Probe(objects) as probe:
        return {line: visits(probe, line) for line in (OBJECTS_LINE, MODULE_LINE)}


ATOMS = ["self", "other", "xs", "d", "i", "text", "COUNT", "LONG_MODULE_NAME", "TABLE", "QUEUE"]
ATOMS += ["None", "0", "1", "3", "-1", "True", "2.5", "'k'", "''", "'a text of some length'"]
ATOMS += ["special", "nodes", "Color", "nowhere", "len"]
PARTS = [".x", ".next", ".a_long_attribute", ".items", ".unset", ".nothing", ".__class__"]
PARTS += ["[0]", "[-1]", "[i]", "['k']", "['key 7']", "[None]", "[1.0]", "[4]", "['a longer key']"]


def reach(inner):
    """Attributes, items and lengths of parts of conditions, and what `larger` makes of them."""
    return st.one_of(
        st.tuples(inner, st.sampled_from(PARTS)).map("({0[0]}){0[1]}".format),
        st.tuples(inner, st.sampled_from(PARTS)).map("({0[0]}){0[1]}".format),
        inner.map("len({})".format),
        larger(inner),
    )


OBJECT_CONDITIONS = st.recursive(st.sampled_from(ATOMS), reach, max_leaves=5)


def check_objects(objects, object_steps, line, condition):
    with Probe(objects) as probe:
        expected = [step for step in object_steps[line] if holds(probe, step, condition)]
        add(probe, line, condition)
        assert stops(probe) == expected
        assert stops(probe, backwards=True) == expected[::-1]
    return expected


@settings(max_examples=60, deadline=None)
@given(OBJECT_CONDITIONS)
def test_conditions_on_objects_hold_where_their_expressions_are_true(
    objects, object_steps, condition
):
    check_objects(objects, object_steps, OBJECTS_LINE, condition)


@pytest.mark.parametrize(
    "condition",
    [
        "self.x > 30",
        "self.next is None",
        "self.next is not None and self.next.x == 3",
        "self.next == self",
        "self.next is self",
        "self.a_long_attribute == 'a text of some length'",
        "not self.a_long_attribute",
        "len(self.items) > 5 and self.items[-1] == i",
        "self.items[0] < self.items[-1] <= i",
        "xs[-1] == COUNT - 1",
        "xs[i] is None",
        "len(xs) >= 7",
        "d['k'] > 20",
        "d[3] > 90 or d['key 7'] > 40",
        "'k' in d and 3 not in d",
        "i in xs",
        "TABLE[3] is None and COUNT > 75",
        "TABLE[1] == 0.5 and i == 7",
        "TABLE['a longer key'] == 'a longer text' and i == 7",
        'LONG_MODULE_NAME == "a module\'s text"',
        "LONG_MODULE_NAME is None or other is None",
        "other in (None, 3)",
        "other == 3",
        "other.x == 3",
        "other.next.next.x == 3",
        "QUEUE[0] > 100 and len(QUEUE) == 5",
        "self.x if other else i == 3",
        "text == 'ab'",
        "len(text) == 21",
    ],
)
def test_conditions_on_parts_of_objects(objects, object_steps, condition):
    expected = check_objects(objects, object_steps, OBJECTS_LINE, condition)
    assert 0 < len(expected) < len(object_steps[OBJECTS_LINE])


@pytest.mark.parametrize(
    "condition",
    ["turn % 10 == 3 and COUNT > 50", "nodes[0].x > 90", "other is None", "node.x > d[2]"],
)
def test_variables_of_the_module_in_its_own_code(objects, object_steps, condition):
    expected = check_objects(objects, object_steps, MODULE_LINE, condition)
    assert 0 < len(expected) < len(object_steps[MODULE_LINE])


@pytest.mark.parametrize("line", OTHER_LINES)
@pytest.mark.parametrize("condition", ["turn % 5 == 2", "turn > 30 or nowhere", "turn < LIMIT"])
def test_cells_module_variables_and_suspended_frames(recording, line, condition):
    number = 1 + PROGRAM.splitlines().index(line)
    with Probe(recording) as probe:
        expected = [step for step in visits(probe, number) if holds(probe, step, condition)]
        assert expected
        add(probe, number, condition)
        assert stops(probe) == expected
        assert stops(probe, backwards=True) == expected[::-1]


def test_breakpoints_with_and_without_conditions_on_one_line(recording):
    before = "text == 'abcdefgh' and flag"
    with Probe(recording) as probe:
        all_visits = visits(probe, LINE)
        others = [step for step in visits(probe, LINE - 1) if holds(probe, step, before)]
        either = "turn % 50 == 10 or turn % 10 == 5 and turn >= 35"
        expected = [step for step in all_visits if holds(probe, step, either)]
        number = add(probe, LINE, "turn % 50 == 10")
        add(probe, LINE, "turn % 10 == 5", ">=_4")
        add(probe, LINE - 1, before)
        assert others
        assert stops(probe) == sorted(expected + others)
        probe.ask("unbreak", number)
        add(probe, LINE)
        assert stops(probe, True) == sorted(all_visits + others, reverse=True)


@pytest.fixture(scope="module")
def things(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("things")
    program = folder / "program.py"
    program.write_text(THINGS, encoding="utf-8")
    return record(ct, program, folder / "recording", "--format", "ctr")


@pytest.mark.parametrize(
    "condition",
    [
        "thing",
        "not thing",
        "thing and turn > 3",
        "1 if thing else turn == 7",
        "thing is None or thing is PRICE and turn < 0",
        "TABLE['k'] == 3 and TABLE[turn] == 4",
        "TABLE[7] == 4",
    ],
)
def test_things_are_true_and_keys_are_found_as_python_has_it(things, condition):
    namespace = {"__name__": "things"}
    exec(THINGS, namespace)

    def is_true(turn, thing):
        try:
            return bool(eval(condition, namespace, {"turn": turn, "thing": thing}))
        except KeyError:
            return False

    wanted = [is_true(turn, thing) for turn, thing in enumerate(namespace["THINGS"])]
    with Probe(things) as probe:
        steps = visits(probe, LOOK_LINE)
        assert [holds(probe, step, condition) for step in steps] == wanted
        add(probe, LOOK_LINE, condition)
        assert stops(probe) == list(itertools.compress(steps, wanted))


@pytest.mark.parametrize(
    "condition",
    [
        "turn not in {PRICE, thing}",
        "None not in {PRICE, thing}",
        "turn in {turn, PRICE, thing}",
        "NAN is not NAN",
        "thing is not NAN",
    ],
)
def test_what_is_not_known_is_not_decided_by_a_sweep(things, condition):
    with Probe(things) as probe:
        expected = [s for s in visits(probe, LOOK_LINE) if holds(probe, s, condition)]
        add(probe, LOOK_LINE, condition)
        assert stops(probe) == expected


@pytest.fixture(scope="module")
def classes(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    program = folder / "program.py"
    program.write_text(CLASSES, encoding="utf-8")
    return record(ct, program, folder / "recording", "--format", "ctr")


@pytest.mark.parametrize(
    "condition",
    [
        "thing",
        "not thing",
        "thing or turn > 3",
        "thing == None",
        "thing is None",
        "thing is not None and turn >= 0",
        "thing == 5",
        "thing != 5",
        "'k' == thing",
        "thing in (None, 5)",
        "5 not in [thing]",
        "thing == thing",
        "thing == THINGS[0]",
        "THINGS[turn] is thing",
        "len(thing) == 1",
        "len(thing) > 1",
        "'k' in thing",
        "5 in THINGS",
        "thing['k'] == 1",
        "thing[0] == 1",
        "thing.x == 1",
    ],
)
def test_a_sweep_leaves_to_a_class_what_it_may_decide(classes, condition):
    namespace = {"__name__": "classes"}
    exec(CLASSES, namespace)
    with Probe(classes) as probe:
        steps = visits(probe, CLASSES_LINE)
        expected = [step for step in steps if holds(probe, step, condition)]
        for turn, step in enumerate(steps):
            if step in expected:
                names = {"turn": turn, "thing": namespace["THINGS"][turn]}
                assert eval(condition, namespace, names), (condition, turn)
        add(probe, CLASSES_LINE, condition)
        assert stops(probe) == expected


def test_nan_may_be_itself(things):
    with Probe(things) as probe:
        step = visits(probe, LOOK_LINE)[0]
        probe.ask("go", step)
        assert "error" in probe.ask("evaluate", 0, 0, "NAN is NAN")


@own_memory
def test_a_sweep_keeps_few_objects(ct, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(MANY_LISTS, encoding="utf-8")
    recording = record(ct, program, tmp_path / "recording", "--format", "ctr")
    with Probe(recording) as probe:
        add(probe, 2, "numbers[-1] == 77")
        assert stops(probe) == []
        status = Path(f"/proc/{probe.process.pid}/status").read_text()
        assert int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) < MANY_LISTS_MEMORY


def processor_ticks(probe):
    fields = Path(f"/proc/{probe.process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.fixture(scope="module")
def many_visits(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    program = folder / "program.py"
    program.write_text(MANY_VISITS, encoding="utf-8")
    return record(ct, program, folder / "recording", "--format", "ctr")


def test_a_sweep_looks_at_objects_when_numbers_do_not_decide(many_visits):
    ticks = {"numbers and turn < 0": [], "numbers and str(turn) == ''": []}
    for condition in [*ticks] * 3:
        with Probe(many_visits) as probe:
            add(probe, 2, condition)
            assert stops(probe) == []
            ticks[condition].append(processor_ticks(probe))
    swept, evaluated = map(min, ticks.values())
    assert swept < 0.8 * evaluated, ticks  # as much where each visit is evaluated


def test_both_ways_of_looking_find_the_same(many_visits):
    with Probe(many_visits) as probe:
        add(probe, 2, "numbers and turn % 20_000 == 7")
        forwards = stops(probe)
        assert len(forwards) == 8
        assert stops(probe, backwards=True) == forwards[::-1]
