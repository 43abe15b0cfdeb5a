"""Tight integer arithmetic: one function, one loop, five locals, no calls."""

import sys


def main(scale):
    steps = int(400_000 * scale)
    total = 1
    low = 0
    i = 0
    while i < steps:
        low = (total ^ i) & 0xFFFF
        total = (total + low * 3) & 0xFFFFF
        low = low + (total & 7)
        i += 1
    return total + low


if __name__ == "__main__":
    print("arith", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
