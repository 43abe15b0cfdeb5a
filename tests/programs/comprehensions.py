"""Comprehensions in functions, classes and modules, nested, with shadowed names."""

x = "outer"
squares = [x * x for x in range(5)]
grid = [[row * 3 + column for column in range(3)] for row in range(2)]


class Table:
    width = 3
    cells = [n for n in range(4)]
    names = {n: str(n) for n in range(width)}


def flatten(rows):
    flat = [cell for row in rows for cell in row if cell % 2]
    unique = {cell % 3 for cell in flat}
    lengths = {str(cell): cell for cell in flat}
    calls = [(lambda k=k: k + 1)() for k in flat]
    return flat, sorted(unique), lengths, calls


def failing(values):
    try:
        return [10 // value for value in values]
    except ZeroDivisionError:
        value = "restored"
        return value


print(x, squares, grid, Table.cells, Table.names)
print(flatten(grid))
print(failing([1, 2]), failing([1, 0]))
