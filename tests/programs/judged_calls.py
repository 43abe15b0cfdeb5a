"""Calls of the library that change nothing, or only what they are given: what they do is told."""

import collections
import dataclasses
import functools
import io
import operator
import random
import re
from collections.abc import MutableMapping


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0
    tags: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        MADE.append(self.x)


@dataclasses.dataclass(slots=True, order=True)
class Slotted:
    x: int
    more: dict = dataclasses.field(default_factory=lambda: note("made"))


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: int
    y: list


MADE = []
NOTES = {}


def note(what):
    NOTES[what] = NOTES.get(what, 0) + 1
    return NOTES


class Mapped(MutableMapping):
    def __init__(self):
        self.held = {}
        self.asked = []

    def __getitem__(self, key):
        self.asked.append(key)
        return self.held[key]

    def __setitem__(self, key, value):
        self.held[key] = [value]

    def __delitem__(self, key):
        del self.held[key]

    def __iter__(self):
        return iter(self.held)

    def __len__(self):
        return len(self.held)


class Called:
    limit = 3

    def __init__(self):
        self.seen = []

    def __call__(self, what):
        self.seen.append(what)
        return what

    @property
    def last(self):
        self.seen.append("asked")
        return self.seen[-1]


class Error(ValueError):
    def __init__(self, text, more):
        super().__init__(text, more)
        self.more = more


class Names(dict):
    def __init__(self, **names):
        super().__init__(names)
        super().__setitem__("first", [1])

    def __setitem__(self, name, value):
        super().__setitem__(name, [value])
        super().update(last=name)


class Guarded:
    def __init__(self):
        self.log = []

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name != "log":
            self.log.append(name)


@functools.lru_cache
def cached(number):
    MADE.append(number)
    return [number]


def numbers(into):
    for number in range(6):
        into.append(number)
        yield number


def datas():
    points = []
    for turn in range(3):
        point = Point(turn)
        points.append(point)
        same = point == points[0], repr(point)
        point.tags.append(same)
        slotted = Slotted(turn, {}) if turn else Slotted(turn)
        ahead = slotted > Slotted(1, {}), hash(Frozen(1, ())) == hash(Frozen(2, ()))
        frozen = Frozen(turn, point.tags)
        setattr(point, "y", turn), setattr(point, "new" + str(turn), [turn])
        delattr(point, "new" + str(turn)) if turn == 1 else None
    return points, slotted, frozen, ahead


def mapped():
    mapping = Mapped()
    for turn in range(3):
        mapping[turn] = turn
        got = mapping.get(turn), mapping.get("none"), turn in mapping
        mapping.update({turn + 10: turn})
        mapping.setdefault("list", turn).append(got)
        mapping.pop(turn + 10) if turn == 1 else None
    return mapping, list(mapping.items())


def called():
    call, part, out = Called(), functools.partial(note, "part"), []
    iterator = numbers(out)
    table = iter([1, 2, 3, 4])
    chance = random.Random(3)
    text, raw = io.StringIO(), io.BytesIO()
    pattern = re.compile(r"(\w)(\d)")
    for turn in range(3):
        call(turn), part(), cached(turn % 2).append(turn)
        first = next(iterator), next(table), next(iterator, None)
        kind = type(call), type(turn).__name__, callable(call), any([turn, 0]), all(out)
        last = getattr(call, "last"), hasattr(call, "last"), getattr(call, "none", turn)
        getattr(call, "seen").append(turn)
        place = operator.index(turn), chance.getrandbits(4), chance.random()
        operator.setitem(out, 0, turn), operator.iadd(out, [turn])
        found = pattern.match(f"a{turn}"), pattern.search("b2").group(1)
        text.write(f"{turn}\n"), raw.write(bytes([turn]))
        held = text.getvalue(), raw.getvalue(), text.tell()
        text.seek(0) if turn == 1 else None
        swapped = pattern.sub(lambda match: call(match.group(2)), "c3 d4")
    return out, held, swapped, last, place, found, kind, first


def inherited():
    names, guarded = Names(one=1), Guarded()
    for turn in range(3):
        names[str(turn)] = turn
        setattr(guarded, "value", turn)
        guarded.value = [turn]
        try:
            raise Error("text", turn)
        except Error as error:
            kept = error
            kept.args += (turn,)
    counted = collections.ChainMap({}, {"one": names})
    counted["two"] = guarded
    return names, guarded, kept, counted


datas()
mapped()
called()
inherited()
