"""Recursion 100,000 frames deep, down and up, three times."""

import sys


def descend(depth, total):
    here = total + depth
    if depth == 0:
        return here
    below = descend(depth - 1, here % 1009)
    return below + 1


def main(scale):
    depth = int(100_000 * scale)
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, depth + 1_000))
    total = 0
    for turn in range(3):
        total += descend(depth, turn)
    sys.setrecursionlimit(before)
    return total


if __name__ == "__main__":
    print("deep_recursion", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
