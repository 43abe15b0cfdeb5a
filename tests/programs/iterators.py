"""Hand-written iterators, iter with a sentinel, zip, enumerate, unpacking."""


class Countdown:
    def __init__(self, start):
        self.current = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.current <= 0:
            raise StopIteration
        self.current -= 1
        return self.current


class Sequence:
    def __init__(self, *items):
        self.items = items

    def __getitem__(self, index):
        return self.items[index]


def unpack():
    first, *middle, last = Countdown(5)
    (a, b), c = [1, 2], 3
    pairs = []
    for index, (left, right) in enumerate(zip("ab", [10, 20], strict=True)):
        pairs.append((index, left, right))
    source = iter([1, 2, 0, 3])
    until = list(iter(lambda: next(source), 0))
    return first, middle, last, a + b + c, pairs, until, list(Sequence(4, 5))


print(unpack())
