"""Expressions of the engine against Python's own eval, and what they refuse."""

import builtins
import enum
import importlib
import os
import re
import sys
import warnings
from pathlib import Path

import pytest
from engine import Probe, record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("CT_EXAMPLES", "30")) * 20

VALUES = """\
a = 7
b = -3
big = 2**70
less = -(2**64)
zero = 0
t = True
f = 0.1
g = -2.5
huge = 1e300
neg = -0.0
none = None
s = "héllo\\n\\U0001f600'"
empty = ""
long = "ab" * 40
by = b"a\\x00b\\xff"
xs = [1, "two", 3.0, None, [4, 5]]
ns = [3, 1, 2, True, 2.5]
fs = [0.1] * 10
ts = ["b", "a", "c"]
tu = (1, (2, "x"), -5)
d = {"k": 1, 2: [3], (1, 2): "t", None: 4}
se = {1, 2, 300}
fr = frozenset({1, 2})
nested = {"a": [{"b": (1, 2)}, {"c": xs}]}
r = range(2, 20, 3)
"""

NUMBERS = ["a", "b", "big", "less", "zero", "t", "f", "g", "neg", "ns[0]", "tu[-1]", "d['k']"]
NUMBERS += ["0", "1", "2", "0x1F", "1_000", "2.5", "1e-3", "len(xs)", "sum(ns)", "r[2]"]
TEXTS = ["s", "empty", "long", "ts[0]", '"a"', "'\\u00e9'", "s[1:3]", "str(a)", "repr(s)"]
SEQUENCES = ["xs", "ns", "ts", "tu", "[1, a]", "(s,)", "()", "xs[1:]", "tu[::-1]", "fs"]
OTHERS = ["d", "se", "fr", "none", "None", "nested", "r", "by", "{1, a}", "True", "False"]
OTHERS += ["type(a)", "type(s)", "nested['a'][1]['c']", "int"]


def binary(signs):
    return lambda parts: st.builds("({} {} {})".format, parts, st.sampled_from(signs), parts)


def numbers():
    def more(parts):
        return st.one_of(
            binary(["+", "-", "*", "/", "//", "%", "&", "|", "^"])(parts),
            st.builds("({} ** {})".format, parts, st.sampled_from(["2", "3", "-1", "0"])),
            st.builds("({} << {})".format, parts, st.sampled_from(["1", "5", "-1", "70"])),
            st.builds("({} >> {})".format, parts, st.sampled_from(["1", "5", "t"])),
            st.builds("{}{}".format, st.sampled_from(["-", "+", "~"]), parts),
            st.builds("abs({})".format, parts),
            st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), parts, parts),
            st.builds("({} if {} else {})".format, parts, parts, parts),
        )

    return st.recursive(st.sampled_from(NUMBERS), more, max_leaves=6)


def anything():
    leaves = st.one_of(
        numbers(), *[st.sampled_from(kind) for kind in (NUMBERS, TEXTS, SEQUENCES, OTHERS)]
    )
    small = st.sampled_from(["0", "1", "-1", "2", "-2", "99", "None", "s", "t", ""])

    def more(parts):
        return st.one_of(
            binary(["<", "<=", "==", "!=", ">=", ">", "in", "not in", "and", "or"])(parts),
            st.builds("({} < {} <= {})".format, parts, parts, parts),
            st.builds("(not {})".format, parts),
            st.builds("({} is None)".format, parts),
            st.builds("{}[{}]".format, parts, parts),
            st.builds("{}[{}:{}]".format, parts, small, small),
            st.builds("{}[::{}]".format, parts, small),
            st.builds("{}({})".format, st.sampled_from(CALLED), parts),
            st.builds("isinstance({}, {})".format, parts, st.sampled_from(TYPES)),
            st.builds("({} + {})".format, st.sampled_from(TEXTS + SEQUENCES), parts),
            st.builds("({} * {})".format, st.sampled_from(TEXTS + SEQUENCES), small_number),
            st.builds("[{}, {}]".format, parts, parts),
            st.builds("({},)".format, parts),
        )

    small_number = st.sampled_from(["0", "2", "-1", "t", "g", "s", "big", "3"])
    return st.recursive(leaves, more, max_leaves=5)


