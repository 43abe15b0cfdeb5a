"""A list and a dict that only globals hold, mutated by functions in a loop."""

import sys

NUMBERS = [0] * 64
TOTALS = {}


def bump(index, amount):
    NUMBERS[index] += amount
    TOTALS[index % 8] = NUMBERS[index]


def main(scale):
    NUMBERS[:] = [0] * 64
    TOTALS.clear()
    for turn in range(int(150_000 * scale)):
        index = (turn * 7) % 64
        bump(index, turn % 13)
        NUMBERS[-1 - index] -= 1
    return sum(NUMBERS) + len(TOTALS)


if __name__ == "__main__":
    print("globals_list", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
