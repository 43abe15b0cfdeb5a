"""Instances that share the dict of their attributes, and views of a bytearray."""


class Borg:
    state = {}

    def __init__(self):
        self.__dict__ = self.state


class Plain:
    def __init__(self):
        self.x = 0


def borgs():
    one, two = Borg(), Borg()
    for turn in range(3):
        one.x = turn
        two.y = [turn]
        one.y.append(turn)
        del two.x
        two.x = one
    return one, two


def viewed():
    plain = Plain()
    held = vars(plain)
    other = Plain()
    other.__dict__ = held
    for turn in range(3):
        plain.x = turn
        other.x += 1
        held["x"] = -turn
        plain.more = [turn]
    return plain, other, held


def views():
    data = bytearray(b"abcd")
    view = memoryview(data)
    part = view[1:3]
    for turn in range(3):
        data[1] = turn
        data[0] += 1
        part[0] = turn + 5
        data[2:] = b"xy"
    return view, part, data


borgs()
viewed()
views()