CALLED = ["len", "str", "repr", "abs", "min", "max", "sum", "any", "all", "type"]
TYPES = ["int", "(str, bool)", "float", "list", "dict", "type(a)", "object", "set", "tuple", "a"]


@pytest.fixture(scope="module")
def session(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("values")
    program = folder / "program.py"
    program.write_text(VALUES + "done = 1\n", encoding="utf-8")
    with Probe(record(ct, program, folder / "recording")) as probe:
        probe.ask("end")
        yield probe


@pytest.fixture(scope="module")
def values():
    names = {}
    exec(VALUES, names)
    return names


def python(text, names):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return eval(text, dict(names))
    except (Exception, MemoryError) as error:
        return error


# Python's generic types, `list[int]`: somewhere in an expression these are no values of a program.
OF_A_TYPE = re.compile(r"TypeError: no (slice|item) of type\b")


def agree(session, values, text):
    expected = python(text, values)
    answer = session.ask("evaluate", 0, 0, text)
    if isinstance(expected, Exception):
        assert "error" in answer, (text, expected, answer)
        return
    if isinstance(expected, complex) or OF_A_TYPE.match(answer.get("error", "")):
        return
    assert "error" not in answer, (text, expected, answer)
    assert answer["text"] == repr(expected), text
    assert answer["type"] == type(expected).__name__, text
    assert answer["true"] == bool(expected), text


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.one_of(numbers(), anything()))
def test_expressions_are_pythons(session, values, text):
    agree(session, values, text)


@pytest.mark.parametrize(
    "text",
    [
        "r[::1]",
        "r[::-1]",
        "r[5:1:-2]",
        "r[-2:]",
        "r[9:2]",
        "len(r[::2])",
        "r[::2][1]",
        "r[1:].start",
        "r[::2].step",
        "r.stop",
        "r[::2]==r",
        "r[::1]==r",
        "r[::2]in[r[::2]]",
        "r[9:]==r[:0]",
        "r[1:2]==r[1:3:5]",
        "str(r[::4])",
        "sum(r[1:])",
        "{r[::2]}",
        "type(r[1:])",
        "r[1:][::-1]",
        "r[::0]",
        "r['k':]",
    ],
)
def test_a_slice_of_a_range_is_a_range(session, values, text):
    agree(session, values, text)


PIECES = ["a", "xs", "s", "0x", "1", "1.5", "_", "'", '"', "b'", "\\", "\\x4", "(", ")", "[", "]"]
PIECES += ["{", "}", ",", ":", ".", "+", "-", "**", "//", "<", "==", "not ", " in ", " is ", "if "]
PIECES += [" else ", " and ", "len(", "é", "\U0001f600", "...", "=", "\\u00", "e+", " ", "#", "~"]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_text_gets_an_answer(session, text):
    answer = session.ask("evaluate", 0, 0, text)
    assert ("error" in answer) != ("text" in answer)
    assert answer.get("at", 0) <= len(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        *NUMBERS,
        *TEXTS,
        *SEQUENCES,
        *OTHERS,
        "big / less",
        "big // 3, big % -7, -big // 3, -big % 7",
        "2 ** 70 / 3",
        "10**308 * 10.0",
        "10**400 / 10**390",
        "1 / 10**400",
        "5 // 0",
        "5.5 // -2, 5.5 % -2, -0.0 // 1",
        "2 ** -1",
        "2 ** 3 ** 2, -2 ** 2",
        "1 < 2 < 3 != 4",
        "a if zero else s",
        "not a == 7 or t and b",
        "xs[-1][0]",
        "d[(1, 2)], d[2.0], d[None]",
        "d['no']",
        "d[[1]]",
        "s[4], s[-1], s[::-1]",
        "long[5:2:-1]",
        "by[1], by[1:]",
        "97 in by, b'a' in by, 300 in by",
        "tu < (1, 3), [1] < [1, 2], 'b' > 'aé'",
        "fr < se, {1} <= fr, se == {300, 2, 1.0}",
        "1 in se, [1] in se, 's' in d",
        "7 in r, len(r), r[0], r[-1], 7.0 in r",
        "sum(fs), sum([1, 2.5]), sum(fs, 1.5), sum([[1], [2]], [])",
        "min(ts), max(s), min(), max([])",
        "any(xs), all([]), any([0, '']), all({1})",
        "type(a) == int, type(None), type(t).__name__",
        "isinstance(t, int), isinstance(a, bool), isinstance(none, type(None))",
        "a.real, f.imag, a.numerator, t.denominator",
        "'a' 'b' r'\\n' \"\\x41\\u00e9\\N\"",
        "b'\\xff' + by",
        "'%s' + 1",
        "...",
        "()",
        "1,",
        "nested['a'][0]['b'][1]",
        "big == 2.0**70, big < 1e300, less > -1e400, big + 0.5 == big",
        "str(1.0), str([s]), repr(by), str(), str(none)",
        "~t, -t, +t, t + t, t & t, t ^ t",
        "1 if",
        "(1",
        "a b",
        "a.",
        "xs[",
        "1__0",
        "012",
        "0_0",
        "1.5.2",
        "'abc",
        "",
        "a =",
        "a := 1",
        "f(*xs)",
        "@a",
        "if",
        "not",
        "1 not 2",
        "xs[1, 2]",
        "xs[1:2:0]",
        "nope",
        "(" * 90 + "1" + ")" * 90,
    ],
)
def test_expressions_by_example(session, values, text):
    agree(session, values, text)


