"""Objects that change while somebody iterates: by the library, by a consumer, by an own iterator."""

import csv
import functools
import heapq
import io


class Countdown:
    def __init__(self, start):
        self.left = start
        self.seen = []

    def __iter__(self):
        return self

    def __next__(self):
        if self.left == 0:
            raise StopIteration
        self.left -= 1
        self.seen.append(self.left)
        return self.left


def read_rows():
    reader = csv.DictReader(io.StringIO("a,b\n1,2\n3,4\n5,6\n"))
    total = 0
    for row in reader:
        total += int(row["a"])
        last = reader.line_num
    return total, last


def shared(items):
    for i in range(3):
        items.append(i)
        yield i
        size = len(items)
    return size


def consume():
    items = []
    heap = [5]
    values = shared(items)
    for value in values:
        items.append(-value)
        heapq.heappush(heap, value)
        heap[0] -= 1
    return items, heap


def delegate(log):
    result = yield from shared(log)
    log.append(result)


def own():
    down = Countdown(3)
    for number in down:
        double = number * 2
    left = down.left
    total = functools.reduce(lambda a, b: a + b, Countdown(4))
    return left, double, total


class Box:
    def __init__(self):
        self.items = []
        self.count = 0

    def fill(self, values):
        for value in values:
            self.items.append(value)
            self.items += [value]
            self.count += 1
        self.items, self.count = self.items[::-1], -self.count


def main():
    box = Box()
    read = read_rows()
    items, heap = consume()
    log = []
    for _ in delegate(log):
        log[-1] += 10
    numbers = own()
    box.fill(items)
    args = ([1, 2],)
    box.fill(*args)
    print(read, items, heap, log, numbers, box.items, box.count)


main()
