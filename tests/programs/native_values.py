"""Values of the library that the recorder reads where C keeps them."""

import array
import collections
import datetime
import decimal
import enum
import re
import types


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Mode(enum.IntFlag):
    READ = 4
    WRITE = 2


class Word(enum.StrEnum):
    YES = "yes"


class Moment(datetime.datetime):
    pass


class Price(decimal.Decimal):
    currency = "EUR"


class Ring(collections.deque):
    pass


def matches():
    pattern = re.compile(r"(?P<key>\w+)=(\d+)?", re.ASCII)
    found = pattern.match("width=12 height=")
    texts = found.groups()
    spans = [match.span() for match in pattern.finditer("width=12 height=")]
    inside = re.search(rb"b+", bytearray(b"abba"))
    nothing = pattern.search("")
    for match in pattern.finditer("a=1 b= c=3"):
        key = match["key"]
    return texts, spans, inside.group(), nothing, key


def enumerations():
    level = Level.LOW
    level = Level(level + 1)
    mode = Mode.READ | Mode.WRITE
    mode &= ~Mode.WRITE
    word = Word.YES
    levels = {Level.LOW: Word.YES, word: level}
    return level, mode, word, levels


def numbers():
    values = array.array("h", [1, -2])
    values.append(300)
    values[0] = -values[0]
    doubled = array.array("d", (value * 2 for value in values))
    empty = array.array("B")
    return values, doubled, empty


def countdown(start):
    while start:
        start -= 1
        yield start


def generators():
    down = countdown(3)
    first = next(down)
    rest = list(down)
    other = countdown(9)
    next(other)
    other.close()
    return first, rest


def wrapped():
    plain = {"a": 1}
    proxy = types.MappingProxyType(plain)
    plain["b"] = [2]
    space = types.SimpleNamespace(x=1)
    space.y = [space.x]
    ring = Ring([1, 2], 2)
    ring.append(3)
    return proxy["b"], space.y, ring


def derived():
    moment = Moment(2024, 2, 29, 12, 30)
    later = moment.replace(year=2025, day=28)
    price = Price("9.90")
    total = price * 2
    return later - moment, total


def cells():
    count = 0

    def step():
        nonlocal count
        count += 1
        return count

    (cell,) = step.__closure__
    step()
    return cell.cell_contents


def places():
    try:
        int("none")
    except ValueError as error:
        trace = error.__traceback__
        line = trace.tb_lineno - places.__code__.co_firstlineno
    return line


def main():
    matches()
    enumerations()
    numbers()
    generators()
    wrapped()
    derived()
    cells()
    places()
    method = [].append
    names = (list.append, dict.fromkeys, str.__add__, int.real)
    return method, names


main()