@pytest.mark.parametrize(
    ("text", "at", "what"),
    [
        ("a + nope", 4, "NameError: 'nope' has no value here"),
        ("a + ", 4, "an expression is missing"),
        ("len(1)", 0, "TypeError: no len() of int"),
        ("xs[0] + xs[9]", 10, "IndexError: index out of range"),
        ("open('x')", 0, "no code of the program runs"),
        ("lambda: 1", 0, "this is no expression"),
        ("[x for x in xs]", 3, "a closing bracket or a comma is missing"),
        ("xs.append(1)", 3, "no code of the program runs"),
        ("s.upper", 2, "AttributeError"),
        ("a ** a ** a ** a", 7, "too large"),
        ("[1] * 10**9", 4, "too much"),
        ("a is 7", 2, "does not know"),
        ("(" * 200 + "1" + ")" * 200, None, "too deep"),
        ("-" * 5000 + "1", None, "too deep"),
        ("not " * 3000 + "1", None, "too deep"),
        ("1" + "+1" * 5000, None, "too deep"),
        ("xs" + "[0]" * 5000, None, "too deep"),
        ("9" * 20000, None, "too long"),
        ("sum(range(10))", 4, "no code of the program runs"),
    ],
)
def test_errors_say_what_and_where(session, text, at, what):
    answer = session.ask("evaluate", 0, 0, text)
    assert what in answer["error"]
    assert at is None or answer["at"] == at


OBJECTS = """\
import collections, enum, dataclasses
Pair = collections.namedtuple("Pair", "left right")
class Colour(enum.Enum):
    RED = 1
    BLUE = 2
@dataclasses.dataclass
class Node:
    value: int
    next: object = None
class Own(int):
    pass
class Plain:
    pass
glob = 5
def work(n, items):
    total = n + 1
    inner = Node(total, Node(2))
    for i in range(2):
        total += i
    return total
pair = Pair(1, [2])
node = Node(1, Node(2))
same = node.next
plain, other = Plain(), Plain()
colour, blue = Colour.RED, Colour.BLUE
own = Own(9)
counts = collections.Counter("aab")
queue = collections.deque([1, 2, 3])
problem = ValueError("wrong", 3)
work(3, [1])
"""


