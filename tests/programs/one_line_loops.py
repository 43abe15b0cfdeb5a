"""Loops, functions and conditions written on one line."""


def double(n): return n * 2  # noqa: E704


def run():
    total = 0
    for i in range(5): total += i  # noqa: E701
    n = 10
    while n > 3: n -= 2  # noqa: E701
    if total > 5: total = -total; n += 1  # noqa: E701, E702
    items = []
    for i in range(3): items.append(double(i))  # noqa: E701
    a = 1; b = a + 1; a = b * 2  # noqa: E702
    x = 2; x = x * 2; x = x + 1  # noqa: E702
    return total, n, items, a, b, x


square = lambda n: n * n  # noqa: E731
print(run(), square(4), [double(i) for i in range(3)])
