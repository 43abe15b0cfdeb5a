"""Lists, dicts and a set that one function mutates, with twelve live locals."""

import sys


def main(scale):
    rounds = int(86_700 * scale)
    numbers = list(range(40))
    counts = {}
    seen = set()
    stack = []
    index = 0
    key = 0
    value = 0
    hits = 0
    misses = 0
    checksum = 0
    largest = -1
    for turn in range(rounds):
        index = (index * 7 + turn) % 40
        value = numbers[index]
        numbers[index] = (value + turn) % 1009
        key = value % 61
        counts[key] = counts.get(key, 0) + 1
        if key in seen:
            hits += 1
        else:
            misses += 1
            seen.add(key)
        stack.append(value)
        if len(stack) > 24:
            value = stack.pop()
            stack.pop()
            stack[0] = value
        if value > largest:
            largest = value
        if turn % 997 == 0:
            seen.clear()
            largest = -1
            numbers.sort()
        if turn % 61 == 3:
            del counts[key]
        checksum = (checksum * 33 + value) % 1_000_003
        numbers[0], numbers[-1] = numbers[-1], numbers[0]
        index += 1
        key = key + index
        hits = hits % 100_003
    return checksum + hits + misses + len(counts) + largest


if __name__ == "__main__":
    print("listdict", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
