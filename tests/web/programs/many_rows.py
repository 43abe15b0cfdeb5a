"""A list of a hundred thousand rows, recorded whole: ct record --max-items 200000."""


def fill():
    rows = list(zip(range(100_000), range(0, 200_000, 2), strict=True))
    rows[50_001] = (50_001, -7)
    return rows


many = fill()