@pytest.fixture(scope="module")
def objects(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    program = folder / "program.py"
    program.write_text(OBJECTS, encoding="utf-8")
    with Probe(record(ct, program, folder / "recording")) as probe:
        yield probe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node.next.value", "2"),
        ("node.next is same, node is same", "(True, False)"),
        ("pair.left, pair[1][0], pair == (1, [2])", "(1, 2, True)"),
        ("plain is other, plain == plain, plain == None, not plain", "(False, True, False, False)"),
        ("plain == other, plain != other, colour == blue", "(False, True, False)"),
        ("own + 1, own > 8", "(10, True)"),
        ("counts['a'], len(counts)", "(2, 2)"),
        ("queue[-1], 2 in queue, len(queue)", "(3, True, 3)"),
        ("problem.args[0]", "'wrong'"),
        ("isinstance(node, Node), isinstance(own, int), type(own).__name__", "(True, True, 'Own')"),
        ("type(colour) is Colour", "True"),
        ("node.__class__.__name__", "'Node'"),
        ("Node", "<class '__main__.Node'>"),
        ("max(queue)", "3"),
    ],
)
def test_objects_of_the_program(objects, text, expected):
    objects.ask("end")
    objects.ask("step", "out", "back")
    answer = objects.ask("evaluate", 0, 0, text)
    assert answer.get("text") == expected, answer


@pytest.mark.parametrize("text", ["node == same", "plain < other", "isinstance(node, Plain)"])
def test_what_a_class_may_decide_is_not_guessed(objects, text):
    objects.ask("end")
    objects.ask("step", "out", "back")
    assert "does not know" in objects.ask("evaluate", 0, 0, text)["error"]


CLASSES = """\
import abc, collections, dataclasses, enum, functools, io, logging, queue, threading, typing
import shared
from shared import Empty, Far, Far as Renamed
class Plain: pass
class Child(Plain):
    limit = 3
    def ready(self): return True
class Bag:
    def __init__(self): self.items = []
    def __len__(self): return len(self.items)
class Inherits(Bag): pass
class Falsy:
    __bool__ = lambda self: False
class Alike:
    def __eq__(self, other): return True
class Ordered:
    def __lt__(self, other): return True
class Said:
    def __str__(self): return "said"
class Base(abc.ABC):
    @abc.abstractmethod
    def run(self): pass
class Runs(Base):
    def run(self): pass
Held = typing.TypeVar("Held")
class Holds(typing.Generic[Held]): pass
class Borrowed(collections.UserList): pass
class FromFar(Far): pass
class FromEmpty(shared.Empty, Plain): pass
class FromRenamed(Renamed): pass
class Made(type("Nobody", (), {"__len__": lambda self: 0})): pass
def own(cls):
    cls.__bool__ = lambda self: False
    return cls
@own
class Decorated: pass
@dataclasses.dataclass
class Data:
    x: int
@dataclasses.dataclass(order=True)
class Long:
    x: int
    def __len__(self): return 0
@functools.total_ordering
class Total:
    def __lt__(self, other): return False
class Items(list):
    def __len__(self): return 42
class Same(list): pass
class Says(list):
    def __contains__(self, item): return True
    def __repr__(self): return "Says"
class Near(float):
    def __eq__(self, other): return True
    def __hash__(self): return 1
    def __add__(self, other): return "added"
    def __radd__(self, other): return "radded"
class Much(int): pass
class Error(Exception): pass
class Quiet(Error):
    def __bool__(self): return False
    def __str__(self): return "quiet"
class State(enum.Enum):
    ON = 0
    OFF = 1
class Level(enum.IntEnum):
    NONE = 0
    SOME = 4
class Bits(enum.Flag):
    A = 1
class Point(typing.NamedTuple):
    x: int
class Nothing(collections.namedtuple("Nothing", "x")):
    def __bool__(self): return False
class Meta(type):
    def __len__(cls): return 0
class Odd(metaclass=Meta): pass
def local():
    class Inner(Plain): pass
    class Outer:
        class Inside(Bag): pass
    return Inner(), Outer.Inside(), Outer()
inner, inside, outer = local()
values = [Plain(), Child(), Bag(), Inherits(), Falsy(), Alike(), Ordered(), Said(), Runs(), Holds()]
values += [Borrowed(), FromFar(), FromEmpty(), FromRenamed(), Made(), Decorated(), Data(0), Data(0)]
values += [Long(1), Total(), Items([1]), Same([1]), Same(), Says([1]), Near(2), Much(0), Much(5)]
values += [Error("e"), Quiet("q"), State.ON, State.OFF, Level.NONE, Level.SOME, Bits.A, Bits(0)]
values += [Point(1), Nothing(1), Plain, Odd, inner, inside, outer, collections.Counter(a=0)]
values += [collections.OrderedDict(a=1), collections.OrderedDict(), collections.Counter()]
values += [io.StringIO(), logging.getLogger("a"), queue.Queue(), threading.Lock(), map(len, [])]
values += [None, 0, 1, 2.5, "", "e", [1], (1,), {}, ValueError("v"), collections.ChainMap()]
values += [Empty(), Far(), {}.keys(), [Plain()]]
same = values[:]
"""
SHARED = """\
class Empty: pass
class Far:
    def __bool__(self): return False
    def __eq__(self, other): return True
"""
OF_ONE = [
    "bool({0})", "{0} == None", "{0} != None", "{0} is None", "{0} == 5", "'e' == {0}",
    "{0} == {0}", "{0} in (None, 5)", "len({0})", "1 if {0} else 2", "{0} and 7", "any([{0}])",
    "[1] == {0}", "1 in {0}", "({0} or 7) is None",
    "str({0})", "repr({0})", "{0} + 1", "1 + {0}", "{0} < 3", "max({0}, 1)", "{0}[0]", "-{0}",
    "sum({0})", "{0} == same[{1}]", "[{0}] == [same[{1}]]", "{0} in values", "str([{0}])",
    "{0} in {{1: 2}}", "{0} in {{1, 2}}",
]  # fmt: skip


