"""Containers in containers, changed at the inner levels."""


class Node:
    def __init__(self, items):
        self.items = items
        self.child = None


def deep():
    grid = [[0] * 3 for _ in range(3)]
    grid[1][2] = 5
    row = grid[1]
    row[0] = 7
    tree = {"left": {"leaf": [1]}, "right": ([], {})}
    tree["left"]["leaf"].append(2)
    tree["right"][0].append("x")
    tree["right"][1]["k"] = grid
    node = Node([1, 2])
    node.child = Node([3])
    node.child.items.append(4)
    node.child.items[0] = node.items
    mixed = [({"a": [1]},), [[]]]
    mixed[0][0]["a"][0] = 9
    mixed[1][0].append(mixed[0])
    return grid, tree, node.child.items, mixed


print(deep())
