"""A loop of 10,000 turns, one inside another, and a recursion that goes deep."""

import sys

sys.setrecursionlimit(3000)


def loop(count):
    total = 0
    for turn in range(count):
        square = turn * turn
        if square % 3 == 0:
            total += square
        else:
            total -= turn
    return total


def table(size):
    cells = []
    for row in range(size):
        for column in range(size):
            cells.append(row * column)
    return cells


def deep(n):
    if n == 0:
        return 0
    return 1 + deep(n - 1)


result = loop(10_000)
cells = table(30)
depth = deep(900)
print(result, len(cells), depth)
