"""The text `ct` gives a recorded value is Python's own `repr`."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import types
import uuid
import zoneinfo
from typing import Any

import pytest
from trace_maker import DROPPED, REDACTED, Cut, TraceMaker

GENERATED = 10_000

Point = collections.namedtuple("Point", "x y")
Empty = collections.namedtuple("Empty", "")


class Color(enum.Enum):
    RED = 1
    BLUE = "b"


class Permission(enum.Flag):
    R = 4
    W = 2


class Level(enum.IntEnum):
    LOW = 1


class MyInt(int): ...


class MyStr(str): ...


class MyTuple(tuple): ...


class MyFrozen(frozenset): ...


class MyList(list): ...


class MySet(set): ...


class MyBytes(bytearray): ...


class MyDate(datetime.date): ...


class MyError(ValueError): ...


class Ring(collections.deque): ...


@dataclasses.dataclass
class Node:
    value: int
    rest: Any
    hidden: int = dataclasses.field(default=3, repr=False)


def texts_of(ct: pathlib.Path, tmp_path: pathlib.Path, values: list[Any]) -> list[str]:
    """Return the text of each value as a trace that holds it gives it."""
    maker = TraceMaker()
    for value in values:
        maker.note(value)
    trace = tmp_path / "values.ctr"
    maker.save(trace)
    command = [ct, "print", "--format", "json", "--depth", "0", "--salvage", trace]
    result = subprocess.run(command, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return [json.loads(line)["value"]["repr"] for line in result.stdout.splitlines()]


def some_text(source: random.Random) -> str:
    alphabets = (
        "abcdef XYZ_019",
        "'\"\\\n\t\r\0\x1b\x7f",
        "\x80\xa0\xad\xe9\xff\u0300\u2028\u202e\ufeff\ud800\udc80\udfff",
        "\u20ac\u4e2d\U0001f600\U000e0001\U0010ffff",
    )
    alphabet = "".join(source.sample(alphabets, source.randint(1, 4)))
    return "".join(source.choice(alphabet) for _ in range(source.randint(0, 20)))


def some_float(source: random.Random) -> float:
    forms = (
        lambda: struct.unpack("<d", source.randbytes(8))[0],
        lambda: round(source.uniform(-1e6, 1e6), source.randint(0, 6)),
        lambda: 2.0 ** source.randint(-1074, 1023),
        lambda: math.nextafter(2.0 ** source.randint(-1000, 1000), source.choice((0, math.inf))),
        lambda: float(f"{source.randint(1, 99)}e{source.randint(-320, 300)}"),
        lambda: source.choice((0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e16, 1e-5)),
    )
    return source.choice(forms)()


def some_scalar(source: random.Random) -> Any:
    forms = (
        lambda: source.choice((None, True, False, ..., NotImplemented)),
        lambda: source.randint(-100, 100),
        lambda: source.randint(-(2**70), 2**70),
        lambda: source.choice((1, -1)) * source.getrandbits(source.randint(1, 2000)),
        lambda: some_float(source),
        lambda: complex(some_float(source), some_float(source)),
        lambda: some_text(source),
        lambda: source.randbytes(source.randint(0, 12)),
        lambda: range(source.randint(-9, 9), source.randint(0, 99), source.choice((1, 2, -3))),
        lambda: slice(None, source.randint(0, 9), source.choice((None, 2))),
    )
    return source.choice(forms)()


def some_value(source: random.Random, depth: int = 0) -> Any:
    if depth > 3 or source.random() < 0.5:
        return some_scalar(source)

    def children() -> list[Any]:
        return [some_value(source, depth + 1) for _ in range(source.choice((0, 1, 1, 2, 3, 5)))]

    def keys() -> list[Any]:
        candidates = [some_scalar(source) for _ in range(source.randint(0, 4))]
        return [key for key in candidates if not isinstance(key, slice)]

    forms = (
        children,
        lambda: tuple(children()),
        lambda: set(keys()),
        lambda: frozenset(keys()),
        lambda: {key: some_value(source, depth + 1) for key in keys()},
        lambda: collections.deque(children(), maxlen=source.choice((None, 9))),
        lambda: collections.OrderedDict((key, 1) for key in keys()),
        lambda: Point(some_value(source, depth + 1), some_value(source, depth + 1)),
        lambda: bytearray(source.randbytes(5)),
        lambda: ValueError(*children()),
        lambda: types.SimpleNamespace(a=some_value(source, depth + 1)),
    )
    return source.choice(forms)()


def python_knows_all_characters() -> bool:
    """Whether this Python's tables are the ones `ct` was made with (3.13's)."""
    return sys.version_info >= (3, 13)


def is_newer_character(text: str) -> bool:
    return any(0x2EBF0 <= ord(c) <= 0x2EE5D or 0x2FFC <= ord(c) <= 0x2FFF or c == "\u31ef"
               for c in text)  # fmt: skip


def assert_texts(ct: pathlib.Path, tmp_path: pathlib.Path, values: list[Any]) -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        expected = [repr(value) for value in values]
    finally:
        sys.set_int_max_str_digits(limit)
    texts = texts_of(ct, tmp_path, values)
    assert len(texts) == len(expected)
    for found, wanted in zip(texts, expected, strict=True):
        assert found == wanted


def test_generated_values_read_as_python_writes_them(ct: pathlib.Path, tmp_path: pathlib.Path):
    source = random.Random(20260101)
    assert_texts(ct, tmp_path, [some_value(source) for _ in range(GENERATED)])


def test_every_character_reads_as_python_writes_it(ct: pathlib.Path, tmp_path: pathlib.Path):
    chunks = ["".join(map(chr, range(at, at + 512))) for at in range(0, 0x110000, 512)]
    if not python_knows_all_characters():
        chunks = [chunk for chunk in chunks if not is_newer_character(chunk)]
    assert_texts(ct, tmp_path, chunks)


def test_long_integers_are_decimal_up_to_64_kib(ct: pathlib.Path, tmp_path: pathlib.Path):
    values = [10**10_000 + 7, -(10**10_000), 2**64, 2**63, -(2**63), 10**999 - 1]
    assert_texts(ct, tmp_path, values)
    longest = 1 << (8 * 65536)
    assert texts_of(ct, tmp_path, [longest, -longest]) == [hex(longest), hex(-longest)]


EXACT = {
    "subclasses": [MyInt(5), MyStr("a'b"), MyTuple((1,)), MyTuple(), MyFrozen((1,)), MyFrozen(),
                   MyList([1, [2]]), MySet({1}), MySet(), MyBytes(b"x"), MyDate(2020, 1, 2)],
    "enums": [Color.RED, Color.BLUE, Permission.R, Permission.R | Permission.W, Permission(0),
              Level.LOW],
    "named tuples": [Point(1, "a"), Empty()],
    "dates": [datetime.date(1, 1, 1), datetime.datetime(2024, 2, 29, 1, 2),
              datetime.datetime(2024, 2, 29, 1, 2, 3), datetime.datetime(2024, 2, 29, 1, 2, 0, 9),
              datetime.datetime(2024, 2, 29, 1, 2, tzinfo=datetime.UTC, fold=1),
              datetime.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")),
              datetime.time(0), datetime.time(1, 2, 3), datetime.time(1, 2, 0, 4, fold=1),
              datetime.timedelta(0), datetime.timedelta(-1, 5), datetime.timedelta(0, 0, 7)],
    "numbers": [decimal.Decimal("1.50"), decimal.Decimal("NaN"), fractions.Fraction(-1, 3),
                1e22, 1e23, 123456789.123, 2.0**-44, 9007199254740993.0],
    "paths and ids": [pathlib.PurePosixPath("/a b/'c'"), uuid.UUID(int=1), uuid.UUID(int=2**127)],
    "patterns": [re.compile("a'b"), re.compile(b"x", re.I), re.compile("x", re.I | re.M | re.A),
                 re.compile("y" * 300), re.match("a+", "aaa b"), re.match(".*", "z" * 80)],
    "containers": [{}, set(), frozenset(), (), [], (1,), {1: {2: {3}}}, collections.deque([1], 3),
                   Ring([1]), collections.OrderedDict(), collections.OrderedDict(a=[1]),
                   collections.defaultdict(int, {1: 2}), collections.defaultdict(None),
                   collections.Counter("mississippi"), collections.Counter(),
                   types.MappingProxyType({"a": 1}), types.SimpleNamespace(a=1, b=[2]),
                   types.SimpleNamespace()],
    "exceptions": [ValueError(), ValueError("x"), MyError(1, 2), KeyError(("a",)),
                   ExceptionGroup("g", [OSError(2, "no")])],
    "dataclasses": [Node(1, Node(2, None))],
    "functions": [test_every_character_reads_as_python_writes_it, len, str.upper, int.__add__,
                  type.__name__, types.FunctionType.__code__, Node, int, Color, json, os, sys,
                  (n for n in ())],
}  # fmt: skip


@pytest.mark.parametrize("group", EXACT)
def test_values_of_the_standard_library(ct: pathlib.Path, tmp_path: pathlib.Path, group: str):
    assert_texts(ct, tmp_path, EXACT[group])


def test_a_bound_method_shows_what_it_is_bound_to(ct: pathlib.Path, tmp_path: pathlib.Path):
    assert_texts(ct, tmp_path, [Node.__init__.__get__(Node(1, 2))])


def test_cycles_read_as_python_writes_them(ct: pathlib.Path, tmp_path: pathlib.Path):
    self_list: list[Any] = [1]
    self_list.append(self_list)
    self_dict: dict[str, Any] = {"a": [1]}
    self_dict["a"].append(self_dict)
    ring = collections.deque([1])
    ring.append(ring)
    node = Node(1, None)
    node.rest = [node]
    assert_texts(ct, tmp_path, [self_list, self_dict, ring, [self_list, self_list]])
    assert texts_of(ct, tmp_path, [node]) == ["Node(value=1, rest=[...])"]


class Plain:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


def test_what_python_cannot_write_reads_in_words(ct: pathlib.Path, tmp_path: pathlib.Path):
    values = [
        REDACTED,
        DROPPED,
        Cut("abc", 10),
        Cut((1, 2), 9),
        Cut(frozenset([1]), 3),
        Plain(),
        Plain(a=1, b=[Plain()]),
        [Cut(b"xy", 5)],
    ]
    assert texts_of(ct, tmp_path, values) == [
        "<redacted>",
        "<not recorded>",
        "'abc'… (7 more)",
        "(1, 2, … (7 more))",
        "frozenset({1, … (2 more)})",
        "<Plain>",
        "<Plain a=1, b=[<Plain>]>",
        "[b'xy'… (3 more)]",
    ]


def test_a_value_that_doubles_at_each_level_does_not_take_for_ever(
    ct: pathlib.Path, tmp_path: pathlib.Path
):
    value: list[Any] = []
    for _ in range(60):
        value = [value, value]
    (found,) = texts_of(ct, tmp_path, [value])
    assert found.startswith("[[[[")
    assert len(found) < 32 * 1024 * 1024
