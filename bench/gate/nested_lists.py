"""A grid: lists in a list, whose inner elements change while a local holds only the outer one."""

import sys


def main(scale):
    grid = [[(row * column) % 7 for column in range(24)] for row in range(24)]
    cube = [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
    record = {"rows": grid, "cube": cube}
    turn = 0
    for turn in range(int(120_000 * scale)):
        row = turn % 24
        column = (turn * 5) % 24
        grid[row][column] += grid[row - 1][column]
        grid[row][column] %= 1009
        cube[turn & 1][turn >> 1 & 1][0] += 1
        record["rows"][column][row] ^= 1
    record["turn"] = turn
    total = 0
    for line in grid:
        total += sum(line)
    return total + cube[0][0][0] + cube[1][1][0]


if __name__ == "__main__":
    print("nested_lists", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
