"""What is worked on in place, and stored where it was."""

from collections import OrderedDict, defaultdict, deque


class Plain:
    def __init__(self):
        self.items = [0]


class Slotted:
    __slots__ = ("items",)

    def __init__(self):
        self.items = [0]


class Own(dict):
    pass


def pairs(held, key):
    held[key] = [1]
    held[key] += [2]
    held[key] = held[key] + [3]
    held[key] *= 2
    held["set"] = {1}
    held["set"] |= {2}
    held["set"] ^= {1, 3}
    held["bytes"] = bytearray(b"a")
    held["bytes"] += b"b"
    held["number"] = 1
    held["number"] += 1
    held[1, 2] = [1]
    held[1, 2] += [2]
    held[key + "!"] = [1]
    held[key + "!"] += [2]
    return held


def items(held, place):
    held[0] += [1]
    held[place] += [2]
    held[place - 1] += [3]
    held[-1] += [4]
    return held


def attributes(owner):
    owner.items += [1]
    owner.items[0] += 1
    owner.items *= 2
    return owner


def with_dict(owner):
    names = vars(owner)
    owner.items += [5]
    names["items"] += [6]
    return owner


found = [
    pairs({}, "key"),
    pairs(defaultdict(list), "key"),
    pairs(OrderedDict(), "key"),
    pairs(Own(), "key"),
    items([[0], [0], [0]], 1),
    items(deque([[0], [0], [0]]), 1),
    attributes(Plain()),
    attributes(Slotted()),
    with_dict(Plain()),
]
held = {"a": [1]}
held["a"] += [2]
length = len(held)
