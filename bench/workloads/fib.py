"""Recursion: half a million calls of one small function."""

import sys


def fib(n):
    if n < 2:
        return n
    a = fib(n - 1)
    b = fib(n - 2)
    return a + b


def main(scale):
    rounds = max(1, int(60 * scale))
    total = 0
    for _ in range(rounds):
        total += fib(18)
    return total


if __name__ == "__main__":
    print("fib", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
