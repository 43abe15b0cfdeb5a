"""Generator expressions, lazy and nested."""


def first_over(limit, numbers):
    squares = (n * n for n in numbers)
    big = (s for s in squares if s > limit)
    return next(big, None)


pairs = ((a, b) for a in range(3) for b in range(a))
total = sum(a * b for a, b in pairs)
found = first_over(30, range(10))
print(total, found, any(x > 3 for x in [1, 5, 2]))
