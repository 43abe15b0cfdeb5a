"""Objects that go on as instances of another class."""


class First:
    def __init__(self, value):
        self.value = value


class Second:
    pass


def inside(held, key):
    held[key].__class__ = Second
    held[key].more = 1
    held[key].value += 1
    kept = held[key]
    kept.last = "last"
    return held


one = First(1)
one.__class__ = Second
one.more = 3
one.value += 1
found = [inside({"k": First(2)}, "k"), inside([First(3)], 0)]
one.__class__ = First
one.value = 4
last = one
