"""Enums, flags, namedtuples and typed tuples."""

from collections import namedtuple
from enum import Enum, Flag, IntEnum, auto
from typing import NamedTuple


class Color(Enum):
    RED = "r"
    GREEN = "g"

    @property
    def label(self):
        return self.name.title()


class Level(IntEnum):
    LOW = 1
    HIGH = 5


class Mode(Flag):
    READ = auto()
    WRITE = auto()


class Entry(NamedTuple):
    key: str
    weight: float = 1.0


Pair = namedtuple("Pair", "left right")


def combine(color, level):
    pair = Pair(color, level)
    entry = Entry(color.label)
    mode = Mode.READ | Mode.WRITE
    moved = pair._replace(left=Color("g"))
    heavier = level + 1
    return pair.right is level, entry, mode, moved.left.name, heavier


print(combine(Color.RED, Level.HIGH))
