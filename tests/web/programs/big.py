"""A long run: 1.2 million steps and 375,000 calls."""


def leaf(n):
    value = n % 7
    value += 1
    return value


def branch(n):
    return leaf(n) + leaf(n + 1)


total = 0
for number in range(125_000):
    total += branch(number)
    if number % 5000 == 0:
        print("at", number, total)
        try:
            raise ValueError(number)
        except ValueError:
            pass
