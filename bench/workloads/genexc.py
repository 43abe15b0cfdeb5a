"""A generator pipeline whose consumer raises and handles exceptions."""

import sys


class Rejected(Exception):
    pass


def source(limit):
    for i in range(limit):
        yield i


def even(items):
    for item in items:
        if item % 2 == 0:
            yield item


def check(value):
    if value % 10 == 0:
        raise Rejected(value)
    return value


def parse(item):
    half = item // 2
    value = half * 2
    return check(value)


def main(scale):
    total = 0
    rejected = 0
    for item in even(source(int(160_000 * scale))):
        try:
            total += parse(item)
        except Rejected:
            rejected += 1
        else:
            total %= 1_000_003
    return total + rejected


if __name__ == "__main__":
    print("genexc", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
