"""Subclasses of built-in types, with attributes of their own."""


class Meters(float):
    def __new__(cls, value, note=""):
        self = super().__new__(cls, value)
        self.note = note
        return self


class Names(list):
    def __init__(self, *items):
        super().__init__(items)
        self.edits = 0

    def append(self, item):
        self.edits += 1
        super().append(item)


class Defaults(dict):
    def __missing__(self, key):
        self[key] = value = len(self)
        return value


class Tag(str):
    __slots__ = ()


def run():
    length = Meters(2.5, "desk")
    length.note = "table"
    names = Names("a")
    names.append("b")
    names[0] = Tag("first")
    defaults = Defaults()
    total = defaults["x"] + defaults["y"]
    point = type("Point", (tuple,), {})((1, 2))
    return length + 1, length.note, names, names.edits, defaults, total, point


print(run())
