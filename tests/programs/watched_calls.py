"""Calls of what no name leads to: which object they change shows when they are made."""

import collections
import functools
import types


class Node:
    shared = []

    def __init__(self, *edges):
        self.edges = list(edges)
        self.marks = {}
        self.on_change = None

    def changed(self, what):
        self.edges.append(what)
        return self

    @classmethod
    def make(cls, *edges):
        cls.shared.append(len(edges))
        return cls(*edges)

    @staticmethod
    def mark(node, key):
        node.marks[key] = [key]
        return node.marks


class Left(Node):
    def __init__(self, *edges):
        super().__init__(*edges)
        self.side = "left"

    def changed(self, what):
        super().changed([what]).edges.append(what)
        return self


def same(value):
    return value


def chains(node):
    edges, marks = node.edges, node.marks
    for turn in range(3):
        same(node).edges.append(turn)
        same(node).edges.extend([turn, turn])
        same(node).edges.insert(0, -turn)
        same(same(node).edges).pop()
        same(edges).append(same(edges).pop() + same(edges).pop())
        same(edges).sort(key=lambda edge: seen_while(edges, edge))
        same(marks).update({turn: [turn]})
        same(marks).setdefault("all", []).append(turn)
        same(marks)["all"].append(turn), same(edges).append(turn)
        [same(edges).append(more) for more in range(2)]
        same(node).changed(turn).changed(turn).edges.reverse()
        same(vars(node)).update(turn=turn)
        vars(same(node))["last"] = [turn]
        same(node).__dict__.pop("last")
    return edges, marks


def seen_while(edges, edge):
    count = len(edges)
    return -edge, count


def fails(edges):
    for turn in range(3):
        try:
            same(edges).extend(1 // (2 - number) for number in range(4))
        except ZeroDivisionError:
            pass
        try:
            same(edges).remove(turn + 100)
        except ValueError as error:
            same(edges).append(str(error))
    return edges


def bound(node):
    push, pop, get = node.edges.append, node.edges.pop, node.marks.get
    update = node.marks.update
    change = node.changed
    for turn in range(3):
        push(turn), push([turn])
        last = pop()
        update(turn=turn)
        found = get("turn"), get(last and 0, push("default"))
        change(turn)
    table = {"push": push, "pop": pop, "change": change}
    for name in ("push", "push", "change"):
        table[name](name)
    for name in ("pop", "pop"):
        table[name]()
    return table, found, last


def bound_to_sets(numbers):
    seen, raw = set(), bytearray(b"ab")
    add, drop, more = seen.add, seen.discard, seen.update
    grow, view = raw.append, memoryview(raw)
    for number in numbers:
        add(number), add(number), drop(number - 1)
        more([number, -number]) if number % 2 else same(seen).add("even")
        try:
            grow(number)
        except BufferError as error:
            view = str(error)
    return seen, raw, view


def attributes(node):
    seen = []
    node.on_change = seen.append
    for turn in range(4):
        node.on_change(turn)
        if turn == 1:
            node.on_change = node.changed
        Node.make(turn)
        Left.make(turn, turn)
        node.make()
        node.mark(node, turn)
        Node.mark(node, -turn)["more"] = turn
        list.append(seen, turn)
        functools.partial(list.append, seen)(turn)
    return seen


def deep(node, count):
    return [node.on_change(count), node.on_change(-count), same(node).edges.append(count)]


def again(node):
    def down(count):
        node.edges.append(count)
        return deep(node, count - 1) if count > 0 else None

    node.on_change = down
    return deep(node, 2)


def generate(node):
    for turn in range(3):
        got = same(node.edges).append((yield turn))
        same(node).edges.append(got)


def generated(node):
    edges = node.edges
    generator = generate(node)
    next(generator)
    for turn in range(2):
        node.edges.append(turn)
        generator.send(turn)
    return edges


def elsewhere(node, bound):
    for turn in range(3):
        same(node).edges.append(turn)
        bound(turn)
        types.MethodType(bound, [turn])()
        same(types.MethodType(bound, turn))()
    return node.edges


class Stack(list):
    def push(self, what):
        self.append(what)
        super().append([what])
        return self


def inherited():
    stack = Stack()
    words = collections.Counter()
    ring = collections.deque(maxlen=4)
    kept = collections.OrderedDict()
    raw = bytearray(b"ab")
    view = memoryview(raw)
    for turn in range(6):
        stack.push(turn).push(turn).append(turn)
        same(stack).pop(0)
        same(words).update("abc"[: turn % 3])
        same(ring).append(turn)
        same(ring).appendleft(-turn)
        same(ring).rotate(1)
        same(kept).update({turn: turn})
        same(kept).move_to_end(0)
        same(view)[0] = turn
        same(raw).__setitem__(1, turn)
    return stack, words, ring, kept, raw


chains(Left(1, 2))
chains(Node())
fails([5])
bound(Node(1))
bound(Left())
bound_to_sets(range(5))
attributes(Node())
again(Node())
# The same code under other globals: what is watched there is watched here.
kept = []
for count in range(2):
    copy = types.FunctionType(elsewhere.__code__, {**globals(), "same": lambda value: value})
    copy(Node(), kept.append)
    elsewhere(Node(), kept.append)
generated(Node())
inherited()
