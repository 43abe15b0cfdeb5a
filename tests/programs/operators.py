"""Operator overloading: arithmetic, in place, comparison, calls, containers."""


class Vector:
    def __init__(self, *parts):
        self.parts = list(parts)

    def __add__(self, other):
        return Vector(*(a + b for a, b in zip(self.parts, other.parts, strict=True)))

    def __iadd__(self, other):
        for index, part in enumerate(other.parts):
            self.parts[index] += part
        return self

    def __eq__(self, other):
        return self.parts == other.parts

    def __hash__(self):
        return hash(tuple(self.parts))

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, index):
        return self.parts[index]

    def __setitem__(self, index, value):
        self.parts[index] = value

    def __call__(self, factor):
        return Vector(*(part * factor for part in self.parts))

    def __repr__(self):
        return f"Vector{tuple(self.parts)}"


def run():
    first = Vector(1, 2)
    alias = first
    total = first + Vector(10, 20)
    first += Vector(1, 1)
    first[0] = 50
    scaled = total(2)
    return first, alias is first, total, scaled, scaled == total, len(first), list(first)


print(run())