@pytest.fixture(scope="module")
def classes(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    program = folder / "program.py"
    program.write_text(CLASSES + "done = 1\n", encoding="utf-8")
    folder.joinpath("shared.py").write_text(SHARED, encoding="utf-8")
    names = {"__name__": "__main__"}
    sys.path.insert(0, str(folder))
    exec(CLASSES, names)
    sys.path.remove(str(folder))
    sys.modules.pop("shared")
    with Probe(record(ct, program, folder / "recording")) as probe:
        probe.ask("end")
        yield probe, names


def answer_of(probe, text):
    answer = probe.ask("evaluate", 0, 0, text.replace("bool", "not not "))
    return answer.get("text"), answer.get("error", "")


@pytest.mark.parametrize("text", OF_ONE)
def test_what_has_a_value_has_that_of_python(classes, text):
    probe, names = classes
    values = names["values"]
    for number, value in enumerate(values):
        for other in {number, (number + 1) % len(values)}:
            filled = text.format(f"values[{number}]", other)
            found, error = answer_of(probe, filled)
            if found is None:
                continue
            try:
                wanted = repr(eval(filled, names))
            except Exception as problem:
                wanted = repr(problem)
            is_shown = " at 0x" in wanted or wanted == "Says"  # as the recording shows it
            told = found if is_shown else wanted
            assert found == told, f"{filled} of a {type(value).__name__}: {error}"


def test_classes_of_the_library_that_are_always_true_are_that_in_python():
    source = Path(__file__).resolve().parents[2].joinpath("src/replay/class_methods.c").read_text()
    modules = re.findall(r'\{"([^"]+)",\s*TRUE_ALWAYS\}', source)
    assert "threading" in modules
    for module in map(importlib.import_module, modules):
        for kind in vars(module).values():
            is_class = isinstance(kind, type) and kind.__module__ == module.__name__
            if is_class and not issubclass(kind, (enum.Enum, tuple)):
                assert not hasattr(kind, "__bool__"), kind
                assert not hasattr(kind, "__len__"), kind
                assert kind.__eq__ in (object.__eq__, BaseException.__eq__), kind


# What the recording knows: the value of `bool()`, of == 5 and of == None, or not.
KNOWN = {
    "Plain": "yyy", "Child": "yyy", "Bag": "nyy", "Inherits": "nyy", "Falsy": "nyy",
    "Alike": "ynn", "Ordered": "yyy", "Said": "yyy", "Runs": "yyy", "Holds": "yyy",
    "Borrowed": "nnn", "FromFar": "nnn", "FromEmpty": "yyy", "FromRenamed": "nnn", "Made": "nnn",
    "Decorated": "nnn", "Data": "yyy", "Long": "nyy", "Total": "yyy", "Items": "nyy",
    "Same": "yyy", "Near": "ynn", "Much": "yyy", "Error": "yyy", "Quiet": "nyy", "State": "yny",
    "Level": "yny", "Bits": "nnn", "Point": "yyy", "Nothing": "nyy", "type": "yyy", "Meta": "nyy",
    "Inner": "yyy", "Inside": "nyy", "Outer": "yyy", "StringIO": "yyy", "Logger": "yyy",
    "Queue": "yyy", "map": "yyy", "ChainMap": "nnn", "Empty": "yyy", "Far": "nnn",
}  # fmt: skip


def test_what_the_recording_knows_of_a_class(classes):
    probe, names = classes
    found = {}
    for number, value in enumerate(names["values"]):
        texts = ("bool(values[{}])", "values[{}] == 5", "values[{}] == None")
        answers = [answer_of(probe, text.format(number)) for text in texts]
        known = "".join("y" if text is not None else "n" for text, _ in answers)
        found[type(value).__name__] = known
        for text, error in answers:
            assert text is not None or "does not know" in error, type(value)
    assert {name: found[name] for name in KNOWN} == KNOWN


PROBLEMS = """\
import datetime, decimal, enum, fractions, pathlib, uuid
class Mine(ValueError):
    pass
class Colour(enum.Enum):
    RED = 1
class Plain:
    pass
errors = [ValueError("wrong"), ValueError(), ValueError("a", 1), KeyError("k"), KeyError("k", 2)]
errors += [ZeroDivisionError("division by zero"), OSError(2, "No such file", "x.txt"), OSError("o")]
errors += [FileNotFoundError(2, "none"), StopIteration(3), SystemExit(4), KeyboardInterrupt()]
errors += [UnicodeError("u"), ExceptionGroup("many", [ValueError(1), TypeError(2)])]
mine = Mine("own")
decode = UnicodeDecodeError("utf-8", b"a", 0, 1, "bad")
things = [decimal.Decimal("1.50"), fractions.Fraction(3, 6), datetime.date(2020, 1, 2)]
things += [datetime.datetime(2020, 1, 2, 3, 4, 5, 60), datetime.time(1, 2), pathlib.Path("/a/b")]
things += [datetime.timedelta(days=-1, seconds=5), uuid.UUID(int=5), Colour.RED]
things += [datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc)]
plain = Plain()
"""


@pytest.fixture(scope="module")
def problems(ct, tmp_path_factory):
    folder = tmp_path_factory.mktemp("problems")
    program = folder / "program.py"
    program.write_text(PROBLEMS + "done = 1\n", encoding="utf-8")
    names = {"__name__": "__main__"}
    exec(PROBLEMS, names)
    with Probe(record(ct, program, folder / "recording")) as probe:
        probe.ask("end")
        yield probe, names


EXCEPTIONS = sorted(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException) and name == value.__name__
)


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_an_exception_is_an_instance_of_its_bases(problems, name):
    probe, names = problems
    for number in range(len(names["errors"])):
        agree(probe, names, f"isinstance(errors[{number}], {name})")
    agree(probe, names, f"isinstance(plain, {name}), isinstance(3, {name}), {name} is {name}")


@pytest.mark.parametrize("name", ["errors", "things"])
def test_str_is_that_of_the_built_in_class(problems, name):
    probe, names = problems
    for number in range(len(names[name])):
        agree(probe, names, f"str({name}[{number}])")
    agree(probe, names, "str(mine), isinstance(mine, Mine), isinstance(mine, BaseException)")


def test_the_bases_of_a_class_of_the_program_are_not_guessed(problems):
    probe, _ = problems
    for text in ("isinstance(mine, ValueError)", "isinstance(mine, (KeyError, OSError))"):
        assert "does not know" in probe.ask("evaluate", 0, 0, text)["error"]


def test_names_are_those_of_the_frame(objects):
    objects.ask("start")
    objects.ask("line", "program.py", 18)
    texts = [
        objects.ask("evaluate", 0, frame, text).get("text")
        for frame, text in [(0, "n, items, glob, inner.next.value"), (1, "glob + 1"), (1, "n")]
    ]
    assert texts == ["(3, [1], 5, 2)", "6", None]
    assert objects.ask("evaluate", 0, 9, "1")["status"] == "usage"


def test_builtins_are_those_of_python():
    assert all(hasattr(builtins, name) for name in [*CALLED, "isinstance"])
