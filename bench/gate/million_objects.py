"""One million small objects alive at once, then a walk that changes every tenth of them."""

import sys


class Node:
    __slots__ = ("value", "next")

    def __init__(self, value, following):
        self.value = value
        self.next = following


def main(scale):
    nodes = []
    following = None
    for value in range(int(1_000_000 * scale)):
        following = Node(value, following)
        nodes.append(following)
    total = 0
    for index in range(0, len(nodes), 10):
        node = nodes[index]
        node.value += 1
        total = (total + node.value) % 1_000_003
    return total


if __name__ == "__main__":
    print("million_objects", main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
