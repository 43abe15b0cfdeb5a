"""A long run with landmarks, about 100 million steps at scale 1.

The parts, in order: nested calls, one call with 5,000,000 children, one loop with 9,000,000
iterations, objects whose attributes change rarely, nested calls again, and a last line that
runs exactly once. A reader that is asked to find one of them cannot be lucky.
"""

import sys


class Account:
    def __init__(self, name):
        self.name = name
        self.balance = 0
        self.version = 0

    def deposit(self, amount):
        self.balance += amount
        if self.balance > 1_000_000:
            self.balance -= 1_000_000
            self.version += 1


def leaf(value):
    return value * 3 + 1


def branch(depth, value):
    if depth == 0:
        return leaf(value)
    left = branch(depth - 1, value + 1)
    right = branch(depth - 1, value + 2)
    return (left ^ right) & 0xFFFF


def many_children(count):
    total = 0
    for child in range(count):
        total ^= leaf(child)
    return total


def many_iterations(count):
    state = 1
    seen = []
    for turn in range(count):
        state = (state * 1103 + turn) % 65_537
        if state == 4_242:
            seen.append(turn)
            del seen[:-8]
    return state + len(seen)


def accounts(count):
    book = [Account(f"account-{i}") for i in range(10)]
    for turn in range(count):
        book[turn % 10].deposit(turn % 997)
    return sum(account.version for account in book)


def nested(rounds):
    total = 0
    for turn in range(rounds):
        total ^= branch(8, turn)
    return total


def landmark(total):
    return total + 1


def main(scale):
    total = nested(int(6_000 * scale))
    total += many_children(int(5_000_000 * scale))
    total += many_iterations(int(9_000_000 * scale))
    total += accounts(int(8_700_000 * scale))
    total += nested(int(7_000 * scale))
    return landmark(total)


if __name__ == "__main__":
    print("long_run", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
