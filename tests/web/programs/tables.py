"""Values that are tables: rows of numbers, records, an array of three dimensions, a long list."""

from dataclasses import dataclass


@dataclass
class Reading:
    station: str
    degrees: float
    is_good: bool


def measure():
    grid = [[row * column % 97 for column in range(60)] for row in range(40)]
    readings = [Reading(f"station {i}", i * 1.5, i % 3 > 0) for i in range(6)]
    cube = memoryview(bytearray(range(60))).cast("B", [3, 4, 5])
    pairs = list(zip(range(4000), range(0, 8000, 2), strict=True))
    late = [[1, 2], [3, 4], [5, 6], "no row", [9, 10]]
    grid[2][3] = -1
    readings[4].degrees = 99.25
    cube[1, 2, 3] = 255
    pairs[2000] = (2000, "here")
    return grid, readings, cube, pairs, late


tables = measure()
print(len(tables))
