"""Lines that change something several steps behind a name."""

import operator
from collections import OrderedDict, defaultdict, deque


class Node:
    def __init__(self, value):
        self.value = value
        self.next = None
        self.children = []


class Slotted:
    __slots__ = ("items", "other")

    def __init__(self):
        self.items = []
        self.other = {"x": []}

    def fill(self, value):
        self.items.append(value)
        self.other["x"].append(value)
        return value


class Game:
    def __init__(self):
        self.grid = [[0] * 3 for _ in range(3)]
        self.state = {"players": [], "score": {"ann": [0]}, (1, 2): []}
        self.inside = {"ann": {"items": []}}
        self.nodes = [Node(1), Node(2)]
        self.first = Node(3)
        self.first.next = Node(4)
        self.first.next.next = Node(5)

    def move(self, row, column, down, right):
        self.grid[row + down][column + right] = 7
        self.grid[row - 1][column] += 1
        self.grid[1 + row][-1] = 9
        return self

    def join(self, name):
        self.state["players"].append(name)
        self.state[1, 2].append(name)
        self.state["score"]["ann"][0] += 1
        return self

    def give(self, who, what):
        self.inside[who]["items"].append(what)
        self.inside.get(who)["items"].append(what)
        self.inside.setdefault(who + "!", {"items": []})["items"].append(what)
        return self

    def change(self, place):
        self.nodes[place].value = "changed"
        self.nodes[place + 1].children.append(place)
        self.first.next.value = "second"
        self.first.next.next.value = "third"
        self.first.next.next.children += [place]
        setattr(self.first.next, "value", "set")
        return self

    def swap(self, place):
        self.grid[place], self.grid[place + 1] = self.grid[place + 1], self.grid[place]
        del self.grid[place + 1][0]
        self.grid[place + 1][:] = [place, place]
        return self

    def rows(self, place):
        for row in self.grid[place:]:
            row.append(place)
        operator.setitem(self.grid[place], 0, "operator")
        return self


def group(words):
    groups, counted, kept = {}, defaultdict(list), OrderedDict()
    for word in words:
        groups.setdefault(word[0], []).append(word)
        counted[word[0]].append(word)
        counted[len(word), word[0]].append(word)
        kept[word] = deque()
        kept[word].append(word)
    return groups, counted, kept


def insert(tree, path):
    node = tree
    for part in path:
        node = node["inner"].setdefault(part, {"inner": {}})
    node["leaf"] = True
    return tree


def table(size):
    ways = [0] * (size + 2)
    ways[0] = 1
    for place in range(size):
        ways[place + 1] = ways[place] + ways[place - 1]
    pairs = ([1], {"k": [2]})
    pairs[0].append(3)
    pairs[1]["k"].append(4)
    return ways, pairs


game = Game()
game.move(0, 0, 1, 1)
game.join("bob")
game.give("ann", "key")
game.change(0)
game.swap(1)
game.rows(0)
slotted = Slotted()
slotted.fill(1)
slotted.other["x"].append(2)
game.first.next.next.next = Node(6)
game.first.next.next.next.next = Node(7)
game.first.next.next.next.next.value = "far"
groups = group(["ab", "ac", "bc"])
tree = insert({"inner": {}}, "abc")
found = table(4)
