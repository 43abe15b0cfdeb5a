"""match: literals, sequences, mappings, classes, guards, captures."""

from dataclasses import dataclass


@dataclass
class Point:
    x: int
    y: int


def classify(value):
    match value:
        case 0 | 1:
            return "small"
        case int() as number if number > 100:
            return f"big {number}"
        case [first, *rest]:
            return first, rest
        case {"kind": kind, **others}:
            return kind, others
        case Point(x=0, y=y):
            return f"on axis at {y}"
        case Point(x, y):
            total = x + y
            return total
        case str(text):
            return text.upper()
        case None:
            return "nothing"
        case _:
            return "other"


for value in [0, 500, [1, 2, 3], {"kind": "k", "a": 1}, Point(0, 4), Point(2, 3), "t", None, 2.5]:
    print(classify(value))
