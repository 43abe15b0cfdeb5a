"""One list under several names; dicts that do not report their changes; addresses used again."""

import enum
import functools


def count():
    yield from range(3)


def many_names():
    values = [None] * 100
    other = values

    def fill():
        for values[90] in count():
            for values[91] in count():
                other.count(1)

    again = values
    fill()
    return len(again)


class Box:
    def __init__(self):
        self.x = 1
        self.y = [2]


def attributes_as_dict():
    box = Box()
    names = vars(box)
    names.pop("x")
    names["z"] = 3
    names.setdefault("w", 4)
    box.v = 5
    del names["z"]
    names.update(u=6)
    names.clear()
    return box


def dicts_at_one_address():
    for i in range(3):
        names = vars(Box())
        names.clear()
        names = None

        class Inner:
            a = 1
            b = a
            c = [a]

        plain = {}
        plain["k"] = i
        plain["l"] = Inner
    return plain


def class_bodies():
    class Color(enum.Enum):
        red = enum.auto()
        green = enum.auto()
        blue = 9

    return Color.green


def renamed():
    def function():
        pass

    function.__qualname__ = "other"
    function.__name__ = "another"
    made = count()
    made.__qualname__ = "counting"
    done = made
    return done is made


def addresses_used_again():
    for length in range(1, 5):
        kept = [Box()]
        kept[0].y = [length] * 9
        drop = functools.partial(setattr, kept[0], "y", None)
        drop()
        values = [length, length + 1]
        names = {length: values}
        values = ["text", length]
    return values, names


many_names()
addresses_used_again()
attributes_as_dict()
dicts_at_one_address()
class_bodies()
renamed()
