"""A tour through the format: values, objects, generators, exceptions, streams. See README.md."""

import dataclasses
import enum
import io
import os
import sys


class Color(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5


class Slotted:
    __slots__ = ("first", "second")


class Name(str):
    pass


def values():
    small, negative, large, huge = 7, -33, 10**9, -(2**80)
    floats = [0.1, -0.0, float("inf"), 3 + 4j]
    texts = ["", "short", "longer than seven", "\ud800", "é" * 5]
    data = (b"bytes", bytearray(b"array"), range(3), slice(1, None, 2), frozenset({1}))
    others = [None, True, ..., NotImplemented, Color.RED, Name("text"), values, len, int]
    password = "secret"
    del negative
    return small, large, huge, floats, texts, data, others, password


def objects():
    items = [1, 2]
    alias = items
    items.append(items)
    items[0] = "first"
    del items[1]
    items[1:1] = ["a", "b"]
    table = {"one": 1, 2: (items, alias)}
    table["one"] = 1.5
    del table[2]
    table.clear()
    point = Point(1)
    point.x += 1
    point.label = {"added"}
    slotted = Slotted()
    slotted.second = point
    slotted.first = slotted
    del slotted.second
    return point, slotted


def generator(limit):
    received = []
    for number in range(limit):
        try:
            received.append((yield number))
        except KeyError as error:
            received.append(error)
    return received


def visits():
    first, second = generator(3), generator(2)
    total = next(first) + next(second)
    total += first.send("hello")
    total += first.throw(KeyError("thrown"))
    second.close()
    return total


def failing(depth):
    if depth == 0:
        raise ValueError("deep")
    failing(depth - 1)


def handling():
    try:
        failing(2)
    except ValueError as error:
        error.add_note("noted")
        return repr(error)


def many():
    total = 0
    for number in range(40):
        total += number * 1000
    return total


def streams():
    sys.stdin = io.StringIO("typed\nmore")
    read = input("prompt: "), sys.stdin.readline()
    sys.stdin = sys.__stdin__
    os.write(1, b"bytes \xff\n")
    return read


values()
objects()
visits()
handling()
streams()
print("sum:", many())
